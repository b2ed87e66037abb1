"""Controls from the same activations: random directions with a trained SAE's lengths and biases, raw activations."""

import numpy as np
import pytest
import torch

from compsim_assets.science.latents.controls import RandomSae, random_features, raw_activations
from compsim_assets.science.latents.extraction import sum_of_latents
from compsim_assets.science.latents.shuffled import shuffled
from compsim_assets.science.pca.arrays import ArrayFeatures

WIDTH, LATENTS, K = 12, 64, 5


@pytest.fixture
def trained() -> dict[str, torch.Tensor]:
    """Encoder, biases and centre of an SAE."""
    generator = torch.Generator().manual_seed(0)
    return {
        "weight": torch.randn(LATENTS, WIDTH, generator=generator) * torch.linspace(0.5, 2, LATENTS)[:, None],
        "bias": torch.randn(LATENTS, generator=generator) / 3,
        "centre": torch.randn(WIDTH, generator=generator),
    }


def drawn(trained: dict[str, torch.Tensor], seed: int = 1) -> RandomSae:
    return RandomSae(trained["weight"].norm(dim=1), trained["bias"], trained["centre"], K, seed)


def activations(n: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    """Of n tokens of five texts."""
    generator = torch.Generator().manual_seed(3)
    return torch.randn(n, WIDTH, generator=generator), torch.arange(n) * 5 // n


def test_directions_are_on_the_sphere_and_the_rest_is_the_trained_ones(trained: dict[str, torch.Tensor]) -> None:
    sae = drawn(trained)
    torch.testing.assert_close(sae.weight.norm(dim=1), trained["weight"].norm(dim=1))
    torch.testing.assert_close(sae.offset, trained["bias"] - sae.weight @ trained["centre"])
    # Of 64 random directions none is a trained one.
    cosine = (
        torch.nn.functional.normalize(sae.weight, dim=1) @ torch.nn.functional.normalize(trained["weight"], dim=1).T
    )
    assert cosine.abs().max() < 0.97
    assert torch.equal(sae.weight, drawn(trained).weight)
    assert not torch.equal(sae.weight, drawn(trained, seed=2).weight)


def test_features_are_those_of_a_plain_sae(trained: dict[str, torch.Tensor]) -> None:
    sae, (tokens, owners) = drawn(trained), activations()
    pre = torch.relu((tokens - trained["centre"]) @ sae.weight.T + trained["bias"]).numpy()
    expected = np.zeros((5, LATENTS))
    for row, text in zip(pre, owners.tolist(), strict=True):
        top = np.argsort(-row)[:K]
        expected[text, top] += row[top]
    made = random_features(sae).of_tokens(tokens, owners, 5)
    np.testing.assert_allclose(made.numpy(), expected, atol=1e-4)
    assert (made > 0).any()


def test_one_that_secretly_is_the_trained_one_gives_its_features(trained: dict[str, torch.Tensor]) -> None:
    """The planted control: the same directions, the same features."""
    sae, (tokens, owners) = drawn(trained), activations()
    sae.weight, sae.offset = trained["weight"], trained["bias"] - trained["weight"] @ trained["centre"]

    def encode(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        pre = torch.relu((rows - trained["centre"]) @ trained["weight"].T + trained["bias"])
        return *pre.topk(K, dim=1), pre

    own = sum_of_latents(encode, tokens, owners, 5, LATENTS)
    torch.testing.assert_close(random_features(sae).of_tokens(tokens, owners, 5), own, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("mean", [False, True])
def test_raw_activations_are_sums_or_means_over_a_texts_tokens(mean: bool) -> None:
    tokens, owners = activations(37)
    parts = [tokens[owners == text] for text in range(5)]
    expected = torch.stack([part.mean(dim=0) if mean else part.sum(dim=0) for part in parts])
    made = raw_activations(WIDTH, mean).of_tokens(tokens, owners, 6)
    torch.testing.assert_close(made[:5], expected, atol=1e-5, rtol=1e-5)
    assert not made[5].any()


def test_shuffling_keeps_what_a_latent_fires_and_loses_where() -> None:
    values = np.random.default_rng(0).random((50, 600), dtype=np.float32)
    values[values < 0.7] = 0
    dealt = shuffled(ArrayFeatures(values), [0, 1], 0, values.shape[1])
    np.testing.assert_array_equal(np.sort(dealt, axis=0), np.sort(values, axis=0))
    again = shuffled(ArrayFeatures(values), [0, 1], 0, values.shape[1])
    np.testing.assert_array_equal(dealt, again)
    np.testing.assert_array_equal(shuffled(ArrayFeatures(values), [0, 1], 200, 530), dealt[:, 200:530])
    other = shuffled(ArrayFeatures(values), [0, 2], 0, values.shape[1])
    assert (dealt != other).mean() > 0.2
    # Each latent is dealt out on its own: two that were equal are not any more.
    twins = np.repeat(values[:, :1], 2, axis=1)
    first, second = shuffled(ArrayFeatures(twins), [0, 1], 0, 2).T
    assert (first != second).any()
