"""Seconds, peak memory, the machine's own matrix-product rate, and one row of the table."""

import contextlib
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class Row:
    """One line of the table; times in seconds.

    job: what was computed. size: on how much.
    ours: time of the platform's own code.
    published: time of the published algorithm (or the library named in `note`), written again in
        `benchmarks.published`; None where there is none. Timed on a part and scaled by its work where `note` says so.
    floor: time this machine needs for the matrix products (or copies) that ours counts, measured in the same run.
    peak: largest resident memory of ours in bytes, inputs and mapped files included.
    difference: largest absolute difference between the two results.
    growth, memory_growth: exponents of time and memory in the size, fitted over several sizes (`benchmarks.growth`).
    growth_expected, memory_expected: what they should be.
    wrong: what fails the benchmark's own check; empty where nothing does.
    """

    job: str
    size: str
    ours: float
    published: float | None = None
    floor: float | None = None
    peak: int | None = None
    difference: float | None = None
    note: str = ""
    growth: float | None = None
    growth_expected: float | None = None
    memory_growth: float | None = None
    memory_expected: float | None = None
    wrong: str = ""


@dataclass(frozen=True)
class Timed:
    """A result, how long it took, and the process's peak resident memory meanwhile (None where unknown)."""

    result: Any
    seconds: float
    peak: int | None


def timed(work: Callable[[], Any]) -> Timed:
    """Run `work` once."""
    _forget_peak()
    synchronise()
    start = time.perf_counter()
    result = work()
    synchronise()
    return Timed(result, time.perf_counter() - start, _peak())


def synchronise() -> None:
    """Wait for the GPU, which computes behind Python's back."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def gemm_rate(dtype: torch.dtype, device: str = "cpu", n: int = 4096) -> float:
    """Floating-point operations a second of one (n, n) matrix product: the best of three."""
    left, right = (torch.rand(n, n, dtype=torch.float64).to(device, dtype) for _ in range(2))
    best = min(timed(lambda: left @ right).seconds for _ in range(4))
    return 2 * n**3 / best


def copy_rate(device: str = "cpu", size: int = 1 << 28) -> float:
    """Bytes a second into the device's memory, from page-locked memory on a GPU: the best of three."""
    source = torch.empty(size, dtype=torch.uint8)
    source = source.pin_memory() if device == "cuda" else source
    target = torch.empty(size, dtype=torch.uint8, device=device)
    return size / min(timed(lambda: target.copy_(source)).seconds for _ in range(4))


def device_name(device: str) -> str:
    """The processor or GPU that computes, and with how many threads."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    models = (
        [
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ]
        if Path("/proc/cpuinfo").exists()
        else []
    )
    return f"{models[0] if models else platform.machine()}, {torch.get_num_threads()} threads"


def _forget_peak() -> None:
    """Let the kernel start a new high-water mark of this process's resident memory (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int | None:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
