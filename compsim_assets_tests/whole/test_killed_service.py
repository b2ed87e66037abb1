"""The service: code server, daemon and webserver, of which any process dies at any moment of a rebuild.

What dies is started again, as a service manager does. Then nothing waits for good, readers have a whole version, and
the next rebuild ends with the bytes of one that nobody disturbed. COMPSIM_KILLS says how often, once by default; with
COMPSIM_KILL_DRILL it is the whole sample on PostgreSQL, which dies like the others, and about six die per rebuild.
"""

import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import dagster as dg
import psutil
import pytest

from compsim_assets.running.claims import claims
from compsim_assets.storage.versions import Versions
from compsim_assets_tests.deploy.postgresql import PostgreSQL
from compsim_assets_tests.whole.service import PATIENCE, Service, kind_of
from compsim_assets_tests.whole.test_killed_rebuild import contents

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc"),
    pytest.mark.waits(300),
    pytest.mark.timeout(6 * 3600),
]

KILLS = int(os.environ.get("COMPSIM_KILLS", "1"))
DRILL = bool(os.environ.get("COMPSIM_KILL_DRILL"))
PER_REBUILD = 6 if DRILL else 1


@pytest.fixture
def service(tiny_universe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    if not DRILL:
        with Service(tmp_path, tiny_universe) as service:
            yield service
        return
    with PostgreSQL() as database:
        for name in database.environment:
            monkeypatch.setenv(name, "")  # what the service sets ends with the test
        with Service(tmp_path, None, database) as service:
            yield service


def check(service: Service) -> None:
    """Readers have a whole version, if there was one; nothing is held for good: slots are freed half a minute after
    their run has ended, or by the next run.
    """
    if version := Versions(service.results).current():
        assert list(version.damaged()) == []
        lineage = version.results.lineage()
        assert {name: why for name in version.manifest["results"] if (why := lineage.why_unusable(name))} == {}
    service.wait_for(lambda: claims(service.instance) == [], 120)


def kill_one(service: Service, chance: random.Random) -> str:
    """Whose process it was; every kind is as likely."""
    kinds = service.victims()
    kind = chance.choice(sorted(kinds))
    with suppress(psutil.Error):
        chance.choice(kinds[kind]).send_signal(signal.SIGKILL)
    time.sleep(1)
    service.restart()
    return kind


def test_whatever_dies_the_next_rebuild_ends_as_if_nothing_had_been(service: Service) -> None:
    chance, died = random.Random(KILLS), list[str]()
    service.restart()
    begun = time.monotonic()
    assert service.wait_until_ended(service.ask_for_rebuild(), PATIENCE) == dg.DagsterRunStatus.SUCCESS
    seconds = time.monotonic() - begun
    undisturbed = settled(service)
    service.ask_for_rebuild()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0, seconds / PER_REBUILD))
        died.append(kill_one(service, chance))
        if chance.random() < 1 / PER_REBUILD or service.all_ended():
            service.wait_until_all_ended()
            check(service)
            print(f"{time.monotonic() - begun:.0f} s, {len(died)} kills: {dict(Counter(died))}", flush=True)
            service.ask_for_rebuild()
    service.wait_until_all_ended()
    assert service.wait_until_ended(service.ask_for_rebuild(), PATIENCE) == dg.DagsterRunStatus.SUCCESS
    service.wait_until_all_ended()
    check(service)
    print(died, Counter(run.status.value for run in service.instance.get_runs()))
    made = settled(service)
    assert made.keys() == undisturbed.keys()
    assert [name for name in made if made[name] != undisturbed[name]] == []
    assert list((service.results.folder / ".scratch").iterdir()) == []
    services = {service.server.pid, *(daemon.pid for daemon in service.daemons), service.webserver.pid}
    service.wait_for(lambda: not {p.pid for p in service.processes()} - with_children(services), 90)


def settled(service: Service) -> dict[str, bytes]:
    """Bytes by file, but of the report on what changed."""
    made = contents(service.results.folder)
    return {name: content for name, content in made.items() if not name.startswith("rebuild_report")}


def with_children(pids: set[int]) -> set[int]:
    """Services and what they keep beside them, which are no runs."""
    every = set(pids)
    for pid in pids:
        with suppress(psutil.Error):
            children = psutil.Process(pid).children(recursive=True)
            every |= {child.pid for child in children if kind_of(child) in ("tracker", "code server")}
    return every
