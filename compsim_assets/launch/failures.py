"""Which rank is to blame, and what to tell the person who reads the failed step."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from compsim_assets.launch.stage import LESS_MEMORY


@dataclass(frozen=True)
class RankFailure:
    """How one rank ended, as the agent on its node saw it.

    Attributes:
        rank: global rank.
        exit_code: the process's exit code; negative: the signal that ended it.
        time: seconds since the epoch; exact where the rank left an error file, else when torchrun noticed.
        error: the exception's type and message; empty without an error file.
        traceback: the rank's traceback; empty without an error file.
        stderr: the last lines the rank wrote to stderr.
        node: where it ran; empty when there was one node.
        stage: its last progress line; empty when it died before it could leave any.
        memory_hint: what its program says to lower when memory runs out.
    """

    rank: int
    exit_code: int
    time: float
    error: str = ""
    traceback: str = ""
    stderr: str = ""
    node: str = ""
    stage: str = ""
    memory_hint: str = LESS_MEMORY


def first_cause(failures: list[RankFailure]) -> RankFailure:
    """The failure that explains the others.

    A rank that loses a peer raises (gloo) or aborts (NCCL), and torchrun then ends every remaining
    rank with SIGTERM, so these come last. A rank that was killed, or left without a traceback, did
    not do so on account of another one. Among tracebacks the earliest is the cause.
    """

    def order(failure: RankFailure) -> tuple[int, float]:
        if failure.exit_code == -signal.SIGTERM:
            return 3, failure.time
        if failure.exit_code == -signal.SIGABRT:
            return 2, failure.time
        return (1 if failure.error else 0), failure.time

    return min(failures, key=order)


def torchrun_failure(module: str, exit_code: int, log_dir: Path) -> dg.Failure:
    """The Dagster failure for a torchrun that ended with `exit_code`, from its agents' reports."""
    reports = [json.loads(path.read_text()) for path in sorted(log_dir.glob("*/failure.json"))]
    ranks = [RankFailure(**rank) for report in reports for rank in report.get("ranks", [])]
    launches = [report for report in reports if "launch" in report]
    if ranks:
        return _rank_failure(module, first_cause(ranks))
    if launches:
        what = f"torchrun of {module} failed: {launches[0]['launch']}"
        return _failure(what, launches[0]["traceback"])
    # A signal is -n to the parent, and 128 + n as a shell or srun passes it on.
    number = -exit_code if exit_code < 0 else exit_code - 128
    if 0 < number < signal.NSIG:
        hint = _hint(number, "", LESS_MEMORY)
        return _failure(f"torchrun of {module} was killed by {_signal(number)}. {hint}")
    signals = [report["signal"] for report in reports if "signal" in report]
    if signals:
        return _failure(f"torchrun of {module} was ended by {_signal(signals[0])}")
    return _failure(
        f"torchrun of {module} ended with exit code {exit_code} before it started a rank; its output "
        "is in the step's stderr"
    )


def _rank_failure(module: str, failure: RankFailure) -> dg.Failure:
    who = f"rank {failure.rank} of {module}" + (f" on {failure.node}" if failure.node else "")
    if failure.exit_code < 0:
        number = -failure.exit_code
        hint = _hint(number, failure.stage, failure.memory_hint)
        what = f"{who} was killed by {_signal(number)}. {hint}"
    elif failure.error:
        what = f"{who} failed: {failure.error}"
    else:
        what = f"{who} ended with exit code {failure.exit_code}"
    return _failure(what, failure.traceback or failure.stderr, rank=failure.rank)


def _failure(what: str, details: str = "", rank: int | None = None) -> dg.Failure:
    what = what.rstrip()
    metadata: dict[str, dg.MetadataValue] = {}
    if rank is not None:
        metadata["rank"] = dg.MetadataValue.int(rank)
    if details:
        metadata["traceback"] = dg.MetadataValue.text(details)
    return dg.Failure(f"{what}\n\n{details}" if details else what, metadata=metadata)


def _signal(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def _hint(number: int, stage: str, less_memory: str) -> str:
    last = f"Its last line: {stage}. " if stage else ""
    if number != signal.SIGKILL:
        return last
    return f"{last}The operating system ends a process this way when memory runs out. To need less: {less_memory}."
