"""torchrun, plus what the launcher in the Dagster step needs from it.

Takes torchrun's arguments, `-m MODULE` last, and runs torchrun in this process, one per node, with some
additions:

- `--nproc-per-node auto` means the visible CUDA GPUs, or one process without any (torchrun's own
  `auto` starts a process for every core), and a number above the GPUs is refused. Counted here and not
  in the step, because the step may run on a login node without GPUs.
- The node's cores are shared out to the ranks through OMP_NUM_THREADS, unless that is set.
- Every rank starts behind the lifeline, so that it dies with this process from its first moment on,
  through minutes of imports too.
- A failure is left in the log folder as JSON: torchrun's own error file has a rank's exception, and
  nothing when a signal killed the rank or it failed before `run`.
- Nodes wait for each other as long as COMPSIM_JOIN_TIMEOUT says, and end together (`heartbeat.py`).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import traceback
from argparse import Namespace
from pathlib import Path
from typing import Any

import torch
from torch.distributed import run as torchrun
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.elastic.rendezvous.api import RendezvousConnectionError, RendezvousTimeoutError

from compsim_assets.launch import heartbeat, lifeline
from compsim_assets.launch.group import join_seconds, node_name
from compsim_assets.launch.limits import cores

STDERR_LINES = 40


def processes(wanted: str, gpus: int) -> int:
    """How many ranks this node gets: `wanted` is "auto" or a positive number.

    Raises:
        ValueError: `wanted` is neither, or more than `gpus` where there are GPUs.
    """
    if wanted == "auto":
        return max(1, gpus)
    if not wanted.isdecimal() or int(wanted) < 1:
        raise ValueError(f"COMPSIM_NPROC must be a positive number or 'auto', not {wanted!r}")
    if gpus and int(wanted) > gpus:
        raise ValueError(
            f"{wanted} processes for {gpus} visible CUDA GPU(s): every process needs its own. Set "
            f"COMPSIM_NPROC to at most {gpus}, or to auto; an empty CUDA_VISIBLE_DEVICES computes on "
            "the CPU instead"
        )
    return int(wanted)


def threads(there: int, nproc: int) -> int:
    """Threads for each of `nproc` ranks that share the cores there, so that together they fill them."""
    return max(1, there // nproc)


def main(arguments: list[str]) -> None:
    """Run torchrun with `arguments`; raise what it raises, after reporting it in the log folder."""
    if sys.platform != "linux":  # on Linux the launcher's lifeline came through exec
        lifeline.die_with_parent(os.getppid())
    options = torchrun.parse_args(arguments)
    shared = Path(options.log_dir)
    shared.mkdir(parents=True, exist_ok=True)
    # A folder of its own: the nodes of one job share the file system.
    options.log_dir = tempfile.mkdtemp(prefix=f"node-{node_name()}-", dir=shared)
    log_dir = Path(options.log_dir)
    several = torchrun.parse_min_max_nnodes(options.nnodes)[1] > 1
    if "COMPSIM_HEARTBEAT" in os.environ:  # the step is on another machine, or other nodes are
        heartbeat.end_with_others(Path(os.environ["COMPSIM_HEARTBEAT"]), shared, log_dir)
    wait = join_seconds()
    options.rdzv_conf = ",".join(filter(None, [f"join_timeout={wait},read_timeout={wait}", options.rdzv_conf]))
    try:
        _launch(options, log_dir)
    except SignalException as signalled:
        _report(log_dir, {"signal": int(signalled.sigval)})
        raise
    except ChildFailedError as error:
        _report_ranks(error, log_dir, several)
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        if isinstance(error, RendezvousTimeoutError | RendezvousConnectionError):
            what = _nobody_came(options, shared, wait)
        _report(log_dir, {"launch": what, "traceback": traceback.format_exc()})
        raise


def _launch(options: Namespace, log_dir: Path) -> None:
    nproc = processes(options.nproc_per_node, torch.cuda.device_count())
    options.nproc_per_node = str(nproc)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads(cores(), nproc)))
    _put_lifeline_before(options)
    torchrun.run(options)


def _report_ranks(error: ChildFailedError, log_dir: Path, several: bool) -> None:
    node = {"node": node_name() if several else ""}
    failures = error.failures.items()
    _report(log_dir, {"ranks": [{**_describe(rank, one, log_dir), **node} for rank, one in failures]})
    if several:
        # Slurm ends the other nodes when this one goes: first let them report their own ranks.
        time.sleep(heartbeat.PEER_SECONDS)


def _nobody_came(options: Namespace, shared: Path, wait: int) -> str:
    """What to say when the nodes did not meet; each that started has a folder in the shared one."""
    names = [folder.name.removeprefix("node-") for folder in shared.glob("node-*")]
    came = sorted(name.rpartition("-")[0] for name in names)
    return (
        f"{len(came)} of {options.nnodes} nodes ({', '.join(came)}) started and the others did not come "
        f"to the rendezvous at {options.rdzv_endpoint} within {wait} s. Every node must run the same "
        f"command, reach that address, which belongs to one of them, and see the folder {shared}"
    )


def _put_lifeline_before(options: Namespace) -> None:
    """Turn `-m MODULE` into the command that ties the rank to this process and then runs MODULE."""
    options.no_python, options.module = True, False
    program = [sys.executable, "-u", "-m", options.training_script, *options.training_script_args]
    options.training_script = sys.executable
    options.training_script_args = ["-I", "-S", lifeline.__file__, str(os.getpid()), *program]


def _describe(rank: int, failure: ProcessFailure, log_dir: Path) -> dict[str, Any]:
    """One rank's end: exit code (negative: the signal), when, the exception and its traceback.

    torchrun stamps failures in whole seconds, too coarse to tell a failing rank from one that lost
    its peer a moment later, so the time is that of the rank's error file where it left one.
    """
    described: dict[str, Any] = {"rank": rank, "exit_code": failure.exitcode}
    described["time"] = float(failure.timestamp)
    message = failure.error_file_data.get("message")
    if isinstance(message, dict):
        described["time"] = Path(failure.error_file).stat().st_mtime
        described["error"] = message.get("message", "")
        described["traceback"] = message.get("extraInfo", {}).get("py_callstack", "")
    described["stderr"] = _tail(log_dir, failure.local_rank)
    for file in log_dir.glob(f"*/attempt_*/{failure.local_rank}/stage.json"):
        described.update(_json(file))
    return described


def _json(file: Path) -> dict[str, Any]:
    """A rank's stage file; nothing where the rank died while it wrote it."""
    try:
        return dict(json.loads(file.read_text()))
    except ValueError:
        return {}


def _tail(log_dir: Path, local_rank: int) -> str:
    """The end of what the rank wrote to stderr (torchrun tees it into its log folder)."""
    lines: list[str] = []
    for path in log_dir.glob(f"*/attempt_*/{local_rank}/stderr.log"):
        lines += path.read_text(errors="replace").splitlines()[-STDERR_LINES:]
    return "\n".join(lines)


def _report(log_dir: Path, failure: dict[str, Any]) -> None:
    # Complete at once: other nodes look for it.
    unfinished = log_dir / "failure.unfinished"
    unfinished.write_text(json.dumps(failure))
    unfinished.replace(log_dir / "failure.json")


if __name__ == "__main__":
    main(sys.argv[1:])
