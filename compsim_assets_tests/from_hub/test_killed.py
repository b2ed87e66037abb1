"""An import from the hub is killed again and again: it goes on where it was, and its result is that of one in one go.

COMPSIM_KILLS says how often it is killed, 4 times by default: once at each moment.
"""

import os
import random
import signal
import time
from collections.abc import Callable
from hashlib import sha256

import numpy as np
import psutil
import pytest

from compsim_assets_tests.from_hub.paper_data import N_SHARDS, PaperData, feature_files, shard_name
from compsim_assets_tests.from_hub.runs import KEEP_ALL, Place

pytestmark = pytest.mark.waits(50)

KILLS = int(os.environ.get("COMPSIM_KILLS", "4"))
N_LATENTS = 4000
MOMENTS = ("download", "conversion", "finished part", "publication")


def hashes(place: Place, data: str = "data") -> dict[str, str]:
    """SHA-256 of every file of the published features, which reads all of them."""
    folder = place.folder / data / "huggingface" / "sae_features"
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.resolve().iterdir()}


class Import:
    """One version of the features on the hub, to be imported and killed."""

    def __init__(self, place: Place, ids: list[int], version: int) -> None:
        rng = np.random.default_rng(version)
        rows = rng.random((len(ids), N_LATENTS)).tolist()
        self.place, self.ids = place, ids
        self.commit = place.commit("features", feature_files(ids, rows))
        # In one go, into another data folder: what the result has to be.
        place.hub.delay = 0.0
        ran = place.run("sae_features", data="undisturbed", **KEEP_ALL)
        assert ran.success, ran.output
        self.wanted = hashes(place, "undisturbed")
        self.downloads_before = [self.downloads(number) for number in range(N_SHARDS)]
        assert self.downloads_before == [1] * N_SHARDS
        assert place.cached("features") == []
        self.finished: dict[int, int] = {}
        place.hub.delay = 0.04

    def downloads(self, number: int) -> int:
        return self.place.hub.downloads(f"at/{self.commit}/{shard_name(number)}")

    def parts(self) -> list[int]:
        """Finished parts."""
        found = (self.place.results / ".imports").glob("*/[0-9]*")
        return sorted(int(path.name) for path in found)

    def check_downloads(self) -> None:
        """No shard is asked for again whose part was finished at an earlier kill."""
        for number, count in self.finished.items():
            assert self.downloads(number) == count
        self.finished |= {n: self.downloads(n) for n in self.parts() if n not in self.finished}


def moments(found: Import, chance: random.Random) -> dict[str, tuple[Callable[[], bool], float]]:
    """What a kill waits for, and the longest time in seconds that it then lets pass."""
    place, before, parts = found.place, found.place.hub.downloads(), len(found.parts())
    later = before + chance.randint(1, 2)
    scratch = place.results / ".scratch"
    return {
        "download": (lambda: place.hub.downloads() >= later, 0.03),
        "conversion": (lambda: any(scratch.glob("*-features-*/part/*")), 0.01),
        "finished part": (lambda: len(found.parts()) > parts, 0.1),
        "publication": (lambda: len(found.parts()) == N_SHARDS, 0.06),
    }


def run_and_kill(found: Import, chance: random.Random, moment: str) -> bool:
    """Whether the run was killed; else it has ended before, with success."""
    come, longest = moments(found, chance)[moment]
    pid = found.place.start("sae_features", **KEEP_ALL)
    process, deadline = psutil.Process(pid), time.monotonic() + 60
    while process.status() != psutil.STATUS_ZOMBIE and not come():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    time.sleep(chance.uniform(0, longest))
    os.kill(pid, signal.SIGKILL)
    outcome = found.place.runner.end(pid)
    assert outcome is None or outcome.success, outcome.output
    return outcome is None


def finish(found: Import) -> None:
    """Let the import end: its result is the one in one go, and nothing else is left."""
    place = found.place
    ran = place.run("sae_features", **KEEP_ALL)
    assert ran.success, ran.output
    found.check_downloads()
    assert hashes(place) == found.wanted
    assert ran.metadata["sae_features"]["revision"] == place.revision("features", found.commit)
    assert not (place.results / ".imports").exists()
    assert list((place.results / ".scratch").iterdir()) == []
    assert len(list((place.results / ".versions").iterdir())) == 1
    assert place.cached("features") == []


def test_an_import_killed_again_and_again_ends_with_the_bytes_of_one_in_one_go(on_hub: Place, data: PaperData) -> None:
    chance, hits = random.Random(11), 0
    for folder in ("data", "undisturbed"):
        assert on_hub.run("descriptions", data=folder).success
    old = Import(on_hub, data.ids, 0)
    finish(old)
    new = Import(on_hub, data.ids, 1)
    for kill in range(KILLS):
        moment = MOMENTS[kill % len(MOMENTS)]
        killed = run_and_kill(new, chance, moment)
        hits += killed
        published, parts = hashes(on_hub), new.parts()
        print(f"{moment}: killed {killed}, parts {parts}, new {published == new.wanted}")
        # Complete and readable, whatever was killed.
        assert published in ((old.wanted, new.wanted) if killed else (new.wanted,))
        if published == new.wanted and not parts:
            new.finished = {}  # the import was over: what comes next is another one
        new.check_downloads()
        if kill + 1 < KILLS and (published == new.wanted or len(parts) == N_SHARDS):
            finish(new)
            old, new = new, Import(on_hub, data.ids, kill + 2)
            assert old.wanted != new.wanted
    finish(new)
    assert hits > KILLS // 2, "too few kills hit a run: the test showed little"
