"""How a step grows: an exponent fitted to its cost at several sizes, held against the one that its docstring says.

Processor time, not time on the clock: other work on the machine then changes little. Sizes are such that the smallest
takes longer than what a step costs whatever its size, which would hide growth. What the processor's caches do to the
largest is within the tolerance.
"""

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from benchmarks.measure import Row

TOLERANCE = 0.3
MEMORY_TOLERANCE = 0.3
# Below so many bytes beside the inputs a step's memory is that of its blocks, and says nothing of growth; below the
# others it is what the process had freed before.
_NO_MEMORY, _REUSED = 64 << 20, 16 << 20
_SECONDS, _TIMES = 0.5, 3  # work that takes less is timed again, so often at most


@dataclass(frozen=True)
class Step:
    """A step of the platform at several sizes.

    Attributes:
        name: of the step.
        unit: what a size counts.
        sizes: at least three, ascending.
        make: makes the work of a size, its inputs ready; it is not timed.
        time, memory: the exponents that its docstring says, of the cost in a size.
    """

    name: str
    unit: str
    sizes: Sequence[int]
    make: Callable[[int], Callable[[], Any]]
    time: float
    memory: float


@dataclass(frozen=True)
class Cost:
    """Processor seconds, and bytes that the work held beside its inputs."""

    seconds: float
    bytes: int


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The slope of the costs' logarithms in those of the sizes, by least squares.

    Raises:
        ValueError: fewer than two sizes, or a cost that is not above 0.
    """
    if len(set(sizes)) < 2 or min(*sizes, *costs) <= 0:
        raise ValueError(f"an exponent needs two sizes and costs above 0, not {list(sizes)} and {list(costs)}")
    x = np.log(np.asarray(sizes, dtype=float))
    y = np.log(np.asarray(costs, dtype=float))
    return float(((x - x.mean()) * y).sum() / ((x - x.mean()) ** 2).sum())


def row_of(step: Step, measure: Callable[[Step, int], Cost]) -> "Row":
    """One line of the table: the largest size's seconds, both exponents, and what grows faster than said."""
    from benchmarks.measure import Row

    costs = [measure(step, size) for size in step.sizes]
    grown = exponent(step.sizes, [each.seconds for each in costs])
    memory, held = (
        None,
        [(size, each.bytes) for size, each in zip(step.sizes, costs, strict=True) if each.bytes >= _REUSED],
    )
    if len(held) > 1 and max(each.bytes for each in costs) >= _NO_MEMORY:
        memory = exponent(*zip(*held, strict=True))
    wrong = [
        f"{what} grows with an exponent of {value:.2f}, not {expected:g}"
        for what, value, expected, tolerance in (
            ("time", grown, step.time, TOLERANCE),
            ("memory", memory, step.memory, MEMORY_TOLERANCE),
        )
        if value is not None and value > expected + tolerance
    ]
    seconds = ", ".join(f"{each.seconds:.2f}" for each in costs)
    return Row(
        job=step.name,
        size=f"{' '.join(f'{size:,}' for size in step.sizes)} {step.unit}",
        ours=costs[-1].seconds,
        peak=costs[-1].bytes,
        growth=grown,
        growth_expected=step.time,
        memory_growth=memory,
        memory_expected=None if memory is None else step.memory,
        note=f"{seconds} s of processors; peak is beside the inputs",
        wrong="; ".join(wrong),
    )


def cost(work: Callable[[], Any]) -> Cost:
    """Of one piece of work: the least of several times where it takes little."""
    seconds, held = list[float](), 0
    while not seconds or (sum(seconds) < _SECONDS and len(seconds) < _TIMES):
        gc.collect()
        _forget_peak()
        before, start = _status("VmRSS"), time.process_time()
        result = work()
        seconds.append(time.process_time() - start)
        held = max(held, _status("VmHWM") - before)
        del result
    return Cost(max(min(seconds), 1e-9), max(held, 0))


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(field)))
