"""A rebuild that dies or is interrupted at any moment: the same command again goes on from what is whole, waits for
nothing and ends with the bytes of a rebuild that nobody disturbed.

COMPSIM_KILLS says at how many moments, 2 by default; 5 are one of each kind.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import dagster as dg
import psutil
import pytest

from compsim_assets.running.claims import claims
from compsim_assets.running.home import CONFIGURATION
from compsim_assets_tests.runs import REPOSITORY, materialized, once

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc"),
    pytest.mark.waits(200),
    pytest.mark.timeout(3600),
]

KILLS = int(os.environ.get("COMPSIM_KILLS", "2"))
WHAT = ("tree", "command", "step", "server", "interrupt")
NAMES = [f"{name}/{mode}" if mode else name for name, mode in materialized()]


def files(results: Path) -> dict[str, Path]:
    """Results' files by name, those of arrays too; nothing of notes, scratch folders and versions."""
    there = [path for path in results.glob("*") if path.name[0] != "." and path.name != "published"]
    within = [path for folder in there if folder.is_dir() for path in folder.rglob("*")]
    return {path.relative_to(results).as_posix(): path for path in sorted([*there, *within]) if path.is_file()}


def contents(results: Path) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in files(results).items()}


class Rebuild:
    """A data folder with an instance of its own, and the command, started as often as it takes."""

    def __init__(self, folder: Path, universe: Path) -> None:
        self.folder, self.results = folder, folder / "data" / "local"
        (folder / "home").mkdir(parents=True)
        shutil.copy(CONFIGURATION, folder / "home")
        settings = {"SOURCE": "local", "UNIVERSE": str(universe), "DATA": str(folder / "data"), "NPROC": "1"}
        ours = {f"COMPSIM_{name}": value for name, value in settings.items()}
        self.environment = {**os.environ, **ours, "DAGSTER_HOME": str(folder / "home")}
        self.command = subprocess.Popen("true")
        self.output = Path()
        self.starts = 0

    def start(self) -> None:
        """As a terminal does: what one starts is a group of processes."""
        self.starts += 1
        self.output = self.folder / f"output-{self.starts}.txt"
        with self.output.open("w") as output:
            self.command = subprocess.Popen(
                [sys.executable, "-m", "compsim_assets", "materialize"],
                cwd=REPOSITORY, env=self.environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    @property
    def said(self) -> list[str]:
        return self.output.read_text().splitlines()

    def versions(self) -> dict[str, tuple[int, int]]:
        """Inode and time of each file that is there, which tell whether it was made again."""
        stats = {name: path.stat() for name, path in files(self.results).items()}
        return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}

    def processes(self) -> list[psutil.Process]:
        """All that work for it, whoever their parents are."""
        there = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("DAGSTER_HOME") == self.environment["DAGSTER_HOME"]:
                    there.append(process)
        return there

    def victims(self, what: str) -> list[int]:
        """Whom the kill is for; the steps are children of the server that they are forked from."""
        with suppress(psutil.Error):
            command = psutil.Process(self.command.pid)
            children = command.children()
            servers = [child for child in children if any("forkserver" in word for word in child.cmdline())]
            if what == "step":
                return [step.pid for server in servers for step in server.children()]
            if what == "tree":
                return [process.pid for process in [command, *command.children(recursive=True)]]
            if what == "server" or not servers:  # before it starts one, the command is still loading Python itself
                return [server.pid for server in servers]
            return [command.pid]
        return []

    def published(self) -> int:
        return sum(1 for name in files(self.results) if name.endswith((".parquet", ".png", ".json")))

    def wait_until_alone(self, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while left := self.processes():
            assert time.monotonic() < deadline, [(process, process.cmdline()) for process in left]
            time.sleep(0.1)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, tiny_universe: Path) -> dict[str, bytes]:
    """The files of a rebuild that nobody disturbed."""

    def make(folder: Path) -> None:
        rebuild = Rebuild(folder / "run", tiny_universe)
        rebuild.start()
        assert rebuild.command.wait(900) == 0, rebuild.output.read_text()

    folder = once(tmp_path_factory, "undisturbed", make)
    return contents(folder / "run" / "data" / "local")


def moments() -> Iterator[list[tuple[str, int, float]]]:
    """For each rebuild what dies in it, after how many files, and how many seconds later."""
    for seed, first in enumerate(range(0, KILLS, len(WHAT))):
        chance = random.Random(seed)
        what = chance.sample(WHAT, len(WHAT))[: KILLS - first]
        after = sorted(chance.randint(0, len(NAMES)) for _ in what)
        # The instant at which a file appears, between its publication and what Dagster is told of it; or any other.
        later = [chance.choice((0.0, chance.uniform(0, 0.05), chance.uniform(0, 4))) for _ in what]
        yield list(zip(what, after, later, strict=True))


def disturb(rebuild: Rebuild, what: str, after: int, later: float, chance: random.Random) -> bool:
    """Start the command and let it, or what works for it, die at this moment; False where it ended before."""
    rebuild.start()
    while rebuild.published() < after or not (pids := rebuild.victims(what)):
        if rebuild.command.poll() is not None:
            return False
        time.sleep(0.002)
    time.sleep(later)
    if rebuild.command.poll() is not None:
        return False
    pids = rebuild.victims(what) or pids
    with suppress(ProcessLookupError):
        if what == "interrupt":
            os.killpg(rebuild.command.pid, signal.SIGINT)
        elif what == "step":
            os.kill(chance.choice(pids), signal.SIGKILL)
        for pid in pids if what not in ("interrupt", "step") else ():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    code = rebuild.command.wait(600)
    wanted = {"tree": {-9}, "command": {-9}, "step": {0, 1}, "server": {0, 1}, "interrupt": {0, 130}}
    assert code in wanted[what], f"{code} {rebuild.output.read_text()}"
    if code == 130:
        assert "Run the same command again" in rebuild.said[-1]
    return code != 0


@pytest.mark.parametrize("deaths", [pytest.param(each, id=str(seed)) for seed, each in enumerate(moments())])
def test_the_same_command_again_ends_as_if_nothing_had_been(
    deaths: list[tuple[str, int, float]], undisturbed: dict[str, bytes], tiny_universe: Path, tmp_path: Path
) -> None:
    rebuild, chance, died = Rebuild(tmp_path / "run", tiny_universe), random.Random(str(deaths)), 0
    whole: dict[str, tuple[int, int]] = {}
    for what, after, later in deaths:
        died += disturb(rebuild, what, after, later, chance)
        rebuild.wait_until_alone()
        now = rebuild.versions()
        assert {name: now[name] for name in whole} == whole, (what, after, later)
        whole = now
    begun = time.monotonic()
    rebuild.start()
    assert rebuild.command.wait(900) == 0, rebuild.output.read_text()
    print(deaths, f"{died} died; the last start took {time.monotonic() - begun:.0f} s")
    rebuild.wait_until_alone()
    now, made = rebuild.versions(), contents(rebuild.results)
    assert {name: now[name] for name in whole} == whole
    assert made.keys() == undisturbed.keys()
    assert [name for name in made if made[name] != undisturbed[name]] == []
    assert list((rebuild.results / ".scratch").iterdir()) == []
    warnings = [line for line in rebuild.said if re.match(r"  (failed|waits|warning: \w+: run)", line)]
    assert warnings == []
    with dg.DagsterInstance.from_config(str(rebuild.folder / "home")) as instance:
        assert claims(instance) == []
        assert {run.status for run in instance.get_runs()} <= {
            dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED
        }  # fmt: skip
