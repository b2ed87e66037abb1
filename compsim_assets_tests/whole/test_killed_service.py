"""The service: code server, daemon and webserver, of which any process dies at any moment of a rebuild.

What dies is started again, as a service manager does. Then nothing waits for good, readers have a whole version, and
the next rebuild ends with the bytes of one that nobody disturbed. COMPSIM_KILLS says how often, once by default.
"""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import dagster as dg
import psutil
import pytest

from compsim_assets.automation import ALL_MODES, EVERYTHING, REBUILD
from compsim_assets.running.claims import claims
from compsim_assets.storage.results import Results
from compsim_assets.storage.versions import Versions
from compsim_assets_tests.running.deployed import FINISHED, LAUNCH, Deployed
from compsim_assets_tests.whole.test_killed_rebuild import contents

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc"),
    pytest.mark.waits(300),
    pytest.mark.timeout(6 * 3600),
]

KILLS = int(os.environ.get("COMPSIM_KILLS", "1"))
PATIENCE = 600  # seconds until every run has ended, whatever died


class Service(Deployed):
    """The real platform on a universe of its own; `restart` starts again what has died."""

    def __init__(self, folder: Path, universe: Path) -> None:
        super().__init__(folder)
        self.results = Results(folder / "data" / "local")
        settings = {"SOURCE": "local", "UNIVERSE": str(universe), "DATA": str(folder / "data"), "NPROC": "1"}
        self.environment |= {f"COMPSIM_{name}": value for name, value in settings.items()}
        server = f"{{host: 127.0.0.1, port: {self.port}, location_name: compsim}}"
        self.workspace.write_text(f"load_from:\n  - grpc_server: {server}\n")
        self.webserver: subprocess.Popen[bytes] | None = None

    def serve(self) -> "subprocess.Popen[bytes]":
        where = ("-m", "compsim_assets.definitions", "-h", "127.0.0.1", "-p", str(self.port))
        self.server = self._start("server", "dagster", "api", "grpc", *where, "--location-name", "compsim")
        self.wait_for(self._answers)
        return self.server

    def restart(self) -> None:
        """As a service manager: whatever has ended is started again."""
        if self.server.poll() is not None:
            self.serve()
        for number, daemon in enumerate(self.daemons):
            if daemon.poll() is not None:
                self.daemons[number] = self.start_daemon()
        if self.webserver is None or self.webserver.poll() is not None:
            where = ("-h", "127.0.0.1", "-p", "0", "-w", str(self.workspace))
            self.webserver = self._start("webserver", "dagster_webserver", *where)

    def ask_for_rebuild(self) -> str:
        """As the schedule does: everything, both modes, through the queue."""
        self.__dict__.pop("context", None)  # of a code server that may have died
        where = {"repositoryLocationName": "compsim", "repositoryName": "__repository__", "jobName": "rebuild"}
        pairs = [{"key": key, "value": value} for key, value in {**ALL_MODES, REBUILD: EVERYTHING}.items()]
        of = {"selector": where, "runConfigData": {}, "executionMetadata": {"tags": pairs}}
        answer = self.ask(LAUNCH, of=of)
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def wait_until_all_ended(self) -> None:
        self.wait_for(lambda: all(run.status in FINISHED for run in self.instance.get_runs()), PATIENCE)

    def victims(self) -> dict[str, list[psutil.Process]]:
        """Processes by what they are."""
        kinds = dict[str, list[psutil.Process]]()
        for process in self.processes():
            with suppress(psutil.Error):
                kinds.setdefault(kind_of(process), []).append(process)
        return kinds


def kind_of(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    names = {
        "_daemon": "daemon", "dagster_webserver": "webserver", "api grpc": "code server", "forkserver": "step",
        "compsim_assets.launch.agent": "agent", "compsim_assets.workers": "rank", "resource_tracker": "tracker",
    }  # fmt: skip
    return next((kind for word, kind in names.items() if word in words), "run")


def check(service: Service) -> None:
    """Readers have a whole version, if there was one; nothing is held."""
    if version := Versions(service.results).current():
        assert list(version.damaged()) == []
        lineage = version.results.lineage()
        assert {name: why for name in version.manifest["results"] if (why := lineage.why_unusable(name))} == {}
    assert claims(service.instance) == []


def test_whatever_dies_the_next_rebuild_ends_as_if_nothing_had_been(tiny_universe: Path, tmp_path: Path) -> None:
    chance, died = random.Random(11), list[str]()
    with Service(tmp_path, tiny_universe) as service:
        service.restart()
        begun = time.monotonic()
        assert service.wait_until_ended(service.ask_for_rebuild(), PATIENCE) == dg.DagsterRunStatus.SUCCESS
        seconds = time.monotonic() - begun
        undisturbed = settled(service)
        for _ in range(KILLS):
            service.ask_for_rebuild()
            time.sleep(chance.uniform(0, seconds))
            kinds = service.victims()
            kind = chance.choice(sorted(kinds))
            victim = chance.choice(kinds[kind])
            with suppress(psutil.Error):
                victim.send_signal(signal.SIGKILL)
            died.append(kind)
            time.sleep(1)
            service.restart()
            service.wait_until_all_ended()
            check(service)
        assert service.wait_until_ended(service.ask_for_rebuild(), PATIENCE) == dg.DagsterRunStatus.SUCCESS
        service.wait_until_all_ended()
        check(service)
        print(died, [run.status.value for run in service.instance.get_runs()])
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
