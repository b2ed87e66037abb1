"""Settings come from the environment and say what is wrong with it."""

import re
import shutil
import subprocess
import sys
import warnings
from itertools import product
from pathlib import Path

import pytest

from compsim_assets.settings import SIMILARITIES, SOURCES, Settings, processes
from compsim_assets.storage.results import Results

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "compsim_assets"
NAMES = (
    "COMPSIM_SOURCE",
    "COMPSIM_UNIVERSE",
    "COMPSIM_DATA",
    "COMPSIM_NPROC",
    "COMPSIM_SIMILARITY",
    "COMPSIM_DROP_WITHOUT_SIC_CODE",
    "COMPSIM_DROP_WITHOUT_RETURNS",
)


def test_without_any_setting_the_sample_goes_into_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    settings = Settings.from_environment()
    assert (settings.source, settings.universe) == ("sample", "")
    assert Path(settings.data) == REPOSITORY / "data"
    assert settings.synthetic
    assert settings.similarity == "auto"
    assert processes() == "auto"


def test_empty_values_count_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "")
    assert Settings.from_environment() == Settings()
    assert processes() == "auto"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    values = ["local", "/u", "/d", "3", "pairs", "true", "false"]
    for name, value in zip(NAMES, values, strict=True):
        monkeypatch.setenv(name, value)
    expected = Settings(
        source="local", universe="/u", data="/d", similarity="pairs",
        drop_without_sic_code=True, drop_without_returns=False,
    )  # fmt: skip
    assert Settings.from_environment() == expected
    assert not Settings.from_environment().synthetic
    assert processes() == "3"


def test_results_of_each_source_are_apart() -> None:
    for source in SOURCES:
        assert Results.of(Settings(source=source, data="/d")).folder == Path("/d") / source


def test_an_unknown_source_names_the_setting_and_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPSIM_SOURCE", "smaple")
    with pytest.raises(ValueError, match=r"COMPSIM_SOURCE is 'smaple'.*sample, local, huggingface"):
        Settings.from_environment()


def test_each_similarity_is_known_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for similarity in SIMILARITIES:
        monkeypatch.setenv("COMPSIM_SIMILARITY", similarity)
        assert Settings.from_environment().similarity == similarity
    for value in ("pair", "Pairs", "cosine"):
        monkeypatch.setenv("COMPSIM_SIMILARITY", value)
        message = rf"COMPSIM_SIMILARITY is '{value}', expected one of auto, features, pairs"
        with pytest.raises(ValueError, match=message):
            Settings.from_environment()
        with pytest.raises(ValueError, match=message):
            Settings(similarity=value)


SWITCHES = {
    "COMPSIM_DROP_WITHOUT_SIC_CODE": "without_sic_code_dropped",
    "COMPSIM_DROP_WITHOUT_RETURNS": "without_returns_dropped",
}


WORDS = {"true": True, "false": False, "1": True, "0": False, "True": True, "FALSE": False}


