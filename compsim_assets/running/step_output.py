"""What steps print, in the files that the UI shows; dagster.yaml names this class.

It is also shown where the run was started, as with Dagster's own class. That one uses four more processes per step for
it, which takes as long as a step's start; here a thread follows the files. What a crashing step prints last is in them.
"""

import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import dagster as dg
from dagster._core.execution.compute_logs import redirect_to_file
from dagster._core.storage.compute_log_manager import CapturedLogContext
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._serdes import ConfigurableClassData
from dagster._utils import ensure_file, touch_file

EVERY = 0.2  # seconds between two looks at what was printed


class StepOutput(LocalComputeLogManager):
    """Standard output and error of steps, in the instance's storage folder and nowhere else."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir="", inst_data=inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Nothing to choose."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "StepOutput":
        """As dagster.yaml makes it."""
        return cls(inst_data)

    def register_instance(self, instance: dg.DagsterInstance) -> None:
        """Where the files go is the instance's affair."""
        super().register_instance(instance)
        self._base_dir = instance.storage_directory()

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        """Send what the process prints inside to its files."""
        paths = [self.get_captured_local_path(log_key, extension) for extension in ("out", "err")]
        for path in paths:
            ensure_file(path)
        with _shown_too(paths), redirect_to_file(sys.stdout, paths[0]), redirect_to_file(sys.stderr, paths[1]):
            yield CapturedLogContext(log_key)
        touch_file(self.complete_artifact_path(log_key))


@contextmanager
def _shown_too(paths: Sequence[str]) -> Iterator[None]:
    """Pass on what is added to these two files to what are standard output and error at the start."""
    sys.stdout.flush()
    sys.stderr.flush()
    ended = threading.Event()
    follow = threading.Thread(target=_follow, args=(paths, [os.dup(1), os.dup(2)], ended), daemon=True)
    follow.start()
    try:
        yield
    finally:
        ended.set()
        follow.join()


def _follow(paths: Sequence[str], streams: Sequence[int], ended: threading.Event) -> None:
    with ExitStack() as files:
        pairs = [(files.enter_context(open(path, "rb")), stream) for path, stream in zip(paths, streams, strict=True)]
        for file, stream in pairs:
            file.seek(0, os.SEEK_END)  # a step that is tried again adds to its files
            files.callback(os.close, stream)
        over = False
        while not over:
            over = ended.wait(EVERY)
            for file, stream in pairs:
                while text := file.read(1 << 16):
                    with suppress(OSError):  # a terminal that was closed
                        os.write(stream, text)
