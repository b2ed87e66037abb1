"""The worker program, whole: tiny models on disk, one process, two under torchrun, and each mistake."""

import itertools
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import huggingface_hub
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

from compsim_assets.resources.torchrun import Torchrun
from compsim_assets.workers import extract_features, language_models
from compsim_assets.workers.distributed import Worker
from compsim_assets_tests.workers import tiny_models
from compsim_assets_tests.workers.tiny_models import LAYER, MAX_TOKENS, N_LATENTS, WORDS, Kit

CPU = torch.device("cpu")
LONG = " ".join(WORDS[:10] * 2)
TEXTS = ["bank of gold", "oil", LONG, None, "oil", "", "steel and bread", " \n", LONG, "bank quux"]
UNIQUE = ["bank of gold", "oil", LONG, "steel and bread", "bank quux"]
ROWS = [0, 1, 2, -1, 1, -1, 3, -1, 2, 4]


@pytest.fixture(scope="module")
def kits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kit]:
    return {
        kind: tiny_models.make_kit(tmp_path_factory.mktemp(kind), kind)
        for kind in ("llama", "bert")
    }


@pytest.fixture(params=["llama", "bert"])
def kit(request: pytest.FixtureRequest, kits: dict[str, Kit]) -> Kit:
    return kits[request.param]


@pytest.fixture
def llama(kits: dict[str, Kit]) -> Kit:
    return kits["llama"]


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def save_texts(folder: Path, values: list, column: str = "text") -> Path:
    kind = pa.string() if column == "text" else pa.list_(pa.int32())
    pq.write_table(pa.table({column: pa.array(values, kind)}), folder / "texts.parquet")
    return folder / "texts.parquet"


def extract(
    folder: Path, settings: dict[str, Any], values: list, column: str = "text"
) -> SimpleNamespace:
    """Run the program in this process: result, index and features."""
    extras = {
        "texts": str(save_texts(folder, values, column)),
        "settings": settings,
        "output": str(folder / "out"),
    }
    worker = Worker(0, 1, CPU, extras)
    extract_features.main(worker)
    return SimpleNamespace(result=worker.reported, **read_output(folder / "out"))


def read_output(folder: Path) -> dict[str, Any]:
    index = pd.read_parquet(folder / "index.parquet")
    return {"index": index, "features": np.load(folder / "unique_features.npy")}


def test_features_index_and_result(kit: Kit, tmp_path: Path) -> None:
    got = extract(tmp_path, kit.settings(), TEXTS)
    expected, counts = tiny_models.slow_features(
        kit.model, kit.sae / kit.hookpoint, LAYER, UNIQUE, MAX_TOKENS
    )
    assert got.features.dtype == np.float32
    np.testing.assert_allclose(got.features, expected, rtol=1e-4, atol=1e-4)
    assert ((expected > 0).sum(axis=1) >= tiny_models.K).all()

    assert got.index["row"].tolist() == ROWS
    assert got.index["n_tokens"].tolist() == [0 if row < 0 else counts[row] for row in ROWS]
    assert got.index["truncated"].tolist() == [text == LONG for text in TEXTS]
    speed = got.result.pop("tokens_per_second")
    assert speed > 0
    assert got.result == {
        "n_latents": N_LATENTS,
        "n_texts": 10,
        "n_unique": 5,
        "n_truncated": 2,
        "n_empty": 3,
        "n_tokens": counts.sum(),
        "device": "cpu",
        "dtype": "float32",
        "hookpoint": kit.hookpoint,
        "model": str(kit.model),
        "sae": str(kit.sae),
    }


def test_truncation_is_the_tokenizers_own(kit: Kit) -> None:
    tokenize = language_models.load_models(kit.settings(), CPU).tokenize
    texts = [" ".join(WORDS[:n] * 3) for n in range(1, 9)]
    lengths = set()
    for text, tokens in zip(texts, tokenize(texts), strict=True):
        full = tokenize.tokenizer(text)["input_ids"]
        assert tokens.truncated == (len(full) > MAX_TOKENS)
        cut = tokenize.tokenizer(text, truncation=True, max_length=MAX_TOKENS)["input_ids"]
        assert tokens.ids.tolist() == cut
        lengths.add(len(full) - MAX_TOKENS)
    assert min(lengths) < 0 < max(lengths)


def test_a_text_that_just_fits_is_not_truncated(kit: Kit) -> None:
    models = language_models.load_models(kit.settings(), CPU)
    added = models.tokenize.tokenizer.num_special_tokens_to_add()
    fits = " ".join(["oil"] * (MAX_TOKENS - added))
    exact, over = models.tokenize([fits, f"{fits} gold"])
    assert not exact.truncated
    assert over.truncated
    assert over.ids.tolist() == exact.ids.tolist()


