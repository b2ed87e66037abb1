"""Which process runs a run, written so that another process can tell whether it is still there."""

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import dagster as dg

TAG = "compsim/process"  # of a run
ALONE = "compsim/without_server"  # tag of a run whose process has outlived its code server
_PROC = Path("/proc")


def this_process(run_id: str = "") -> str:
    """The value of the tag for a run of this process."""
    return json.dumps({**_described(os.getpid()), "run": run_id})


def process_of(run: "dg.DagsterRun") -> dict[str, Any]:
    """A run's process; empty if its tag does not say it yet. A run that is tried again has the tags of the first."""
    there = json.loads(run.tags.get(TAG, "{}"))
    return there if there.get("run") in ("", run.run_id) else {}


def is_gone(run: "dg.DagsterRun") -> bool | None:
    """Whether a run's process has ended; None where it cannot be told from here."""
    there, here = process_of(run), _described(os.getpid())
    if not there:
        return None
    if there["boot"] != here["boot"]:  # another machine, or this one before it was started again
        return True if there["host"] == here["host"] else None
    if there["namespace"] != here["namespace"] or (not here["boot"] and there["host"] != here["host"]):
        return None  # another container: it counts its processes for itself
    return _started(there["pid"]) != there["started"]


def is_here(run: "dg.DagsterRun") -> bool:
    """Whether this is a run of this process."""
    there = process_of(run)
    return {**there, "run": ""} == json.loads(this_process())


def named(run: "dg.DagsterRun") -> str:
    """Its process for a person: `process 123 on hostname`."""
    there = process_of(run)
    return f"process {there['pid']} on {there['host']}" if there else "an unknown process"


def _described(pid: int) -> dict[str, Any]:
    return {
        "pid": pid,
        "host": socket.gethostname(),
        "started": _started(pid),
        "boot": _read(_PROC / "sys/kernel/random/boot_id").strip(),
        "namespace": _namespace(),
    }


def _started(pid: int) -> str:
    """When a process was started, in the kernel's count; empty for one that has ended.

    A number alone would not do: it is given again to another process.
    """
    if not _PROC.exists():  # no Linux
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return ""
        except PermissionError:
            pass
        return "running"
    fields = _read(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    return "" if not fields or fields[0] in "ZX" else fields[19]


def _namespace() -> str:
    try:
        return os.readlink(_PROC / "self/ns/pid")
    except OSError:
        return ""


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
