"""A text's features are its own: whatever is read with it, in which order, padded how, in one window or several."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import BertModel

from compsim_assets.launch.worker import Worker
from compsim_assets.science.latents.extraction import plan_batches
from compsim_assets.workers import extract_features, language_models
from compsim_assets.workers.language_models import LoadedModels
from compsim_assets_tests.launch.warm import by_hand
from compsim_assets_tests.workers.architectures import (
    ARCHITECTURES,
    POSITIONS,
    make_architecture,
    slow_features,
    windows_of,
)
from compsim_assets_tests.workers.test_extract_features import read_output, save_texts
from compsim_assets_tests.workers.tiny_models import WORDS, Kit

CPU = torch.device("cpu")
MAX_TOKENS = 12
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40).map(" ".join), min_size=1, max_size=7)


@pytest.fixture(scope="session", params=[*ARCHITECTURES])
def architecture(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Kit, LoadedModels]:
    kit = make_architecture(tmp_path_factory.mktemp(request.param), request.param)
    return kit, language_models.load_models(kit.settings(long_texts="chunk"), CPU)


def read(models: LoadedModels, contents: list[Any], chunk: bool, per_batch: int, order: np.ndarray) -> np.ndarray:
    """Features of the contents, read in this order, so many padded tokens at once."""
    tokens = replace(models.tokenize, chunk=chunk)([contents[number] for number in order])
    lengths = np.array([len(of_one.ids) for of_one in tokens])
    features = np.zeros((len(contents), models.extract.n_latents), dtype=np.float32)
    extract = replace(models.extract, tokens_at_once=per_batch)
    for batch in plan_batches(lengths, per_batch, 4):
        features[order[batch]] = extract([tokens[number] for number in batch])
    return features


def assert_same(one: np.ndarray, other: np.ndarray) -> None:
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    # Away from ties: what is active in one alone is next to nothing.
    assert np.abs((one - other)[(one > 0) != (other > 0)]).max(initial=0) < 1e-5


@given(texts=TEXTS, per_batch=st.sampled_from([1, 30, 10**6]), chunk=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=6, deadline=None, derandomize=True)
def test_neighbours_order_and_batches_do_not_matter(
    architecture: tuple[Kit, LoadedModels], texts: list[str], per_batch: int, chunk: bool, seed: int
) -> None:
    _, models = architecture
    order = np.random.default_rng(seed).permutation(len(texts))
    together = read(models, texts, chunk, per_batch, order)
    for number, text in enumerate(texts):
        alone = read(models, [text], chunk, 10**6, np.arange(1))[0]
        assert_same(alone, together[number])
    assert (together > 0).any()


@pytest.mark.parametrize("chunk", [False, True])
def test_features_are_those_of_each_window_read_alone(architecture: tuple[Kit, LoadedModels], chunk: bool) -> None:
    kit, models = architecture
    texts = [" ".join((WORDS[start:] * 9)[: 4 * start + 1]) for start in range(8)]
    assert max(len(text.split()) for text in texts) > 2 * MAX_TOKENS
    got = read(models, texts, chunk, 40, np.arange(len(texts)))
    for row, text in zip(got, texts, strict=True):
        expected = slow_features(kit, windows_of(kit, text, MAX_TOKENS, chunk)).numpy()
        np.testing.assert_allclose(row, expected, rtol=2e-4, atol=2e-4)
        assert ((row > 0) == (expected > 0)).all()


@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=30), pads=st.integers(0, 9), left=st.booleans())
@settings(max_examples=6, deadline=None, derandomize=True)
@pytest.mark.parametrize("chunk", [False, True])
def test_ids_that_are_padded_on_either_side_are_the_text(
    architecture: tuple[Kit, LoadedModels], words: list[str], pads: int, left: bool, chunk: bool
) -> None:
    _, models = architecture
    tokenizer = models.tokenize.tokenizer
    ids, padding = tokenizer(" ".join(words))["input_ids"], [tokenizer.pad_token_id] * pads
    padded = np.array(padding + ids if left else ids + padding)
    tokenize = replace(models.tokenize, chunk=chunk)
    (of_ids,), (of_text,) = tokenize([padded]), tokenize([" ".join(words)])
    assert of_ids.ids.tolist() == of_text.ids.tolist()
    assert of_ids.counted.tolist() == of_text.counted.tolist()
    assert (of_ids.starts, of_ids.truncated) == (of_text.starts, of_text.truncated)


def test_a_text_that_ends_in_many_end_tokens_is_not_a_long_one(architecture: tuple[Kit, LoadedModels]) -> None:
    _, models = architecture
    ids = [4, 5, 6]
    (tokens,) = models.tokenize([np.array([0, *ids, *[2] * 50])])
    assert tokens.ids[tokens.counted].tolist() == ids
    assert not tokens.starts


@given(words=st.lists(st.sampled_from([*WORDS, "</s>", "<s>", "quux"]), min_size=1, max_size=60))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_windows_hold_every_token_of_a_text_once(architecture: tuple[Kit, LoadedModels], words: list[str]) -> None:
    _, models = architecture
    (tokens,) = models.tokenize([" ".join(words)])
    expected = models.tokenize.tokenizer(" ".join(words), add_special_tokens=False)["input_ids"]
    assert tokens.ids[tokens.counted].tolist() == [token for token in expected if token not in (0, 1, 2)]
    windows = tokens.windows()
    assert max(len(ids) for ids, _ in windows) <= MAX_TOKENS
    frame = models.tokenize.tokenizer.num_special_tokens_to_add()
    room = MAX_TOKENS - frame
    assert len(windows) == max(1, -(-len(expected) // room))
    for ids, counted in windows:
        assert ids[0] == (0 if frame else ids[0])
        assert not counted[np.isin(ids, (0, 1, 2))].any()


@pytest.mark.parametrize("kind", ["gpt2", "modernbert"])
def test_the_side_that_a_tokenizer_pads_on_does_not_matter(kind: str, tmp_path: Path) -> None:
    texts = ["bank of gold", "oil", "steel and bread of cloud"]
    made = []
    for side in ("left", "right"):
        kit = make_architecture(tmp_path / side, kind, padding_side=side)
        models = language_models.load_models(kit.settings(), CPU)
        assert models.tokenize.tokenizer.padding_side == side
        made.append(models.extract(models.tokenize(texts)))
    assert made[0].tobytes() == made[1].tobytes()


@pytest.mark.parametrize("kind", [*ARCHITECTURES])
def test_every_position_is_read_and_none_beyond(kind: str, tmp_path: Path) -> None:
    kit = make_architecture(tmp_path, kind)
    models = language_models.load_models(kit.settings(max_tokens=POSITIONS), CPU)
    text = " ".join(WORDS * 9)
    (features,) = models.extract(models.tokenize([text]))
    expected = slow_features(kit, windows_of(kit, text, POSITIONS, chunk=False)).numpy()
    np.testing.assert_allclose(features, expected, rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match=f"max_tokens = {POSITIONS + 1}: the model reads at most {POSITIONS}"):
        language_models.load_models(kit.settings(max_tokens=POSITIONS + 1), CPU)


def test_a_model_that_minds_its_neighbours_is_refused_unless_it_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = make_architecture(tmp_path, "bert")
    forward = BertModel.forward

    def blind(self: Any, input_ids: Any = None, attention_mask: Any = None, **options: Any) -> Any:
        return forward(self, input_ids=input_ids, attention_mask=torch.ones_like(attention_mask), **options)

    monkeypatch.setattr(BertModel, "forward", blind)
    complaint = r"extraction.toml: .*BertModel gives other activations for a text that is read beside others: by .*"
    with pytest.raises(ValueError, match=complaint + "tokens_per_batch = 1 reads each text alone"):
        language_models.load_models(kit.settings(), CPU)
    models = language_models.load_models(kit.settings(tokens_per_batch=1), CPU)
    monkeypatch.undo()
    rightly = language_models.load_models(kit.settings(), CPU)
    tokens = models.tokenize(["oil"])
    assert_same(models.extract(tokens), rightly.extract(tokens))


def run(folder: Path, options: dict[str, Any], texts: list[str | None]) -> Worker:
    extras = {"texts": str(save_texts(folder, texts)), "settings": options, "output": str(folder / "out")}
    worker = Worker(0, 1, CPU, extras)
    extract_features.main(worker)
    return worker


def test_long_texts_are_counted_and_their_windows_show_all_of_them(tmp_path: Path) -> None:
    kit = make_architecture(tmp_path, "modernbert")
    long = " ".join(WORDS * 3)
    texts = [long, "oil", None, long, " ".join(WORDS[:10]), " ".join(WORDS)]
    cut, chunked = (
        run(tmp_path / how, kit.settings(long_texts=how), texts)
        for how in ("cut", "chunk")
        if (tmp_path / how).mkdir() is None
    )
    assert (cut.reported["n_truncated"], cut.reported["n_chunked"]) == (3, 0)
    assert (chunked.reported["n_truncated"], chunked.reported["n_chunked"]) == (0, 3)
    assert chunked.reported["n_tokens"] == 33 + 1 + 10 + 11
    assert cut.reported["n_tokens"] == 10 + 1 + 10 + 10
    got = read_output(tmp_path / "chunk" / "out")
    assert got["index"]["n_tokens"].tolist() == [33, 1, 0, 33, 10, 11]
    # Of 33 tokens a window of 32 shows nearly all: what is missing is one token's share.
    windows = got["windows"][got["windows"]["row"] > 0]
    summed = np.zeros_like(got["features"])
    for window in windows.itertuples():
        summed[window.row, window.latent] = sum(json.loads(window.activations))
    np.testing.assert_allclose(summed[1:], got["features"][1:], rtol=1e-3, atol=1e-3)
    shown = got["windows"][got["windows"]["row"] == 0]
    assert max(len(json.loads(tokens)) for tokens in shown["tokens"]) == 32


def test_two_processes_chunk_as_one(tmp_path: Path, one_thread: None) -> None:
    kit = make_architecture(tmp_path, "gpt_neox")
    texts: list[str | None] = [" ".join(WORDS[start:] * repeats) for start in range(9) for repeats in (1, 2, 7)]
    (tmp_path / "one").mkdir()
    options = kit.settings(long_texts="chunk")
    one = run(tmp_path / "one", options, texts)
    extras = {"texts": str(tmp_path / "one" / "texts.parquet"), "settings": options, "output": str(tmp_path / "two")}
    two = by_hand("compsim_assets.workers.extract_features", extras, tmp_path / "ranks", ranks=2, imports=["sparsify"])
    here, there = read_output(tmp_path / "one" / "out"), read_output(tmp_path / "two")
    assert here["features"].tobytes() == there["features"].tobytes()
    pd.testing.assert_frame_equal(here["windows"], there["windows"])
    assert two.result["n_chunked"] == one.reported["n_chunked"] > 9
