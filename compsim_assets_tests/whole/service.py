"""The platform as a service: code server, daemon, webserver and, where asked for, PostgreSQL."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from compsim_assets.automation import ALL_MODES, EVERYTHING, REBUILD
from compsim_assets.storage.results import Results
from compsim_assets_tests.deploy.postgresql import PostgreSQL
from compsim_assets_tests.running.deployed import FINISHED, LAUNCH, Deployed

DEPLOY = Path(__file__).parents[2] / "deploy"
WILL_RETRY, RETRIED_BY = "dagster/will_retry", "dagster/auto_retry_run_id"
PATIENCE = 900  # seconds until every run has ended, whatever died


class Service(Deployed):
    """The real platform; `restart` starts again what has died.

    Args:
        folder: for everything.
        universe: its own universe, or None for the whole synthetic sample.
        database: where Dagster's history is, or None for SQLite.
    """

    def __init__(self, folder: Path, universe: Path | None, database: PostgreSQL | None = None) -> None:
        super().__init__(folder)
        source = "local" if universe else "sample"
        self.results, self.database = Results(folder / "data" / source), database
        settings = {"SOURCE": source, "UNIVERSE": str(universe or ""), "DATA": str(folder / "data"), "NPROC": "1"}
        self.environment |= {f"COMPSIM_{name}": value for name, value in settings.items() if value}
        if database:
            # This process, too, reads the history.
            os.environ |= database.environment
            self.environment |= database.environment
            with (self.home / "dagster.yaml").open("a") as file:
                file.write((DEPLOY / "postgresql.yaml").read_text())
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
        if self.database and not self.database.process():
            self.wait_for(self._database_starts)
        if self.server.poll() is not None:
            self.serve()
        for number, daemon in enumerate(self.daemons):
            if daemon.poll() is not None:
                self.daemons[number] = self.start_daemon()
        if self.webserver is None or self.webserver.poll() is not None:
            where = ("-h", "127.0.0.1", "-p", "0", "-w", str(self.workspace))
            self.webserver = self._start("webserver", "dagster_webserver", *where)

    def _database_starts(self) -> bool:
        assert self.database
        with suppress(subprocess.CalledProcessError):  # while the backends of the one that died are there
            self.database.start()
            return True
        return False

    def ask_for_rebuild(self) -> str:
        """As the schedule does: everything, both modes, through the queue."""
        self.__dict__.pop("context", None)  # of a code server that may have died
        where = {"repositoryLocationName": "compsim", "repositoryName": "__repository__", "jobName": "rebuild"}
        pairs = [{"key": key, "value": value} for key, value in {**ALL_MODES, REBUILD: EVERYTHING}.items()]
        of = {"selector": where, "runConfigData": {}, "executionMetadata": {"tags": pairs}}
        answer = self.ask(LAUNCH, of=of)
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def all_ended(self) -> bool:
        """Nothing is at work, and nothing will be retried."""
        return all(
            run.status in FINISHED and (run.tags.get(WILL_RETRY) != "true" or RETRIED_BY in run.tags)
            for run in self.instance.get_runs()
        )

    def wait_until_all_ended(self) -> None:
        self.wait_for(self.all_ended, PATIENCE)

    def victims(self) -> dict[str, list[psutil.Process]]:
        """Processes by what they are."""
        kinds = dict[str, list[psutil.Process]]()
        for process in self.processes():
            with suppress(psutil.Error):
                kinds.setdefault(kind_of(process), []).append(process)
        if self.database and (process := self.database.process()):
            kinds["database"] = [process]
        return kinds


def kind_of(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    names = {
        "_daemon": "daemon", "dagster_webserver": "webserver", "api grpc": "code server", "forkserver": "step",
        "compsim_assets.launch.agent": "agent", "compsim_assets.workers": "rank", "resource_tracker": "tracker",
    }  # fmt: skip
    return next((kind for word, kind in names.items() if word in words), "run")
