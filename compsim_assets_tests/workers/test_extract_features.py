"""The worker program, whole: tiny models on disk, one process and two, and each mistake."""

import itertools
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from compsim_assets.launch.worker import Worker
from compsim_assets.workers import extract_features, language_models
from compsim_assets.workers.text_batches import Lengths, plan_share
from compsim_assets_tests.launch.warm import by_hand
from compsim_assets_tests.workers import tiny_models
from compsim_assets_tests.workers.texts import LONG, ROWS, TEXTS, UNIQUE
from compsim_assets_tests.workers.tiny_models import LAYER, MAX_TOKENS, N_LATENTS, WORDS, Kit

CPU = torch.device("cpu")


def save_texts(folder: Path, values: list, column: str = "text") -> Path:
    kind = pa.string() if column == "text" else pa.list_(pa.int32())
    pq.write_table(pa.table({column: pa.array(values, kind)}), folder / "texts.parquet")
    return folder / "texts.parquet"


def extract(folder: Path, settings: dict[str, Any], values: list, column: str = "text") -> SimpleNamespace:
    """Run the program in this process: result, index and features."""
    extras = {"texts": str(save_texts(folder, values, column)), "settings": settings, "output": str(folder / "out")}
    worker = Worker(0, 1, CPU, extras)
    extract_features.main(worker)
    return SimpleNamespace(result=worker.reported, **read_output(folder / "out"))


def read_output(folder: Path) -> dict[str, Any]:
    index = pd.read_parquet(folder / "index.parquet")
    windows = pd.read_parquet(folder / "windows.parquet")
    return {"index": index, "features": np.load(folder / "unique_features.npy"), "windows": windows}


def test_features_index_and_result(kit: Kit, tmp_path: Path) -> None:
    got = extract(tmp_path, kit.settings(), TEXTS)
    expected, counts = tiny_models.slow_features(kit.model, kit.sae / kit.hookpoint, LAYER, UNIQUE, MAX_TOKENS)
    assert got.features.dtype == np.float32
    np.testing.assert_allclose(got.features, expected, rtol=1e-4, atol=1e-4)
    assert ((expected > 0).sum(axis=1) >= tiny_models.K).all()

    assert got.index["row"].tolist() == ROWS
    assert got.index["n_tokens"].tolist() == [0 if row < 0 else counts[row] for row in ROWS]
    assert got.index["truncated"].tolist() == [text == LONG for text in TEXTS]
    assert got.result.pop("n_windows") == len(got.windows)
    speed = got.result.pop("tokens_per_second")
    assert speed > 0
    assert got.result == {
        "n_latents": N_LATENTS,
        "n_texts": 10,
        "n_unique": 5,
        "n_truncated": 2,
        "n_chunked": 0,
        "n_empty": 3,
        "n_tokens": counts.sum(),
        "device": "cpu",
        "dtype": "float32",
        "hookpoint": kit.hookpoint,
        "model": str(kit.model),
        "sae": str(kit.sae),
    }


def test_windows_show_the_tokens_that_activate_a_latent(kit: Kit, tmp_path: Path) -> None:
    got = extract(tmp_path, kit.settings(), TEXTS)
    tokenize = language_models.load_models(kit.settings(), CPU).tokenize
    spelled = [[tokenize.tokenizer.decode([i]) for i in some.ids[some.counted]] for some in tokenize(UNIQUE)]
    summed = np.zeros_like(got.features)
    for window in got.windows.itertuples():
        tokens, activations = json.loads(window.tokens), json.loads(window.activations)
        # Texts are shorter than a window: all of it is there.
        assert tokens == spelled[window.row]
        assert max(activations) == pytest.approx(window.activation, rel=1e-4)
        summed[window.row, window.latent] = sum(activations)
    np.testing.assert_allclose(summed, got.features, rtol=1e-3, atol=1e-3)
    assert (got.windows.groupby("latent")["activation"].diff().dropna() <= 0).all()


def test_a_company_is_shown_once(kit: Kit, tmp_path: Path) -> None:
    path = save_texts(tmp_path, TEXTS)
    table = pq.read_table(path)
    pq.write_table(table.append_column("company", pa.array([7] * len(TEXTS))), path)
    worker = Worker(0, 1, CPU, {"texts": str(path), "settings": kit.settings(), "output": str(tmp_path / "out")})
    extract_features.main(worker)
    assert pd.read_parquet(tmp_path / "out" / "windows.parquet")["latent"].is_unique


def test_token_ids_give_the_features_of_their_text(kit: Kit, tmp_path: Path) -> None:
    texts = [text for text in UNIQUE if text != LONG]
    tokenize = language_models.load_models(kit.settings(), CPU).tokenize
    ids = [tokens.ids.tolist() for tokens in tokenize(texts)]
    of_texts = extract(tmp_path, kit.settings(), texts)
    special = int(tokenize(["oil"])[0].ids[0])
    of_ids = extract(tmp_path, kit.settings(), [*ids, None, [], ids[1], [special], ids[0] * 9], "input_ids")
    np.testing.assert_allclose(of_ids.features[:4], of_texts.features, rtol=1e-5, atol=1e-5)
    assert of_ids.index["row"].tolist() == [0, 1, 2, 3, -1, -1, 1, -1, 4]
    assert of_ids.index["n_tokens"].tolist()[:4] == of_texts.index["n_tokens"].tolist()
    assert of_ids.index["truncated"].tolist() == [False] * 8 + [True]
    assert of_ids.result["n_empty"] == 3


