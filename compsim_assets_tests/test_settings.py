"""Settings come from the environment and say what is wrong with it."""

from pathlib import Path

import pytest

from compsim_assets.resources.results import Results
from compsim_assets.settings import SOURCES, Settings, processes

REPOSITORY = Path(__file__).parents[1]
NAMES = ("COMPSIM_SOURCE", "COMPSIM_UNIVERSE", "COMPSIM_DATA", "COMPSIM_NPROC")


def test_without_any_setting_the_sample_goes_into_the_repository(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    settings = Settings.from_environment()
    assert (settings.source, settings.universe) == ("sample", "")
    assert Path(settings.data) == REPOSITORY / "data"
    assert settings.synthetic
    assert processes() == "auto"


def test_empty_values_count_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "")
    assert Settings.from_environment() == Settings()
    assert processes() == "auto"


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(NAMES, ["local", "/u", "/d", "3"], strict=True):
        monkeypatch.setenv(name, value)
    assert Settings.from_environment() == Settings(source="local", universe="/u", data="/d")
    assert not Settings.from_environment().synthetic
    assert processes() == "3"


@pytest.mark.parametrize("source", SOURCES)
def test_results_of_each_source_are_apart(source: str) -> None:
    assert Results.of(Settings(source=source, data="/d")).folder == Path("/d") / source


def test_an_unknown_source_names_the_setting_and_the_choices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMPSIM_SOURCE", "smaple")
    with pytest.raises(ValueError, match=r"COMPSIM_SOURCE is 'smaple'.*sample, local, huggingface"):
        Settings.from_environment()


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Results.of(Settings(data="~/results")).folder == tmp_path / "results" / "sample"


def test_tests_do_not_see_the_users_settings() -> None:
    data = Path(Settings.from_environment().data)
    assert not data.is_relative_to(REPOSITORY)
    assert Path.home() in data.parents
