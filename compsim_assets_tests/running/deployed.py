"""The toy as it lives on a server: a code server and a daemon of its own, asked as the UI asks."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget

from compsim_assets.running.home import CONFIGURATION

TOY = "compsim_assets_tests.running.toy"
FINISHED = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
# Quicker than on a server, where a look every so often is enough.
QUICK = {" poll_interval_seconds: 15": " poll_interval_seconds: 2"}

LAUNCH = """mutation($of: ExecutionParams!) { launchRun(executionParams: $of) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
TERMINATE = """mutation($run: String!, $how: TerminateRunPolicy) { terminateRun(runId: $run, terminatePolicy: $how) {
  __typename ... on TerminateRunFailure { message } ... on PythonError { message } } }"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Deployed:
    """A Dagster home with a code server and, where asked for, daemons. All of it ends with the `with` block."""

    def __init__(self, folder: Path, daemons: int = 1, home: Path | None = None, **behaviour: str) -> None:
        self.folder, self.home = folder, home or folder / "home"
        self.home.mkdir(parents=True, exist_ok=True)
        if home is None:
            text = CONFIGURATION.read_text()
            for usual, quick in QUICK.items():
                assert usual in text
                text = text.replace(usual, quick)
            (self.home / CONFIGURATION.name).write_text(text)
        self.port = free_port()
        self.workspace = folder / "workspace.yaml"
        server = f"{{host: 127.0.0.1, port: {self.port}, location_name: toy}}"
        self.workspace.write_text(f"load_from:\n  - grpc_server: {server}\n")
        self.environment = {**os.environ, "TOY": str(folder), "TOY_LIGHT": "yes", "DAGSTER_HOME": str(self.home)}
        self.ask_for(**behaviour)
        self.n_daemons, self.daemons = daemons, list[subprocess.Popen[bytes]]()
        self._stack = ExitStack()

    def ask_for(self, **behaviour: str) -> None:
        """What steps do from now on, and nothing else of what they were asked before; their notes are forgotten."""
        for file in (*self.folder.glob("*.asked"), *self.folder.glob("*.json")):
            file.unlink()
        for asset, what in behaviour.items():
            (self.folder / f"{asset}.asked").write_text(what)

    def __enter__(self) -> "Deployed":
        self.instance = self._stack.enter_context(dg.DagsterInstance.from_config(str(self.home)))
        self.instance.get_runs(limit=1)  # two that make the tables at once break them
        self.instance.event_log_storage.get_concurrency_keys()
        self.instance.schedule_storage.all_instigator_state()
        self.server = self.serve()
        self.daemons = [self.start_daemon() for _ in range(self.n_daemons)]
        return self

    def __exit__(self, *problem: object) -> None:
        for name in ("context",):
            self.__dict__.pop(name, None)
        self._stack.close()
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()

    def _start(self, name: str, *words: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.txt").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", *words],
                env=self.environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def serve(self) -> "subprocess.Popen[bytes]":
        """Start the code server, and wait until it answers."""
        where = ("-m", TOY, "-h", "127.0.0.1", "-p", str(self.port))
        self.server = self._start("server", "dagster", "api", "grpc", *where, "--location-name", "toy")
        self.wait_for(self._answers)
        return self.server

    def _answers(self, port: int | None = None) -> bool:
        with socket.socket() as there:
            return there.connect_ex(("127.0.0.1", port or self.port)) == 0

    def start_webserver(self, port: int) -> "subprocess.Popen[bytes]":
        """Start one, and wait until it answers."""
        where = ("-h", "127.0.0.1", "-p", str(port), "-w", str(self.workspace))
        webserver = self._start("webserver", "dagster_webserver", *where)
        self.wait_for(lambda: self._answers(port), 120)
        return webserver

    def start_daemon(self) -> "subprocess.Popen[bytes]":
        return self._start("daemon", "dagster._daemon", "run", "-w", str(self.workspace))

    @cached_property
    def context(self) -> WorkspaceProcessContext:
        """What the webserver answers with."""
        target = WorkspaceFileTarget([str(self.workspace)])
        return self._stack.enter_context(WorkspaceProcessContext(self.instance, target))

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """A question of the UI to the webserver, answered in this process."""
        from dagster_graphql.cli import execute_query

        answer = execute_query(self.context, query, variables)
        assert "errors" not in answer, answer
        (data,) = answer["data"].values()
        return data

    def launch(self, *assets: str, tags: Mapping[str, str] | None = None) -> str:
        """Materialize these, as the UI does."""
        where = {"repositoryLocationName": "toy", "repositoryName": "__repository__", "jobName": "rebuild"}
        selector = {**where, "assetSelection": [{"path": [asset]} for asset in assets], "assetCheckSelection": None}
        pairs = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        of = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": pairs}}
        answers = list[dict[str, Any]]()

        def launched() -> bool:
            answers.append(self.ask(LAUNCH, of=of))
            return answers[-1]["__typename"] == "LaunchRunSuccess"

        # The UI, too, does not see at once that a code server is there again.
        self.wait_for(launched, 30, lambda: str(answers[-1]))
        return answers[-1]["run"]["runId"]

    def terminate(self, run_id: str, how: str = "SAFE_TERMINATE") -> dict[str, Any]:
        """The button of the UI."""
        return self.ask(TERMINATE, run=run_id, how=how)

    def run(self, run_id: str) -> dg.DagsterRun:
        run = self.instance.get_run_by_id(run_id)
        assert run
        return run

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        return self.run(run_id).status

    def wait_until_ended(self, run_id: str, seconds: float = 60) -> dg.DagsterRunStatus:
        self.wait_for(lambda: self.status(run_id) in FINISHED, seconds)
        return self.status(run_id)

    def wait_for(
        self, condition: Callable[[], object], seconds: float = 60, why: Callable[[], str] = lambda: ""
    ) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{self.said()}\n{why()}"
            time.sleep(0.1)

    def said(self) -> str:
        """What everybody printed, and the runs."""
        runs = [f"{run.run_id[:8]} {run.status} {run.tags}" for run in self.instance.get_runs()]
        texts = [path.read_text(errors="replace")[-6000:] for path in sorted(self.folder.glob("*.txt"))]
        return "\n".join([*texts, *runs])

    def note(self, asset: str) -> bool:
        return (self.folder / f"{asset}.json").is_file()

    def messages(self, run_id: str) -> list[str]:
        """The run's event log as the UI shows it."""
        return [entry.message for entry in self.instance.all_logs(run_id)]

    def run_process(self, run_id: str) -> psutil.Process:
        """The process that runs a run."""
        from compsim_assets.running.identity import process_of

        self.wait_for(lambda: process_of(self.run(run_id)))
        return psutil.Process(process_of(self.run(run_id))["pid"])

    def processes(self) -> list[psutil.Process]:
        """All that work for this home, whoever their parents are; not the test."""
        there = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.pid != os.getpid() and process.environ().get("DAGSTER_HOME") == str(self.home):
                    there.append(process)
        return there

    def kill(self, *processes: "psutil.Process | subprocess.Popen[bytes]") -> None:
        for process in processes:
            with suppress(psutil.Error, ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        for process in processes:
            if isinstance(process, subprocess.Popen):
                process.wait(10)


def origin(job: str) -> Any:
    """Where a queued run's job is, by name alone."""
    from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

    return RemoteJobOrigin(RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin("localhost", 1), "toy"), job)
