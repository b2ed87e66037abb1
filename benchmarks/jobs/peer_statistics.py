"""The statistics of a large year's peers, beside those of an earlier checkout, and of a larger year.

COMPSIM_BENCH_BEFORE names the checkout; without it only ours is measured.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import before
from benchmarks.inputs import SIZES
from benchmarks.measure import Row

# Companies and axes beside the earlier checkout, and alone.
YEARS = {"small": (2_000, 64), "paper": (10_000, 64)}
LARGE = {"small": (10_000, 64), "paper": (30_000, 64)}

# Runs with either package: the statistics of generated scores and returns.
PROGRAM = """
import json, sys, time
from pathlib import Path
import numpy as np
try:
    from compsim_assets.science.correlation.returns import normalise_returns
    from compsim_assets.science.peers.returns import Levels, year_statistics
    from compsim_assets.science.peers.statistics import YearReports, correlations, cosines
except ModuleNotFoundError:
    from compsim_assets.science.peer_returns import Levels, year_statistics
    from compsim_assets.science.peers import YearReports, correlations, cosines
    from compsim_assets.science.returns import normalise_returns

n, n_axes, years = (int(number) for number in sys.argv[2:5])
rng = np.random.default_rng(0)
group = rng.integers(0, n // 3, n)
scores = rng.standard_normal((n // 3, n_axes), dtype=np.float32)[group]
scores += rng.standard_normal((n, n_axes), dtype=np.float32)
returns = rng.normal(size=(n // 3, 12))[group] + rng.normal(scale=2.0, size=(n, 12))
sic2, length = rng.integers(0, 60, n), rng.lognormal(8.0, 1.0, n)
wall, processor = time.perf_counter(), time.process_time()
year = None
for label in range(years):  # all of the same companies: each is looked at on its own
    known = correlations(*normalise_returns(returns))
    reports = YearReports(label, np.arange(n), known, returns, sic2, np.arange(n), length)
    statistics, year = year_statistics(cosines(scores), reports, Levels(), year)
measured = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
# Random peers are drawn in another way.
values = [[each.statistic, each.level, each.value, each.n] for each in statistics]
Path(sys.argv[1]).write_text(json.dumps(values))
"""


def rows(size: str, device: str) -> Iterator[Row]:
    """A row for either year, and for all years of a universe; the statistics are a CPU's in any case."""
    n, n_axes = YEARS[size]
    ours, values = _measured(before.HERE, n, n_axes)
    earlier = before.checkout()
    other, difference, note = None, None, ""
    if earlier:
        other, wanted = _measured(earlier, n, n_axes)
        assert [(*each[:2], each[3]) for each in values] == [(*each[:2], each[3]) for each in wanted]
        difference = max(abs(one[2] - each[2]) for one, each in zip(values, wanted, strict=True))
        assert difference < 1e-9, difference
        note = f"; published: {other.processor:.0f} s of processors, {other.peak / 1e9:.1f} GB"
    yield Row(
        job="peer statistics of a year",
        size=f"{n:,} companies",
        ours=ours.wall,
        published=other.wall if other else None,
        peak=ours.peak,
        difference=difference,
        note=f"{ours.processor:.0f} s of processors{note}; difference: of the statistics",
    )
    n, n_axes = LARGE[size]
    ours, _ = _measured(before.HERE, n, n_axes)
    square = f"; all similarities would take {8 * n**2 / 1e9:.1f} GB"
    yield before.alone("peer statistics of a year", f"{n:,} companies", ours, square)
    shape = SIZES[size]
    ours, _ = _measured(before.HERE, shape.reports, shape.axes, shape.years)
    years = f"{shape.years} years of {shape.reports:,}, P = {shape.axes:,}"
    yield before.alone("peer statistics of one method", years, ours)


def _measured(where: Path, n: int, n_axes: int, years: int = 1) -> tuple[before.Ran, list[list[Any]]]:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "statistics.json"
        ran = before.run(where, PROGRAM, str(path), str(n), str(n_axes), str(years))
        return ran, json.loads(path.read_text())