def test_what_frames_a_text_is_not_counted_and_an_unknown_word_is(kit: Kit) -> None:
    tokenize = language_models.load_models(kit.settings(), CPU).tokenize
    framing = tokenize.tokenizer.bos_token or tokenize.tokenizer.sep_token
    (tokens,) = tokenize([f"oil quux {framing} gold"])
    words = tokenize.tokenizer.convert_ids_to_tokens(tokens.ids[tokens.counted])
    assert words == ["oil", tokenize.tokenizer.unk_token, "gold"]


def test_token_ids_give_the_features_of_their_text(kit: Kit, tmp_path: Path) -> None:
    texts = [text for text in UNIQUE if text != LONG]
    tokenize = language_models.load_models(kit.settings(), CPU).tokenize
    ids = [tokens.ids.tolist() for tokens in tokenize(texts)]
    of_texts = extract(tmp_path, kit.settings(), texts)
    special = int(tokenize(["oil"])[0].ids[0])
    of_ids = extract(
        tmp_path, kit.settings(), [*ids, None, [], ids[1], [special], ids[0] * 9], "input_ids"
    )
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


def test_a_column_too_many_or_of_another_name(llama: Kit, tmp_path: Path) -> None:
    path = tmp_path / "texts.parquet"
    pq.write_table(pa.table({"description": ["a"]}), path)
    with pytest.raises(ValueError, match=r"text or input_ids, is expected: \['description'\]"):
        extract_features.read_contents(path)


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
    for name, value in {**hub_cache(llama, tmp_path / "hf"), "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE"):
        monkeypatch.delenv(name, raising=False)
    extras = {
        "texts": str(tmp_path / "texts.parquet"),
        "settings": llama.settings(model="acme/tiny", sae="acme/tiny-sae"),
        "output": str(tmp_path / "two"),
    }
    reported: list[dict] = []

    @dg.asset
    def features(context: dg.AssetExecutionContext, torchrun: Torchrun) -> dg.MaterializeResult:
        module = "compsim_assets.workers.extract_features"
        reported.append(torchrun.run(context, module, extras, tmp_path / "scratch"))
        return dg.MaterializeResult()

    assert dg.materialize([features], resources={"torchrun": Torchrun(nproc="2")}).success
    two = read_output(tmp_path / "two")
    pd.testing.assert_frame_equal(two["index"], alone.index)
    assert two["features"].shape == (5 + len(WORDS) ** 2, N_LATENTS)
    assert two["features"].tobytes() == alone.features.tobytes()
    changed = {"tokens_per_second", "model", "sae"}
    for name in set(alone.result) - changed:
        assert reported[0][name] == alone.result[name]


