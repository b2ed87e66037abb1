"""What every worker program runs on: process group, device, Pipes on rank 0, clean endings.

A worker program is a module with a `main(worker)` that ends with::

    if __name__ == "__main__":
        run(main)

`compsim_assets.launch.torchrun.Torchrun` starts it, one process a rank. By hand, one process or
several, with the extras as a JSON argument::

    python -m compsim_assets.workers.clusters '{"mode": "base"}'
    torchrun --nproc-per-node 2 -m compsim_assets.workers.clusters '{"mode": "base"}'
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from dagster_pipes import PipesContext, PipesEnvVarParamsLoader, open_dagster_pipes
from torch.distributed.elastic.multiprocessing.errors import record

from compsim_assets.launch.environment import set_defaults
from compsim_assets.launch.group import join_group
from compsim_assets.launch.lifeline import die_with_parent
from compsim_assets.launch.stage import Stage, stage_file
from compsim_assets.science.device import compute_exactly

PROGRESS_SECONDS = 2.0


@dataclass
class Worker:
    """One rank of a worker program, as its `main` sees it.

    A test can call a program's `main` in its own process with
    `Worker(rank=0, world_size=1, device=torch.device("cpu"), extras={...})` and read `reported`.

    Attributes:
        rank: this process, 0..world_size - 1; only rank 0 reports.
        world_size: number of processes.
        device: where this rank computes: `cuda:LOCAL_RANK`, or the CPU without CUDA.
        extras: the asset's parameters, the same on every rank.
        reported: what `result` was given, None before.
    """

    rank: int
    world_size: int
    device: torch.device
    extras: dict[str, Any]
    reported: dict[str, Any] | None = None
    _pipes: PipesContext | None = None
    _stage: Stage = field(default_factory=lambda: Stage(None))
    _progress_due: dict[str, float] = field(default_factory=dict)

    def log(self, message: str) -> None:
        """Rank 0: one line in the Dagster event log (stderr without Dagster).

        On every rank the last line is what an error says about where memory ran out.
        """
        self._stage.set(message)
        if self.rank != 0:
            return
        if self._pipes is not None:
            self._pipes.log.info(message)
        else:
            print(message, file=sys.stderr, flush=True)

    def progress(self, done: int, total: int, what: str) -> None:
        """Rank 0: log "what: done of total", one line every two seconds for each `what`.

        The line at `done == total` is always logged. Call it as often as convenient.
        """
        now = time.monotonic()
        if done == total or now >= self._progress_due.get(what, now):
            self._progress_due[what] = now + PROGRESS_SECONDS
            self.log(f"{what}: {done:,} of {total:,}")

    def gather(self, obj: Any) -> list[Any] | None:
        """Collect one picklable object from every rank, in rank order, on rank 0; None elsewhere.

        A collective: every rank must call it.
        """
        if self.world_size == 1:
            return [obj]
        gathered: list[Any] | None = [None] * self.world_size if self.rank == 0 else None
        dist.gather_object(obj, gathered, dst=0)
        return gathered

    def of_first(self, value: Any) -> Any:
        """Rank 0's value, on every rank: what only one may decide, such as whether a file is there.

        A collective: every rank must call it.
        """
        return value if self.world_size == 1 else _of_first(value)

    def barrier(self) -> None:
        """Wait until every rank is here. A collective: every rank must call it."""
        if self.world_size > 1:
            dist.barrier()

    def result(self, value: dict[str, Any]) -> None:
        """Rank 0: hand a JSON-serialisable dict to the asset, once. Others: nothing.

        Keep it small, numbers and paths: arrays go through files.

        Raises:
            RuntimeError: a result was reported before.
            TypeError: `value` is not JSON-serialisable (convert numpy numbers).
        """
        if self.rank != 0:
            return
        if self.reported is not None:
            raise RuntimeError("a worker reports its result once")
        text = json.dumps(value)
        self.reported = value
        if self._pipes is not None:
            self._pipes.report_custom_message({"result": value})
        else:
            print(text, flush=True)


def run(main: Callable[[Worker], None], memory_hint: str = "") -> None:
    """Run a worker program's `main` as one rank, under torchrun or alone; the end of every program.

    An exception is printed, left with its traceback in torchrun's error file, and ends the process
    with exit code 1 at once.

    Args:
        main: the program.
        memory_hint: which settings of this program to lower when memory runs out, a phrase for the
            error: "a smaller max_candidates".
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        die_with_parent(os.getppid())
    # torchrun ends the other ranks with SIGTERM: without a Python handler even a rank blocked in a
    # collective or a long C call obeys at once.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        record(_run_rank)(main, memory_hint)
    except Exception:
        # Ordinary interpreter exit would first wait in destructors for a process group whose other
        # ranks are waiting for this one; torchrun acts only once this process has ended.
        traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


def _of_first(value: Any) -> Any:
    values = [value]
    dist.broadcast_object_list(values, src=0)
    return values[0]


def _run_rank(main: Callable[[Worker], None], memory_hint: str) -> None:
    rank = int(os.environ.get("RANK", "0"))
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    device = _device()
    set_defaults()
    compute_exactly()
    stage = Stage(stage_file(), memory_hint)
    pipes = _open_pipes() if rank == 0 else None
    try:
        join_group(rank, world_size, device)
        extras = _of_first(_extras(pipes) if rank == 0 else None)
        with stage.explaining_memory():
            main(Worker(rank, world_size, device, extras, _pipes=pipes, _stage=stage))
    except SystemExit as stop:
        if stop.code:
            # An error like any other: it ends the rank as fast and leaves a traceback.
            raise RuntimeError(f"sys.exit({stop.code!r}) in a worker program") from stop
    finally:
        # Closed without the exception: that reaches Dagster through the error file, from the rank
        # that failed first, and rank 0 may be only its victim.
        if pipes is not None:
            pipes.close()
    # Reached on success only: a failing rank must not close connections before its error is on
    # record, or the others fail first.
    dist.destroy_process_group()


def _device() -> torch.device:
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    return device


def _open_pipes() -> PipesContext | None:
    return open_dagster_pipes() if PipesEnvVarParamsLoader().is_dagster_pipes_process() else None


def _extras(pipes: PipesContext | None) -> dict[str, Any]:
    """The asset's parameters: from Dagster, else from a JSON argument on the command line."""
    if pipes is not None:
        return dict(pipes.extras)
    return dict(json.loads(sys.argv[1])) if len(sys.argv) > 1 else {}
