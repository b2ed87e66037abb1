"""What a run made is what readers see when all of it has ended well, and not before."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compsim_assets import open_results
from compsim_assets.running.home import CONFIGURATION
from compsim_assets.running.publishing import publish
from compsim_assets.settings import Settings
from compsim_assets.storage.lineage import StaleResult


class Place:
    """Data and history of runs of a small platform."""

    def __init__(self, folder: Path) -> None:
        self.data, self.home = folder / "data", folder / "home"
        self.home.mkdir()
        shutil.copy(CONFIGURATION, self.home)

    def run(self, text: str, **behaviour: str) -> tuple[int, str]:
        """Exit code and output of one run."""
        environment = {
            **os.environ, **behaviour, "TEXT": text, "COMPSIM_DATA": str(self.data), "DAGSTER_HOME": str(self.home),
        }  # fmt: skip
        ran = subprocess.run(
            [sys.executable, "-m", "compsim_assets_tests.running.publishing"],
            env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return ran.returncode, ran.stdout + ran.stderr

    def text(self, version: str | None = None) -> str:
        """What readers see."""
        frame = open_results(version, source="sample", data=self.data).read("descriptions")
        return str(frame["description"][0])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("end", ["raise returns", "kill returns"])
def test_a_run_that_does_not_end_well_publishes_nothing(end: str, place: Place) -> None:
    assert place.run("old")[0] == 0
    assert place.text() == "old"
    code, output = place.run("new", FAIL=end)
    assert code == (1 if end.startswith("raise") else -9), output
    assert place.text() == "old"
    assert place.text("working") == "new"
    open_results(source="sample", data=place.data).read("returns")
    with pytest.raises(StaleResult):
        open_results("working", source="sample", data=place.data).read("returns")
    assert place.run("new")[0] == 0
    assert place.text() == "new"


def test_a_part_that_leaves_the_rest_behind_is_not_published_and_says_so(place: Place) -> None:
    assert place.run("old")[0] == 0
    code, output = place.run("new", SELECT="descriptions")
    assert code == 0
    current = open_results(source="sample", data=place.data).version
    assert current
    assert f"not published, readers see version {current.id}: returns was made from other descriptions" in output
    assert place.text() == "old"
    assert place.run("new", SELECT="returns")[0] == 0
    assert place.text() == "new"


def test_a_run_that_cannot_publish_fails_and_says_why(place: Place) -> None:
    assert place.run("old")[0] == 0
    published = place.data / "sample" / ".published"
    shutil.rmtree(published)
    published.write_text("a file where a folder belongs")
    code, output = place.run("new")
    assert code == 1
    assert "failed: " in output
    assert str(published) in output
    published.unlink()
    assert place.run("new")[0] == 0
    assert place.text() == "new"


def test_what_a_command_says(place: Place) -> None:
    settings = Settings(data=str(place.data))
    line, whole = publish(settings)
    assert (line, whole) == (
        "not published, there is no version yet: there are no results yet: `compsim materialize` makes them",
        False,
    )
    assert place.run("old")[0] == 0
    current = open_results(source="sample", data=place.data).version
    assert current
    assert publish(settings) == (f"the same as version {current.id}", True)
