"""What no run could open is refused before any run, and nothing is done for it."""

from pathlib import Path

import dagster as dg
import pytest

from compsim_assets.assets.descriptions import universe_report
from compsim_assets.settings import SOURCES, Settings
from compsim_assets.storage.io_managers import managers
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.opening import check_settings


@pytest.fixture(autouse=True)
def _nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*arguments: object) -> None:
        raise AssertionError(f"asked for {arguments}")

    monkeypatch.setattr("socket.socket.connect", no_network)


def local(folder: Path | str, **given: str) -> Settings:
    return Settings(source="local", universe=str(folder), **given)


@pytest.mark.parametrize("source", SOURCES)
def test_a_folder_that_is_needed_is_asked_for(tmp_path: Path, source: str) -> None:
    settings = Settings(source=source, data=str(tmp_path / "data"))
    if source == "local":
        with pytest.raises(UniverseError, match=r"COMPSIM_SOURCE=local needs COMPSIM_UNIVERSE: the folder"):
            check_settings(settings)
    else:
        check_settings(settings)
    assert not (tmp_path / "data").exists(), "a check makes nothing"


@pytest.mark.parametrize("source", ["local", "huggingface"])
def test_what_is_no_folder_is_named(tmp_path: Path, source: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("gone")
    for name in ("file", "link", "nowhere"):
        with pytest.raises(UniverseError, match=r"COMPSIM_UNIVERSE: .* is not a folder"):
            check_settings(Settings(source=source, universe=str(tmp_path / name)))


def test_a_folder_without_reports_and_pairs_is_named(tmp_path: Path) -> None:
    with pytest.raises(UniverseError, match=f"{tmp_path}: no reports.parquet and no .*, and no pairs either"):
        check_settings(local(tmp_path))
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "1.parquet").touch()  # damaged: that is found by whoever reads it
    check_settings(local(tmp_path))
    check_settings(local(tmp_path, similarity="pairs"))


def test_pairs_that_are_asked_for_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "reports.csv").touch()
    check_settings(local(tmp_path))
    for settings in (local(tmp_path, similarity="pairs"), Settings(similarity="pairs", data=str(tmp_path))):
        with pytest.raises(UniverseError, match=r"COMPSIM_SIMILARITY=pairs: .* has no pairs\.parquet"):
            check_settings(settings)


def test_a_file_of_rules_that_cannot_be_understood_is_named(tmp_path: Path) -> None:
    (tmp_path / "reports.csv").touch()
    (tmp_path / "universe.toml").write_text("[reprots]")
    with pytest.raises(UniverseError, match=r"universe\.toml.*reprots"):
        check_settings(local(tmp_path))


def test_a_hub_of_which_nothing_is_left_is_named(tmp_path: Path) -> None:
    (tmp_path / "huggingface.toml").write_text('reports.dataset = ""\npairs.dataset = ""\nfeatures.dataset = ""')
    with pytest.raises(UniverseError, match="no pairs either"):
        check_settings(Settings(source="huggingface", universe=str(tmp_path)))


def test_a_step_that_is_run_all_the_same_fails_with_that_message(tmp_path: Path) -> None:
    settings = local("", data=str(tmp_path))
    resources = {"settings": settings, **managers(settings)}
    run = dg.materialize([universe_report], resources=resources, raise_on_error=False)
    (failure,) = [event for event in run.all_events if event.is_step_failure]
    shown = failure.step_failure_data.error_display_string
    with pytest.raises(UniverseError) as refused:
        check_settings(settings)
    assert shown.count(f"UniverseError: {refused.value}\n") == 1
    assert "following exception" not in shown