def test_only_the_papers_own_data_lose_reports_by_default() -> None:
    for meaning in SWITCHES.values():
        by_source = {source: getattr(Settings(source=source), meaning) for source in SOURCES}
        assert by_source == {"sample": False, "local": False, "huggingface": True}, meaning


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_holds_for_any_source(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (other,) = set(SWITCHES) - {name}
    for source, (value, expected) in product(SOURCES, WORDS.items()):
        monkeypatch.setenv("COMPSIM_SOURCE", source)
        monkeypatch.setenv(name, value)
        settings = Settings.from_environment()
        assert getattr(settings, SWITCHES[name]) is expected, (source, value)
        assert getattr(settings, SWITCHES[other]) is (source == "huggingface"), (source, value)


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_that_is_neither_true_nor_false_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for value in ("yes", "2", "none", " true"):
        monkeypatch.setenv(name, value)
        with pytest.raises(ValueError, match=f"{name} is '{value}', expected true or false"):
            Settings.from_environment()


@pytest.mark.parametrize("name", ["COMPSIM_NPROC", "COMPSIM_JOIN_TIMEOUT"])
def test_a_number_that_is_none_is_refused_where_settings_are_read(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for value in ("abc", "0", "-1", "1.5", "2 ", "Auto"):
        monkeypatch.setenv(name, value)
        with pytest.raises(ValueError, match=f"^{name} is '{value}', expected a number ") as refused:
            Settings.from_environment()
        assert "\n" not in str(refused.value)
    monkeypatch.setenv(name, "2")
    assert Settings.from_environment().source == "sample"


def test_a_run_is_refused_with_one_message_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPSIM_NPROC", "abc")
    monkeypatch.setenv("COMPSIM_DATA", str(tmp_path))
    script = Path(sys.executable).with_name("compsim")
    run = subprocess.run([script, "table"], capture_output=True, text=True)
    assert run.returncode == 2
    assert run.stderr == "compsim: COMPSIM_NPROC is 'abc', expected a number from 1, or auto\n"
    assert not list(tmp_path.iterdir())


def test_results_do_not_go_into_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("COMPSIM_DATA", str(tmp_path / "file"))
    with pytest.raises(ValueError, match=r"^COMPSIM_DATA is '.*file', a file, expected a folder$"):
        Settings.from_environment()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("COMPSIM_{}".format("SORCE"), "COMPSIM_SOURCE"),
        ("COMPSIM_{}".format("UNIVERS"), "COMPSIM_UNIVERSE"),
        ("COMPSIM_{}".format("NPROCS"), "COMPSIM_NPROC"),
        ("COMPSIM_{}".format("DROP_WITHOUT_SIC"), "COMPSIM_DROP_WITHOUT_SIC_CODE"),
        ("COMPSIM_{}".format("JOINTIMEOUT"), "COMPSIM_JOIN_TIMEOUT"),
        ("compsim_data", "COMPSIM_DATA"),
    ],
)
def test_a_misspelled_setting_is_refused(monkeypatch: pytest.MonkeyPatch, written: str, meant: str) -> None:
    monkeypatch.setenv(written, "")
    with pytest.raises(ValueError, match=rf"^{written} is no setting: did you mean {meant}\?$"):
        Settings.from_environment()


def test_what_is_like_no_setting_is_warned_of_and_not_in_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "COMPSIM_{}".format("LICENCE")
    monkeypatch.setenv(name, "x")
    with pytest.warns(UserWarning, match=f"no setting {name}"):
        Settings.from_environment()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monkeypatch.setattr("multiprocessing.parent_process", lambda: object())
        Settings.from_environment()


def test_every_variable_that_is_read_anywhere_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        path for folder in ("compsim_assets", "compsim_assets_tests") for path in (REPOSITORY / folder).rglob("*.py")
    ]
    for name in {name for path in files for name in re.findall(r"COMPSIM_[A-Z_]*[A-Z]", path.read_text())}:
        if name not in NAMES:
            monkeypatch.setenv(name, "1")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Settings.from_environment().source == "sample"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed, as from a wheel; read only."""
    folder = tmp_path_factory.mktemp("installed")
    shutil.copytree(PACKAGE, folder / "source" / PACKAGE.name)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(REPOSITORY / name, folder / "source")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(folder / "site"), str(folder / "source")], check=True)
    return folder / "site"


def test_results_of_a_checkout_stay_in_it_and_others_go_to_the_user(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in site-packages goes with the next version."""
    monkeypatch.delenv("COMPSIM_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    program = "import compsim_assets.settings as s; print(s.__file__, s.Settings.from_environment().data)"
    for root, data in ((installed, tmp_path / "compsim-assets"), (REPOSITORY, REPOSITORY / "data")):
        run = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
        assert run.stdout.split() == [str(root / "compsim_assets" / "settings.py"), str(data)]


def test_an_installed_package_has_all_of_its_files(installed: Path) -> None:
    files = {path.relative_to(REPOSITORY) for path in PACKAGE.rglob("*") if path.is_file()}
    wanted = {path for path in files if "__pycache__" not in path.parts}
    assert {path for path in wanted if not (installed / path).is_file()} == set()
    assert not (installed / "compsim_assets_tests").exists()


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Results.of(Settings(data="~/results")).folder == tmp_path / "results" / "sample"


def test_tests_do_not_see_the_users_settings() -> None:
    data = Path(Settings.from_environment().data)
    assert not data.is_relative_to(REPOSITORY)
    assert Path.home() in data.parents
