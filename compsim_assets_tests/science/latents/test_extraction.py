"""Hook, sums and batches against one text at a time in float64, on a Llama and a BERT model."""

import copy
import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers import BertConfig, BertModel, LlamaConfig, LlamaModel

import compsim_assets.science.latents.extraction as extraction
from compsim_assets.science.latents.extraction import (
    FeatureExtractor,
    Tokens,
    activations_at,
    find_module,
    pad,
    plan_batches,
    sum_of_latents,
    tokens_per_chunk,
)
from compsim_assets_tests.science.strategies import examples

WIDTH, N_LATENTS, K, VOCABULARY, LAYER = 16, 96, 7, 50, 1
CPU = torch.device("cpu")
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 64,
    "initializer_range": 0.1,
}
HOOKPOINTS = {"llama": f"layers.{LAYER}", "bert": f"encoder.layer.{LAYER}"}


@pytest.fixture(params=["llama", "bert"])
def named_model(request: pytest.FixtureRequest) -> tuple[nn.Module, str]:
    torch.manual_seed(3)
    if request.param == "llama":
        model: nn.Module = LlamaModel(LlamaConfig(**SIZES, num_key_value_heads=1))
    else:
        model = BertModel(BertConfig(**SIZES))
    return model.eval(), HOOKPOINTS[request.param]


class DenseSae:
    """ReLU + TopK by definition; remembers how many tokens it was given at once."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(5)
        self.weight = torch.randn(N_LATENTS, WIDTH, generator=generator, dtype=torch.float64)
        self.bias = torch.randn(N_LATENTS, generator=generator, dtype=torch.float64) / 4
        self.given: list[int] = []

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.given.append(len(x))
        pre = torch.relu(x @ self.weight.T.to(x.dtype) + self.bias.to(x.dtype))
        values, indices = pre.topk(K, dim=-1, sorted=False)
        return values, indices, pre


def random_tokens(lengths: list[int], seed: int = 0) -> list[Tokens]:
    """Texts whose first token is special and which have a second special one somewhere."""
    rng = np.random.default_rng(seed)
    batch = []
    for n in lengths:
        counted = np.arange(n) > 0
        counted[rng.integers(n)] = n == 1
        batch.append(Tokens(rng.integers(1, VOCABULARY, n), counted, False))
    return batch


def slow_features(model: nn.Module, sae: DenseSae, batch: list[Tokens]) -> np.ndarray:
    """One text at a time, all layers, no padding, float64, token by token."""
    model = copy.deepcopy(model).double()
    features = np.zeros((len(batch), N_LATENTS))
    for row, tokens in enumerate(batch):
        ids = torch.from_numpy(tokens.ids)[None]
        with torch.no_grad():
            hidden = model(input_ids=ids, output_hidden_states=True).hidden_states[LAYER + 1][0]
        for position in np.flatnonzero(tokens.counted):
            pre = np.maximum(sae.weight.numpy() @ hidden[position].numpy() + sae.bias.numpy(), 0)
            top = np.argsort(-pre)[:K]
            features[row, top] += pre[top]
    return features


def extractor(model: nn.Module, hookpoint: str, encode: Callable | None = None) -> FeatureExtractor:
    encode = encode or DenseSae().encode
    return FeatureExtractor(model, find_module(model, hookpoint), encode, N_LATENTS, CPU)


def test_features_are_the_sums_over_the_counted_tokens(named_model: tuple) -> None:
    model, hookpoint = named_model
    batch = random_tokens([9, 3, 30, 1, 14])
    features = extractor(model, hookpoint)(batch)
    expected = slow_features(model, DenseSae(), batch)
    assert features.dtype == np.float32
    assert (expected > 0).sum() > 100  # of 480: the models tell texts apart
    np.testing.assert_allclose(features, expected, rtol=1e-5, atol=1e-4)


def test_a_text_does_not_feel_its_neighbours_in_the_batch(named_model: tuple) -> None:
    extract = extractor(*named_model)
    batch = random_tokens([5, 40, 12])
    alone = np.concatenate([extract([tokens]) for tokens in batch])
    np.testing.assert_allclose(extract(batch), alone, rtol=1e-5, atol=1e-5)


def test_the_same_bytes_at_every_call(named_model: tuple) -> None:
    extract = extractor(*named_model)
    batch = random_tokens([25, 31, 12, 31])
    assert extract(batch).tobytes() == extract(batch).tobytes()


def test_layers_behind_the_hookpoint_never_run(named_model: tuple) -> None:
    model, hookpoint = named_model
    stem = hookpoint.rpartition(".")[0]
    called: list[int] = []
    for layer in range(4):
        find_module(model, f"{stem}.{layer}").register_forward_hook(lambda *_, layer=layer: called.append(layer))
    extract = extractor(model, hookpoint)
    extract(random_tokens([6]))
    assert called == [0, 1]
    with torch.no_grad():  # and afterwards the model is as it was
        model(input_ids=torch.ones(1, 3, dtype=torch.int64))
    assert called == [0, 1, 0, 1, 2, 3]


def test_the_model_keeps_working_after_an_error_in_it(named_model: tuple) -> None:
    model, hookpoint = named_model
    module = find_module(model, hookpoint)
    with pytest.raises(IndexError):
        activations_at(model, module, torch.tensor([[VOCABULARY]]), torch.ones(1, 1))
    assert not module._forward_hooks


class Toy(nn.Module):
    """Its modules return what the models' modules may return."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, WIDTH)
        self.recurrent = nn.GRU(WIDTH, WIDTH, batch_first=True)
        self.flat = nn.Flatten(0, 1)
        self.unused = nn.Linear(WIDTH, WIDTH)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        return self.flat(self.recurrent(self.embed(input_ids))[0])


