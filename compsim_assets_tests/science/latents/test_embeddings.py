"""Mean pooling against one text at a time, on a Llama and a BERT model."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from transformers import BertConfig, BertModel, LlamaConfig, LlamaModel

from compsim_assets.science.latents.embeddings import TextEmbedder, mean_pooled
from compsim_assets.science.latents.extraction import Tokens

WIDTH, VOCABULARY = 16, 50
CPU = torch.device("cpu")
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 64,
    "initializer_range": 0.2,
}


@pytest.fixture(params=["llama", "bert"])
def model(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(3)
    llama = request.param == "llama"
    made: nn.Module = LlamaModel(LlamaConfig(**SIZES)) if llama else BertModel(BertConfig(**SIZES))
    return made.eval()


def batch_of(lengths: list[int]) -> list[Tokens]:
    """Texts whose first token is special."""
    rng = np.random.default_rng(0)
    return [Tokens(rng.integers(1, VOCABULARY, n), np.arange(n) > 0, False) for n in lengths]


def test_an_embedding_is_the_mean_over_all_tokens_of_the_text(model: nn.Module) -> None:
    batch = batch_of([9, 3, 30, 1, 14])
    found = TextEmbedder(model, WIDTH, CPU)(batch)
    exact = copy.deepcopy(model).double()
    for row, tokens in zip(found, batch, strict=True):
        with torch.no_grad():
            hidden = exact(input_ids=torch.from_numpy(tokens.ids)[None]).last_hidden_state[0]
        expected = [sum(column) / len(tokens.ids) for column in hidden.T.tolist()]
        np.testing.assert_allclose(row, expected, rtol=1e-4, atol=1e-5)
    assert found.dtype == np.float32
    assert np.abs(found - found.mean(axis=0)).max() > 0.1  # the models tell texts apart


def test_what_stands_at_padding_has_no_part_in_the_mean() -> None:
    hidden = torch.tensor([[[1.0], [3.0], [torch.inf]], [[2.0], [torch.nan], [-torch.inf]]])
    pooled = mean_pooled(hidden, torch.tensor([[1, 1, 0], [1, 0, 0]]))
    assert pooled.tolist() == [[2.0], [2.0]]


def test_halves_are_summed_in_float32() -> None:
    hidden = torch.full((1, 40, 1), 60_000.0, dtype=torch.float16)
    pooled = mean_pooled(hidden, torch.ones(1, 40))
    assert pooled.dtype == torch.float32
    assert pooled.item() == pytest.approx(float(hidden[0, 0, 0]), rel=1e-6)


def test_an_overflow_is_an_error_and_not_an_embedding(model: nn.Module) -> None:
    with torch.no_grad():
        model.get_input_embeddings().weight[7] = torch.inf  # type: ignore[operator]
    embed, counted = TextEmbedder(model, WIDTH, CPU), np.array([True, True])
    fine = Tokens(np.array([1, 2]), counted, False)
    assert np.isfinite(embed([fine])).all()
    with pytest.raises(FloatingPointError, match=r"overflow in torch\.float32: set dtype"):
        embed([fine, Tokens(np.array([3, 7]), counted, False)])
