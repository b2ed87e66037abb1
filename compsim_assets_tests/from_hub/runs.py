"""Runs of the platform against the stand-in for the hub: by Dagster's command, or many from one process."""

import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from compsim_assets_tests.universe.hub.client import FAST, TOKEN
from compsim_assets_tests.universe.hub.server import Fault, HubServer, Request

# What runs import.
_PRELOADED = (
    "datasets", "huggingface_hub.hf_api", "pandas", "pyarrow.parquet", "scipy.sparse", "tabulate", "torch",
    "compsim_assets.definitions", "compsim_assets.universe.hub", "compsim_assets_tests.runs",
)  # fmt: skip
KEEP_ALL = {"drop_without_sic_code": False, "drop_without_returns": False}


class SlowHub(HubServer):
    """A hub that takes `delay` seconds before it gives a large file's content."""

    delay = 0.0

    def __init__(self) -> None:
        super().__init__()
        # A client that is killed is nothing to report.
        vars(self._server)["handle_error"] = lambda *_: None

    def fault(self, request: Request) -> Fault | None:
        """As of any hub, later."""
        if request.method == "GET" and request.path.startswith("/cdn/"):
            time.sleep(self.delay)
        return super().fault(request)


@dataclass
class Outcome:
    """What a run said: whether it succeeded, else the error's text; metadata and data version of each asset; output."""

    success: bool = False
    error: str = ""
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    output: str = ""


class Runner:
    """Runs assets of the source `huggingface`, each time in a fresh process: forked from one that has all imports."""

    def __init__(self, hub: SlowHub, folder: Path) -> None:
        self.hub, self.home = hub, folder / "hf"
        self._folder, self._count = folder, 0
        environment = {**hub.environment(self.home), "HF_TOKEN": TOKEN}
        self._process = ProcessPoolExecutor(1, get_context("spawn"), _prepare, (environment,))

    def start(self, data: Path, assets: Iterable[str], **settings: Any) -> int:
        """Begin a run on a data folder; its process id."""
        self._count += 1
        self._result = self._folder / f"{self._count}.pickle"
        return self._process.submit(_fork, self._result, {"data": str(data), **settings}, [*assets]).result()

    def end(self, pid: int) -> Outcome | None:
        """What the run that was started last said when it had ended; None for one that was killed."""
        status = self._process.submit(os.waitpid, pid, 0).result()[1]
        output = self._result.with_suffix(".txt").read_text()
        assert TOKEN not in output
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL, output
            return None
        assert self._result.exists(), output
        outcome = pickle.loads(self._result.read_bytes())
        outcome.output = output
        return outcome

    def run(self, data: Path, assets: Iterable[str], **settings: Any) -> Outcome:
        """A whole run."""
        outcome = self.end(self.start(data, assets, **settings))
        assert outcome is not None
        return outcome

    def close(self) -> None:
        """End the process."""
        self._process.shutdown()


def _prepare(environment: dict[str, str]) -> None:
    os.environ.update(environment)
    for name in _PRELOADED:
        import_module(name)
    from dagster import DagsterInstance
    from huggingface_hub.utils import _http

    from compsim_assets.universe import hub

    with DagsterInstance.ephemeral():  # imports its stores
        pass
    # Waits are shorter than in real life: ours, and the library's own.
    calls = vars(hub)
    calls.update({name: partial(calls[name], patience=FAST) for name in ("resolve", "fetch")})
    vars(_http)["time"] = SimpleNamespace(sleep=lambda seconds: time.sleep(min(seconds, 0.05)))


def _fork(result: Path, settings: dict[str, Any], assets: list[str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        output = os.open(result.with_suffix(".txt"), os.O_CREAT | os.O_WRONLY)
        os.dup2(output, 1)
        os.dup2(output, 2)
        result.write_bytes(pickle.dumps(_run(settings, assets)))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        # Nothing of the process that it was forked from may go on here.
        os._exit(0)


def _run(settings: dict[str, Any], assets: list[str]) -> Outcome:
    import dagster as dg

    from compsim_assets.settings import Settings
    from compsim_assets_tests.runs import execute, platform

    with dg.DagsterInstance.ephemeral() as instance:
        defs = platform(Settings(**{"source": "huggingface", **settings}))
        result = execute(defs, assets, "base", instance, raise_on_error=False)
        outcome = Outcome(result.success)
        for event in result.get_step_failure_events():
            error = event.step_failure_data.error
            assert error is not None
            outcome.error = (error.cause or error).message.strip()
        for event in result.filter_events(lambda event: event.is_step_materialization):
            made = event.step_materialization_data.materialization
            name = made.asset_key.to_user_string()
            outcome.metadata[name] = {key: value.value for key, value in made.metadata.items()}
            outcome.versions[name] = (made.tags or {})["dagster/data_version"]
        return outcome


@dataclass(frozen=True)
class Place:
    """A test's own universe on the hub: its data sets `<name>/reports`, `.../features`, `.../pairs`; its folders."""

    hub: SlowHub
    runner: Runner
    name: str
    folder: Path

    @property
    def results(self) -> Path:
        """The results folder."""
        return self.folder / "data" / "huggingface"

    def commit(self, table: str, files: dict[str, bytes]) -> str:
        """Files as the new head of a table's data set; the commit."""
        return self.hub.commit(f"{self.name}/{table}", files)

    def revision(self, table: str, commit: str) -> str:
        """As metadata and data versions have it."""
        return f"{self.name}/{table}@{commit}"

    def start(self, *assets: str, data: str = "data", **settings: Any) -> int:
        """See `Runner.start`."""
        (self.folder / "huggingface.toml").write_text(
            "".join(
                f'[{table}]\ndataset = "{self.name}/{table}"\nkeep_downloads = {kept}\n'
                for table, kept in (("reports", "true"), ("features", "false"), ("pairs", "true"))
            )
        )
        settings = {"universe": str(self.folder), **settings}
        return self.runner.start(self.folder / data, assets, **settings)

    def run(self, *assets: str, data: str = "data", **settings: Any) -> Outcome:
        """See `Runner.run`."""
        outcome = self.runner.end(self.start(*assets, data=data, **settings))
        assert outcome is not None
        return outcome

    def cached(self, table: str) -> list[Path]:
        """The data set's complete files in the hub's cache."""
        folder = self.runner.home / "hub" / f"datasets--{self.name}--{table}"
        return sorted(folder.glob("snapshots/*/data/*.parquet"))
