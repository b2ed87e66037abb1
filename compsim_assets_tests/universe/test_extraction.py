"""extraction.toml: what is read, where names lead, and one clear error for each mistake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from compsim_assets.universe.extraction import ExtractionSettings
from compsim_assets.universe.layout import UniverseError

COMPLETE = {"model": "package:tiny_model", "sae": "owner/sae-tiny", "hookpoint": "layers.1", "max_tokens": 256}


def write(folder: Path, values: dict | None = None, **changes: object) -> Path:
    """An extraction.toml of the complete values with changes; None leaves a key out."""
    merged = {**COMPLETE, **(values or {}), **changes}
    lines = [
        f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
        for key, value in merged.items()
        if value is not None
    ]
    path = folder / "extraction.toml"
    path.write_text("\n".join(lines))
    return path


def test_required_keys_are_enough(tmp_path: Path) -> None:
    path = write(tmp_path)
    settings = ExtractionSettings.from_toml(path)
    tables = {"train": None, "controls": {"random_sae": 1, "raw_activations": True}}
    defaults = {"dtype": "auto", "tokens_per_batch": 4096, "long_texts": "cut", **tables}
    assert settings.to_dict() == {**COMPLETE, **defaults, "file": str(path)}


def test_optional_keys_are_taken(tmp_path: Path) -> None:
    settings = ExtractionSettings.from_toml(write(tmp_path, dtype="bfloat16", tokens_per_batch=100))
    assert (settings.dtype, settings.tokens_per_batch) == ("bfloat16", 100)


def test_settings_survive_the_way_to_a_worker(tmp_path: Path) -> None:
    settings = ExtractionSettings.from_toml(write(tmp_path))
    assert ExtractionSettings(**settings.to_dict()) == settings


def test_folders_are_found_beside_the_file_from_any_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    universe = tmp_path / "universe"
    (universe / "saes" / "tiny").mkdir(parents=True)
    (tmp_path / "model").mkdir()
    path = write(universe, model="../model", sae="saes/tiny")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    settings = ExtractionSettings.from_toml(Path("universe/extraction.toml"))
    monkeypatch.chdir("elsewhere")
    assert Path(settings.model) == (tmp_path / "model").resolve()
    assert Path(settings.sae).samefile(universe / "saes" / "tiny")
    assert settings.file == str(path)


def test_an_absolute_folder_and_a_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "sae").mkdir()
    (tmp_path / "model").mkdir()
    settings = ExtractionSettings.from_toml(write(tmp_path, model=str(tmp_path / "model"), sae="~/sae"))
    assert [settings.model, settings.sae] == [str(tmp_path / "model"), str(tmp_path / "sae")]


@pytest.mark.parametrize("model", ["gpt2", "meta-llama/Meta-Llama-3-8B", "package:tiny"])
def test_other_names_are_left_as_they_are(tmp_path: Path, model: str) -> None:
    assert ExtractionSettings.from_toml(write(tmp_path, model=model)).model == model


@pytest.mark.parametrize(
    ("changes", "error", "complaint"),
    [
        ({"hookpoint": None, "model": None}, ValueError, "required key model, hookpoint is missing"),
        ({"sae": None}, ValueError, r"required key sae is missing: sae names an SAE, a table \[train\] says how"),
        ({"max_token": 5}, ValueError, r"unknown key 'max_token' \(did you mean 'max_tokens'\?\)"),
        ({"file": "x"}, ValueError, "unknown key 'file'"),
        ({"max_tokens": "256"}, ValueError, "max_tokens must be a whole number >= 1, not '256'"),
        ({"max_tokens": True}, ValueError, "max_tokens must be a whole number >= 1, not True"),
        ({"max_tokens": 2.5}, ValueError, "max_tokens must be a whole number"),
        ({"tokens_per_batch": 0}, ValueError, "tokens_per_batch must be a whole number >= 1"),
        ({"hookpoint": 4}, ValueError, "hookpoint must be a non-empty string, not 4"),
        ({"hookpoint": " "}, ValueError, "hookpoint must be a non-empty string"),
        ({"dtype": "float64"}, ValueError, "one of auto, float32, bfloat16, float16, not 'float64'"),
        ({"sae": "package:x"}, ValueError, "only the model may come from an installed package"),
        ({"sae": "sae-minilm"}, FileNotFoundError, "no folder .*sae-minilm, .* hub name"),
        ({"sae": "a/b/c"}, FileNotFoundError, "no folder .*a/b/c"),
        ({"model": "./model"}, FileNotFoundError, "no folder .*model, .*owner/name or name"),
        ({"model": "/nowhere/model"}, FileNotFoundError, "no folder /nowhere/model"),
        ({"sae": "extraction.toml"}, ValueError, "is a file; a folder is expected"),
    ],
)
def test_each_mistake_is_named_with_its_file(
    tmp_path: Path, changes: dict, error: type[Exception], complaint: str
) -> None:
    path = write(tmp_path, changes)
    with pytest.raises(error, match=complaint) as caught:
        ExtractionSettings.from_toml(path)
    assert str(caught.value).startswith(str(path))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"extraction\.toml is not there: it says which"):
        ExtractionSettings.from_toml(tmp_path / "extraction.toml")


@pytest.mark.parametrize("content", [b"model = ", b"model = '\xff'"])
def test_not_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "extraction.toml"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"extraction\.toml: not valid TOML"):
        ExtractionSettings.from_toml(path)


def test_reading_settings_imports_nothing_heavy() -> None:
    code = (
        "import sys, compsim_assets.universe.extraction as module;"
        "print(sorted({'torch', 'pandas', 'numpy', 'transformers', 'pyarrow'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert done.stdout.strip() == "[]"


def test_long_texts_are_cut_or_chunked(tmp_path: Path) -> None:
    assert ExtractionSettings.from_toml(write(tmp_path, long_texts="chunk")).long_texts == "chunk"
    with pytest.raises(UniverseError, match="long_texts must be one of cut, chunk, not 'split'"):
        ExtractionSettings.from_toml(write(tmp_path, long_texts="split"))
