"""What a rank was doing last and what to lower when memory runs out: in its errors, and in a file for
the agent, because a rank that the operating system kills says nothing any more."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LESS_MEMORY = "fewer processes on a node (COMPSIM_NPROC), or nodes with more memory"
_STARTING = "no progress line yet"


class OutOfMemory(RuntimeError):
    """Memory ran out in a worker program; the message says where and what to lower."""


class Stage:
    """The last progress or log line of a rank, kept in `file` too where there is one.

    Args:
        file: JSON with `stage` and `memory_hint`; None keeps nothing.
        memory_hint: which settings of this program to lower for less memory, a phrase.
    """

    def __init__(self, file: Path | None, memory_hint: str = "") -> None:
        self._file = file
        self._hint = f"{memory_hint}; or {LESS_MEMORY}" if memory_hint else LESS_MEMORY
        self.now = ""
        self.set(_STARTING)

    def set(self, line: str) -> None:
        """Note what the rank does now."""
        self.now = line
        if self._file is not None:
            self._file.write_text(json.dumps({"stage": line, "memory_hint": self._hint}))

    @contextmanager
    def explaining_memory(self) -> Iterator[None]:
        """Turn what libraries raise when memory runs out into an OutOfMemory that says where."""
        try:
            yield
        except Exception as error:
            # Here, because the Dagster step reads LESS_MEMORY and does without torch.
            from compsim_assets.science.device import is_out_of_memory

            if not is_out_of_memory(error):
                raise
            raise OutOfMemory(
                f"out of memory (last: {self.now}). To need less: {self._hint}. {type(error).__name__}: {error}"
            ) from error


def stage_file() -> Path | None:
    """Beside the error file that torchrun gave this rank; None without torchrun."""
    error_file = os.environ.get("TORCHELASTIC_ERROR_FILE")
    return Path(error_file).with_name("stage.json") if error_file else None
