"""`compsim init`: a universe.toml that says every key and changes nothing, and what to put where."""

import re
import shlex
import tomllib
from pathlib import Path

import huggingface_hub
import pytest
from typer.testing import CliRunner

from compsim_assets.cli import app
from compsim_assets.commands import presets
from compsim_assets.commands.init import commented_rules
from compsim_assets.universe.check import check_folder
from compsim_assets.universe.extraction import ExtractionSettings
from compsim_assets.universe.intake.rules import KEYS, Rules, read_rules
from compsim_assets_tests.workers.tiny_models import make_kit


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["init", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_as_it_is_written_it_says_nothing(tmp_path: Path) -> None:
    code, told, complaint = run(str(tmp_path / "new" / "universe"))
    assert (code, complaint) == (0, "")
    rules = read_rules(tmp_path / "new" / "universe")
    for table in KEYS:
        assert rules.of(table) == Rules().of(table)
        assert not any(rules.says(table, key.name) for key in KEYS[table])
    for word in ("reports.csv", "prices.csv", "extraction.toml", "section_1 (or description", "compsim check"):
        assert word in told


def test_what_it_tells_to_type_can_be_typed(tmp_path: Path) -> None:
    folder = tmp_path / "my data"
    told = run(str(folder))[1]
    check, variables, materialize = told.splitlines()[-3:]
    assert shlex.split(check) == ["compsim", "check", str(folder)]
    assert shlex.split(variables) == ["export", "COMPSIM_SOURCE=local", f"COMPSIM_UNIVERSE={folder}"]
    assert materialize == "  compsim materialize"


def test_each_key_is_there_and_may_be_uncommented(tmp_path: Path) -> None:
    lines = commented_rules().splitlines()
    keys = {key.name for table in KEYS.values() for key in table}
    live = [line.removeprefix("# ") if line.split(" =")[0].removeprefix("# ") in keys else line for line in lines]
    (tmp_path / "universe.toml").write_text("\n".join(live))
    given = tomllib.loads("\n".join(live))
    assert {table: set(values) for table, values in given.items()} == {
        table: {key.name for key in keys} for table, keys in KEYS.items()
    }
    rules = read_rules(tmp_path)
    for table, keys_of in KEYS.items():
        for key in keys_of:
            expected = key.choices[0] if key.choices and key.default == "" else key.default
            assert rules.of(table)[key.name] == expected
            assert key.what[1:30] in commented_rules().replace("\n# ", " ")


def test_what_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "universe.toml").write_text('[reports]\nseveral = "first"\n')
    code, told, complaint = run(str(tmp_path))
    assert (code, told) == (2, "")
    assert complaint == f"compsim: {tmp_path}/universe.toml is there already: --force overwrites it\n"
    assert read_rules(tmp_path).of("reports")["several"] == "first"
    assert run(str(tmp_path), "--force")[0] == 0
    assert read_rules(tmp_path).of("reports")["several"] == ""


def test_a_place_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, told, complaint = run(str(tmp_path / "file"))
    assert (code, told) == (2, "")
    assert str(tmp_path / "file") in complaint


@pytest.mark.parametrize("arguments", [(), ("a", "b"), ("a", "--forse")])
def test_what_cannot_be_asked_is_no_answer(arguments: tuple[str, ...], tmp_path: Path) -> None:
    code, told, complaint = run(*(str(tmp_path / one) if one in "ab" else one for one in arguments))
    assert (code, told) == (2, "")
    assert "Usage: compsim init" in complaint
    assert list(tmp_path.iterdir()) == []


def test_features_of_a_preset_are_settings_that_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "time_of", lambda path: f"time of {path.name}")
    for name, preset in presets.presets().items():
        code, told, complaint = run(str(tmp_path / name), "--features", name)
        assert (code, complaint) == (0, "")
        written = tmp_path / name / "extraction.toml"
        settings = ExtractionSettings.from_toml(written)
        assert bool(settings.train) != bool(settings.sae)
        for line in [*preset.said(), "time of extraction.toml", "compsim check"]:
            assert line in told
        assert all(f"# {line}" in written.read_text() for line in preset.said())
        refused = [decision for decision in check_folder(tmp_path / name) if decision.grade == "refused"]
        assert not [decision for decision in refused if decision.file == "extraction.toml"]


def test_features_overwrite_nothing_unless_forced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "time_of", str)
    (tmp_path / "universe.toml").write_text('[reports]\nseveral = "first"\n')
    assert run(str(tmp_path), "--features", "pythia-160m")[0] == 0
    assert read_rules(tmp_path).of("reports")["several"] == "first"
    code, told, complaint = run(str(tmp_path), "--features", "minilm")
    assert (code, told) == (2, "")
    assert complaint == f"compsim: {tmp_path}/extraction.toml is there already: --force overwrites it\n"
    assert ExtractionSettings.from_toml(tmp_path / "extraction.toml").sae.startswith("EleutherAI/")
    assert run(str(tmp_path), "--features", "minilm", "--force")[0] == 0
    assert ExtractionSettings.from_toml(tmp_path / "extraction.toml").train


@pytest.mark.parametrize(
    ("name", "hint"), [("pythia", "did you mean pythia-160m?"), ("zzz", "no such preset; there are")]
)
def test_a_preset_that_does_not_exist_is_named(name: str, hint: str, tmp_path: Path) -> None:
    code, told, complaint = run(str(tmp_path / "new"), "--features", name)
    assert (code, told) == (2, "")
    assert hint in complaint
    assert not (tmp_path / "new").exists()


def test_time_is_measured_or_it_is_said_that_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = make_kit(tmp_path, "llama")
    path = tmp_path / "extraction.toml"
    lines = [f'model = "{kit.model}"', f'hookpoint = "{kit.hookpoint}"', "max_tokens = 12"]
    path.write_text("\n".join([f'sae = "{kit.sae}"', *lines]))
    assert re.fullmatch(
        r"time per 1,000 reports: .* s by model and SAE, on .* 10 texts of 12 tokens\)", presets.time_of(path)
    )
    path.write_text("\n".join([*lines, "[train]"]))
    assert "by the model alone, on" in presets.time_of(path)
    path.write_text(path.read_text().replace(str(kit.model), "acme/nowhere"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert "not measured, the model is not here: " in presets.time_of(path)
