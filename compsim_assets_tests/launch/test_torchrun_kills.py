"""A rank of a real worker is killed at a random moment, from its launch to the writing of its tables.

COMPSIM_KILLS says how many moments are tried, 3 by default: one of each kind.
"""

import contextlib
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from compsim_assets.launch.torchrun import Torchrun
from compsim_assets_tests.runs import Rebuilt, Run, execute, platform

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc"),
    pytest.mark.waits(50),
]

ASSETS: dict[str, dict[str, str | None]] = {
    "clusters": dict.fromkeys(["clusters", "cluster_features", "cluster_feature_summary"], "base"),
    "dendrograms": dict.fromkeys(["dendrograms", "distance_scale"]),
}
KILLS = int(os.environ.get("COMPSIM_KILLS", "3"))
# What a kill waits for, and the longest time in seconds that it then lets pass: imports take some on a
# machine of two cores, the work on a tiny universe and the writing little.
MOMENTS = {"launch": 4.0, "imports": 0.5, "first table": 0.02}


@pytest.fixture(scope="module")
def run(rebuilt: Rebuilt, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One data folder for all kills: each finds what the one before it left."""
    return rebuilt.copy(tmp_path_factory.mktemp("killed"))


class Killer(threading.Thread):
    """Waits for one of the moments, a little longer, and kills a rank."""

    def __init__(self, data: Path, seed: int) -> None:
        super().__init__(daemon=True)
        chance = random.Random(seed)
        self.data = data
        self.moment = list(MOMENTS)[seed % 3]
        self.rank = 0 if self.moment == "first table" else chance.randrange(2)  # rank 0 writes
        self.delay = chance.uniform(0, MOMENTS[self.moment])
        self.killed_at: float | None = None

    def run(self) -> None:
        deadline = time.monotonic() + 60
        while not (ranks := processes(self.data, self.rank)) or not self.has_come():
            if time.monotonic() > deadline:
                return
            time.sleep(0.002)
        time.sleep(self.delay)
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.kill(ranks[0].pid, signal.SIGKILL)
            self.killed_at = time.monotonic()

    def has_come(self) -> bool:
        scratch = self.data / "sample" / ".scratch"
        if self.moment == "imports":
            return any(scratch.glob(f"*/torchrun-*/ranks/*/*/attempt_0/{self.rank}/stage.json"))
        return self.moment == "launch" or any(scratch.glob("*/*.parquet")) or any(scratch.glob("*/base/*.parquet"))

    def __str__(self) -> str:
        return f"rank {self.rank} {self.delay:.2f} s after its {self.moment}"


def processes(data: Path, rank: int | None = None) -> list[psutil.Process]:
    """Living processes of launches below a data folder; all of them, or those of one rank."""
    return [p for p, env in _environments() if _belongs(env, data, rank)]


def _environments() -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                yield process, process.environ()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue


def _belongs(environment: dict[str, str], data: Path, rank: int | None) -> bool:
    inside = environment.get("TMPDIR", "").startswith(str(data))
    return inside and (rank is None or environment.get("RANK") == str(rank))


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_rank_killed_at_any_moment_ends_the_step_and_a_rerun_succeeds(seed: int, run: Run, rebuilt: Rebuilt) -> None:
    worker = list(ASSETS)[seed % 2]
    before = {name: run.results.table(name, mode).stat().st_ino for name, mode in ASSETS[worker].items()}
    killer = Killer(run.data, seed)
    killer.start()
    result = execute(platform(run.settings, Torchrun(nproc="2")), ASSETS[worker], raise_on_error=False)
    ended = time.monotonic()
    killer.join()
    # A rank that has written its table may end before the signal comes.
    assert not result.success or killer.moment == "first table"
    print(f"{worker}: {killer}: {'ended before' if result.success else 'killed'}")
    if not result.success:
        (failed,) = result.get_step_failure_events()
        description = failed.step_failure_data.user_failure_data.description
        who = f"rank {killer.rank} of compsim_assets.workers.{worker}"
        assert description.startswith(f"{who} was killed by signal 9 (SIGKILL). "), description
        assert ended - killer.killed_at < 30
        # No partial result: the tables are the files that they were.
        assert before == {n: run.results.table(n, mode).stat().st_ino for n, mode in ASSETS[worker].items()}
    assert processes(run.data) == []
    assert not list(run.data.rglob("torchrun-*"))
    assert execute(platform(run.settings), ASSETS[worker]).success
    for name, mode in ASSETS[worker].items():
        assert run.read(name, mode).equals(rebuilt.read(name, mode))
