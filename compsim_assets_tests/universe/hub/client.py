"""A process that uses the hub, with an environment of its own: the library reads it once, when it is imported."""

import io
import os
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from copy import copy
from dataclasses import dataclass
from importlib import import_module, reload
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from compsim_assets.settings import Settings
from compsim_assets.universe import hub
from compsim_assets.universe.fingerprint import fingerprints
from compsim_assets.universe.hub import HubRevision, Patience
from compsim_assets.universe.layout import UniverseError

TOKEN = "hf_tokenthatnobodymaysee"
FAST = Patience(tries=3, first_wait=0.01, longest_wait=0.05)
FIRST, SECOND = "data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"


def parquet(rows: int) -> bytes:
    """A Parquet file of so many rows."""
    stream = io.BytesIO()
    pq.write_table(pa.table({"value": list(range(rows))}), stream)
    return stream.getvalue()


FILES = {FIRST: parquet(2000), SECOND: parquet(10), "README.md": b"---\nlicense: mit\n---\n# Data"}


@dataclass
class Answer:
    """What a call in another process gave, or the error that it raised and how that would be printed."""

    value: Any
    error: str
    log: list[str]
    printed: str


class Client:
    """Calls in a process with an environment of its own; what they write must not hold the token."""

    def __init__(self, environment: dict[str, str], errors: Path) -> None:
        self._errors, self._changes = errors, dict[str, str]()
        self._process = ProcessPoolExecutor(1, get_context("spawn"), _prepare, (environment, str(errors)))

    def under(self, **changes: str) -> "Client":
        """The same with other variables: each call is made in a fork that has read them."""
        other = copy(self)
        other._changes = changes
        return other

    def ask(self, step: str, *arguments: Any, patience: Patience = FAST) -> Answer:
        """The answer to a step: `resolve`, `fetch`, `forget`, `newest commit` and others, see `_call`."""
        answer = self._process.submit(_call, step, arguments, patience, self._changes).result()
        written = answer.printed + "\n".join(answer.log) + self._errors.read_text()
        assert TOKEN not in written
        return answer

    def get(self, step: str, *arguments: Any) -> Any:
        """What the step gives; it must not fail."""
        answer = self.ask(step, *arguments)
        assert not answer.error, answer.printed
        return answer.value

    def close(self) -> None:
        """End the process."""
        self._process.shutdown()


def _prepare(environment: dict[str, str], errors: str) -> None:
    os.environ.update(environment)
    os.dup2(os.open(errors, os.O_CREAT | os.O_WRONLY | os.O_APPEND), 2)
    from huggingface_hub.utils import _http

    # The library's own waits, between its own tries, are seconds that no variable shortens.
    vars(_http)["time"] = SimpleNamespace(sleep=lambda seconds: time.sleep(min(seconds, 0.05)))


def _read_again(changes: dict[str, str]) -> None:
    os.environ.update(changes)
    for name in ("huggingface_hub.constants", "datasets.config"):
        reload(import_module(name))


def _call(step: str, arguments: tuple[Any, ...], patience: Patience, changes: dict[str, str] | None = None) -> Answer:
    if changes:
        with ProcessPoolExecutor(1, get_context("fork"), _read_again, (changes,)) as fork:
            return fork.submit(_call, step, arguments, patience).result()
    log: list[str] = []
    steps: dict[str, Callable[..., Any]] = {
        "resolve": lambda *given: hub.resolve(*given, log.append, patience),
        "resolve aside": lambda *given: hub.resolve(*given, log.append, patience, keep=False),
        "fetch": lambda *given: hub.fetch(*given, log.append, patience),
        "fetch aside": lambda *given: hub.fetch(*given, log.append, patience, keep=False),
        "forget": hub.forget,
        "newest commit": hub.newest_commit,
        "fingerprints": lambda settings, assets: fingerprints(Settings(**settings), assets),
        "hf download": _download,
    }
    try:
        return Answer(steps[step](*arguments), "", log, "")
    except UniverseError as error:
        return Answer(None, str(error), log, "".join(traceback.format_exception(error)))


def _download(name: str, patterns: list[str] | None) -> str:
    """What a user's `hf download` does."""
    from huggingface_hub import snapshot_download

    return snapshot_download(name, repo_type="dataset", allow_patterns=patterns)


def in_cache(environment: dict[str, str], revision: HubRevision) -> Path:
    """The data set's folder in the hub cache."""
    name = revision.dataset.dataset.replace("/", "--")
    folder = Path(environment["HF_HOME"]) / "hub" / f"datasets--{name}"
    assert folder.is_dir()
    return folder
