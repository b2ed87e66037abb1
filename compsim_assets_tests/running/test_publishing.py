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
from compsim_assets.storage.results import Results
from compsim_assets.storage.versions import Versions


class Place:
    """Data and history of runs of a small platform."""

    def __init__(self, folder: Path) -> None:
        self.data, self.home = folder / "data", folder / "home"
        self.home.mkdir()
        shutil.copy(CONFIGURATION, self.home)

    def homes(self, number: int) -> list[Path]:
        """Where the history of two runs is: in one place, or in two."""
        other = self.home if number == 1 else self.home.with_name("other")
        if other != self.home:
            shutil.copytree(self.home, other, ignore=lambda *_: ["history", "schedules", "storage"])
        return [self.home, other]

    def start(self, text: str, home: Path | None = None, **behaviour: str) -> "subprocess.Popen[str]":
        """A run that has begun."""
        where = {"COMPSIM_DATA": str(self.data), "DAGSTER_HOME": str(home or self.home)}
        return subprocess.Popen(
            [sys.executable, "-m", "compsim_assets_tests.running.publishing"],
            env={**os.environ, **behaviour, "TEXT": text, **where},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, text: str, **behaviour: str) -> tuple[int, str]:
        """Exit code and output of one run."""
        process = self.start(text, **behaviour)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output

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


@pytest.mark.parametrize("homes", [1, 2])
def test_two_runs_of_the_same_tables_at_once(homes: int, place: Place, tmp_path: Path) -> None:
    """Readers see one of them, whole, or what was before; of two homes one run waits for the other."""
    assert place.run("old")[0] == 0
    there = [place.start(text, home, FAIL="wait returns") for text, home in zip("ab", place.homes(homes), strict=True)]
    outputs = [process.communicate(timeout=200)[0] for process in there]
    assert [process.returncode for process in there] == [0, 0], outputs
    assert place.text() in ("a", "b") if homes == 2 else place.text() in ("a", "b", "old")
    open_results(source="sample", data=place.data).read("returns")
    version = Versions(Results(place.data / "sample")).current()
    assert version
    assert list(version.damaged()) == []
    waited = [output for output in outputs if "waits for" in output]
    assert len(waited) == homes - 1
    assert place.run("new")[0] == 0
    assert place.text() == "new"