@pytest.mark.parametrize("wrong", [99, -1])
def test_ids_of_another_tokenizer_are_an_error(llama: Kit, tmp_path: Path, wrong: int) -> None:
    with pytest.raises(ValueError, match=rf"token id {wrong} is outside .* vocabulary of 14"):
        extract(tmp_path, llama.settings(), [[3, 4], [5, wrong]], "input_ids")


@pytest.mark.parametrize("values", [[], [None, "", "  "]])
def test_no_text_at_all_gives_no_features(llama: Kit, tmp_path: Path, values: list) -> None:
    got = extract(tmp_path, llama.settings(), values)
    assert got.features.shape == (0, N_LATENTS)
    assert got.index["row"].tolist() == [-1] * len(values)
    assert (got.result["n_unique"], got.result["n_empty"]) == (0, len(values))


def test_the_sum_does_not_depend_on_the_size_of_the_batches(llama: Kit, tmp_path: Path) -> None:
    small = extract(tmp_path, llama.settings(tokens_per_batch=1), TEXTS)
    large = extract(tmp_path, llama.settings(tokens_per_batch=10**6), TEXTS)
    np.testing.assert_allclose(small.features, large.features, rtol=1e-5, atol=1e-5)


def test_a_blank_text_is_none_even_to_a_tokenizer_of_spaces(tmp_path: Path) -> None:
    contents = extract_features.read_contents(save_texts(tmp_path, TEXTS))
    assert contents.values.to_pylist() == UNIQUE
    assert contents.of_report.tolist() == ROWS


def test_a_column_of_another_name_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "texts.parquet"
    pq.write_table(pa.table({"description": ["a"]}), path)
    with pytest.raises(ValueError, match=r"text or input_ids, is expected: \['description'\]"):
        extract_features.read_contents(path)


def test_processes_share_the_batches_by_cost() -> None:
    tokens = np.array([100, *[20] * 8])
    lengths = Lengths(tokens, tokens, tokens < 0, tokens)
    workers = [Worker(rank, 2, CPU, {}) for rank in range(2)]
    long, short = (plan_share(worker, np.arange(9), lengths, (100, 4)) for worker in workers)
    assert [batch.tolist() for batch in long] == [[0]]
    assert sorted(np.concatenate(short).tolist()) == [*range(1, 9)]


def test_a_disk_too_small_is_an_error_before_the_work(
    llama: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(total=10**6, used=0, free=5 * N_LATENTS * 4 - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(OSError, match="features need 1,920 bytes, the disk has 1,919 free"):
        extract(tmp_path, llama.settings(), TEXTS)


def hub_cache(kit: Kit, folder: Path) -> dict[str, str]:
    """A hub cache of the kit as downloads leave it; the environment and names to use it by."""
    for name, source, prefix in (("tiny", kit.model, "."), ("tiny-sae", kit.sae, kit.hookpoint)):
        repository = folder / "hub" / f"models--acme--{name}"
        revision = "0123456789abcdef0123456789abcdef01234567"
        shutil.copytree(source / prefix, repository / "snapshots" / revision / prefix)
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(revision)
    return {"HF_HOME": str(folder), "HF_HUB_OFFLINE": "1"}


def test_two_processes_from_the_hub_cache_give_the_bytes_of_one_from_folders(
    llama: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None
) -> None:
    texts = TEXTS + [" ".join(pair) for pair in itertools.product(WORDS, WORDS)]
    alone = extract(tmp_path, llama.settings(), texts)
    for name, value in hub_cache(llama, tmp_path / "hf").items():
        monkeypatch.setenv(name, value)
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE"):
        monkeypatch.delenv(name, raising=False)
    extras = {
        "texts": str(tmp_path / "texts.parquet"),
        "settings": llama.settings(model="acme/tiny", sae="acme/tiny-sae"),
        "output": str(tmp_path / "two"),
    }
    program, folder = "compsim_assets.workers.extract_features", tmp_path / "ranks"
    reported = by_hand(program, extras, folder, ranks=2, imports=["sparsify"]).result
    two = read_output(tmp_path / "two")
    pd.testing.assert_frame_equal(two["index"], alone.index)
    assert two["features"].shape == (5 + len(WORDS) ** 2, N_LATENTS)
    assert two["features"].tobytes() == alone.features.tobytes()
    pd.testing.assert_frame_equal(two["windows"], alone.windows)
    assert len(two["windows"]) > N_LATENTS
    changed = {"tokens_per_second", "model", "sae"}
    for name in set(alone.result) - changed:
        assert reported[name] == alone.result[name]
