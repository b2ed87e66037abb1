"""What steps print, in the files that the UI shows; dagster.yaml names this class.

Dagster's own also sends it to the terminal, by four more processes per step, and that takes as long as a step's start.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster._core.execution.compute_logs import redirect_to_file
from dagster._core.storage.compute_log_manager import CapturedLogContext
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._serdes import ConfigurableClassData
from dagster._utils import ensure_file, touch_file


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
        with redirect_to_file(sys.stdout, paths[0]), redirect_to_file(sys.stderr, paths[1]):
            yield CapturedLogContext(log_key)
        touch_file(self.complete_artifact_path(log_key))