def test_of_a_tuple_the_first_item_is_taken() -> None:
    toy = Toy()
    ids = torch.arange(6).reshape(2, 3)
    with torch.no_grad():
        found = activations_at(toy, toy.recurrent, ids, torch.ones_like(ids))
        expected = toy.recurrent(toy.embed(ids))[0]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("hookpoint", "complaint"),
    [
        ("unused", "never calls its Linear"),
        ("flat", r"\[texts, tokens, width\] = \[2, 3, 'width'\], not \(6, 16\)"),
        ("recurent", "no module 'recurent'; near matches: recurrent"),
        ("", "no module ''"),
    ],
)
def test_hookpoints_that_will_not_do(hookpoint: str, complaint: str) -> None:
    toy = Toy()
    ids = torch.arange(6).reshape(2, 3)
    with pytest.raises(ValueError, match=complaint):
        activations_at(toy, find_module(toy, hookpoint), ids, torch.ones_like(ids))


def test_near_matches_of_a_wrong_layer_are_its_neighbours(named_model: tuple) -> None:
    model, hookpoint = named_model
    with pytest.raises(ValueError, match=hookpoint.replace(".", r"\.")):
        find_module(model, hookpoint.replace(".1", ".11"))


def test_an_overflow_is_an_error_and_not_a_feature() -> None:
    toy = Toy()
    with torch.no_grad():
        toy.embed.weight[7] = torch.inf
    extract = extractor(toy, "embed")
    fine, counted = np.array([1, 2]), np.array([True, True])
    assert np.isfinite(extract([Tokens(fine, counted, False)])).all()
    with pytest.raises(FloatingPointError, match="float32"):
        extract([Tokens(fine, counted, False), Tokens(np.array([3, 7]), counted, False)])


def test_padding_is_on_the_right_and_masked() -> None:
    ids, mask = pad([np.array([4, 5, 6]), np.array([7])], CPU)
    assert ids.tolist() == [[4, 5, 6], [7, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]


def test_tokens_are_encoded_in_bounded_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    sae = DenseSae()
    activations = torch.randn(50, WIDTH, generator=torch.Generator().manual_seed(1))
    owners = torch.arange(50) // 20
    whole = sum_of_latents(sae.encode, activations, owners, 3, N_LATENTS)
    monkeypatch.setattr(extraction, "PRE_ACTIVATION_BYTES", 13 * N_LATENTS * 4 + 5)
    assert tokens_per_chunk(N_LATENTS, 4) == 13
    sae.given.clear()
    chunked = sum_of_latents(sae.encode, activations, owners, 3, N_LATENTS)
    assert sae.given == [13, 13, 13, 11]
    torch.testing.assert_close(chunked, whole)


def test_many_small_values_are_summed_in_float32_whatever_the_sae() -> None:
    n = 4096  # in bfloat16 the sum would stop at 256

    def one(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return torch.ones_like(x), torch.zeros(len(x), 1, dtype=torch.int64), x

    activations = torch.zeros(n, 1, dtype=torch.bfloat16)
    sums = sum_of_latents(one, activations, torch.zeros(n, dtype=torch.int64), 1, 2)
    assert sums.tolist() == [[n, 0.0]]


@examples(30)
@given(st.lists(st.integers(1, 40), max_size=30), st.integers(1, 60), st.integers(1, 8))
def test_batches_hold_every_text_once_within_their_bounds(lengths: list[int], tokens: int, texts: int) -> None:
    batches = plan_batches(np.array(lengths, dtype=np.int64), tokens, texts)
    order = [text for batch in batches for text in batch]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[text] for text in order] == sorted(lengths, reverse=True)
    for batch, following in itertools.zip_longest(batches, batches[1:]):
        longest = lengths[batch[0]]
        assert len(batch) <= texts
        assert len(batch) == 1 or len(batch) * longest <= tokens
        if following is not None:  # full: one more would not have fitted
            assert len(batch) == texts or (len(batch) + 1) * longest > tokens