def test_of_a_hub_sae_only_the_hookpoint_is_asked_for(
    llama: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(name: str, **options: Any) -> str:
        asked.append((name, options))
        return str(llama.sae)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    language_models.load_sparse_coder("acme/saes", llama.hookpoint, CPU, "extraction.toml")
    assert asked == [("acme/saes", {"allow_patterns": f"{llama.hookpoint}/*"})]


def copied(kit: Kit, folder: Path) -> Kit:
    shutil.copytree(kit.model, folder / "model")
    shutil.copytree(kit.sae, folder / "sae")
    return Kit(folder / "model", folder / "sae", kit.hookpoint)


def without(path: Path, *names: str) -> None:
    """Take weights out of a safetensors file."""
    weights = load_file(path)
    assert set(names) <= set(weights)
    kept = {name: value for name, value in weights.items() if name not in names}
    save_file(kept, path, metadata={"format": "pt"})


def test_an_sae_folder_may_hold_the_checkpoint_itself(llama: Kit) -> None:
    file = "extraction.toml"
    nested = language_models.load_sparse_coder(str(llama.sae), llama.hookpoint, CPU, file)
    direct = llama.sae / llama.hookpoint
    flat = language_models.load_sparse_coder(str(direct), llama.hookpoint, CPU, file)
    assert flat.W_dec is None
    torch.testing.assert_close(flat.encoder.weight, nested.encoder.weight)


@pytest.mark.parametrize(
    ("changes", "error", "complaint"),
    [
        (
            {"hookpoint": "layers.7"},
            ValueError,
            "hookpoint = 'layers.7': .* near matches: layers.3",
        ),
        ({"max_tokens": 65}, ValueError, "max_tokens = 65: the model reads at most 64"),
        ({"max_tokens": 1}, ValueError, "max_tokens = 1 leaves no room"),
        ({"hookpoint": "layers.2"}, FileNotFoundError, "sae = .*expected in .*sae or .*layers.2"),
        (
            {"model": "package:no_such_pkg"},
            FileNotFoundError,
            "no package 'no_such_pkg' is installed",
        ),
        ({"model": "package:a-b"}, FileNotFoundError, "no package 'a-b' .* with underscores"),
        ({"model": "package:json"}, FileNotFoundError, "'json' has no folder model/"),
        ({"model": "acme/nowhere"}, FileNotFoundError, "neither as a folder nor .*offline, cache"),
        ({"sae": "acme/nowhere"}, FileNotFoundError, "neither as a folder nor .*offline, cache"),
    ],
)
def test_each_mistake_in_the_settings_is_named(
    llama: Kit,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict,
    error: type[Exception],
    complaint: str,
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(error, match=complaint) as caught:
        language_models.load_models(llama.settings(**changes), CPU)
    assert str(caught.value).startswith("extraction.toml: ")


def wrong_width(kit: Kit) -> None:
    tiny_models.make_sae(kit.sae / kit.hookpoint, width=24)


def transcoder(kit: Kit) -> None:
    tiny_models.make_sae(kit.sae / kit.hookpoint, transcode=True)


def sae_without_bias(kit: Kit) -> None:
    without(kit.sae / kit.hookpoint / "sae.safetensors", "b_dec")


def model_without_weights(kit: Kit) -> None:
    without(kit.model / "model.safetensors", f"layers.{LAYER}.mlp.up_proj.weight")


def model_without_safetensors(kit: Kit) -> None:
    torch.save(load_file(kit.model / "model.safetensors"), kit.model / "pytorch_model.bin")
    (kit.model / "model.safetensors").unlink()


def model_without_config(kit: Kit) -> None:
    (kit.model / "config.json").unlink()


def model_with_code(kit: Kit) -> None:
    path = kit.model / "config.json"
    config = {**json.loads(path.read_text()), "model_type": "custom"}
    config["auto_map"] = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    path.write_text(json.dumps(config))
    marker = kit.model / "ran"
    (kit.model / "evil.py").write_text(f"open({str(marker)!r}, 'w')")


@pytest.mark.parametrize(
    ("damage", "error", "complaint"),
    [
        (wrong_width, ValueError, "reads activations of width 24, but .* has width 16"),
        (transcoder, ValueError, "a transcoder reads"),
        (sae_without_bias, ValueError, "sae.safetensors lacks b_dec"),
        (model_without_weights, ValueError, "lacks weights .* layers.1.mlp.up_proj.weight"),
        (model_without_safetensors, FileNotFoundError, "cannot be loaded.*safetensors"),
        (model_without_config, Exception, "cannot be loaded"),
        (model_with_code, ValueError, "cannot be loaded"),
    ],
)
def test_each_fault_in_a_checkpoint_is_named(
    llama: Kit,
    tmp_path: Path,
    damage: Callable[[Kit], None],
    error: type[Exception],
    complaint: str,
) -> None:
    kit = copied(llama, tmp_path)
    damage(kit)
    with pytest.raises(error, match=f"(?s){complaint}") as caught:
        language_models.load_models(kit.settings(), CPU)
    assert str(caught.value).startswith("extraction.toml: ")
    assert not (kit.model / "ran").exists()


def test_weights_behind_the_hookpoint_may_be_missing(llama: Kit, tmp_path: Path) -> None:
    kit = copied(llama, tmp_path)
    without(kit.model / "model.safetensors", "norm.weight", "layers.3.mlp.up_proj.weight")
    whole = extract(tmp_path, llama.settings(), UNIQUE).features.tobytes()
    assert extract(tmp_path, kit.settings(), UNIQUE).features.tobytes() == whole


def test_a_model_in_a_package_is_found_without_importing_it(
    llama: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "model_carrier"
    shutil.copytree(llama.model, package / "model")
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    got = extract(tmp_path, llama.settings(model="package:model_carrier"), UNIQUE)
    assert got.features.tobytes() == extract(tmp_path, llama.settings(), UNIQUE).features.tobytes()
    assert "model_carrier" not in sys.modules


@pytest.mark.parametrize(
    ("setting", "published", "device", "supported", "expected"),
    [
        ("auto", torch.bfloat16, "cuda", True, torch.bfloat16),
        ("auto", torch.bfloat16, "cuda", False, torch.float32),
        ("auto", torch.float16, "cuda", True, torch.float32),
        ("auto", None, "cuda", True, torch.float32),
        ("auto", torch.bfloat16, "cpu", True, torch.float32),
        ("float16", torch.bfloat16, "cuda", True, torch.float16),
        ("bfloat16", torch.float32, "cpu", False, torch.bfloat16),
        ("float32", torch.bfloat16, "cuda", True, torch.float32),
    ],
)
def test_dtype(
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    published: torch.dtype | None,
    device: str,
    supported: bool,
    expected: torch.dtype,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    assert language_models.choose_dtype(setting, published, torch.device(device)) == expected


def test_the_model_is_loaded_in_the_dtype_that_is_asked_for(llama: Kit) -> None:
    models = language_models.load_models(llama.settings(dtype="float16"), CPU)
    assert models.dtype == torch.float16
    assert models.extract.sae_dtype == torch.float32
