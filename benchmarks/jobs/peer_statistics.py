"""The statistics of a large year's peers, beside those of an earlier checkout, and of a year of 100,000 companies.

COMPSIM_BENCH_BEFORE names the checkout; without it only ours is measured.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import before
from benchmarks.measure import Row

# Companies and axes beside the earlier checkout, and alone.
YEARS = {"small": (2_000, 64), "paper": (10_000, 64)}
LARGE = {"small": (20_000, 64), "paper": (100_000, 64)}

# Runs with either package: the statistics of generated scores and returns.
PROGRAM = """
import json, sys, time
from pathlib import Path
import numpy as np
try:
    from compsim_assets.science.correlation.returns import normalise_returns
    from compsim_assets.science.linkage.nearest import nearest_peers
    from compsim_assets.science.peers.returns import Levels, year_statistics
    from compsim_assets.science.peers.statistics import YearReports, correlations, cosines
except ModuleNotFoundError:
    from compsim_assets.science.peer_returns import Levels, year_statistics
    from compsim_assets.science.peers import YearReports, correlations, cosines
    from compsim_assets.science.returns import normalise_returns
    from compsim_assets.science.similarity import nearest_peers

n, n_axes, peers = (int(number) for number in sys.argv[2:5])
rng = np.random.default_rng(0)
group = rng.integers(0, n // 3, n)
scores = rng.standard_normal((n // 3, n_axes), dtype=np.float32)[group]
scores += rng.standard_normal((n, n_axes), dtype=np.float32)
returns = rng.normal(size=(n // 3, 12))[group] + rng.normal(scale=2.0, size=(n, 12))
sic2, length = rng.integers(0, 60, n), rng.lognormal(8.0, 1.0, n)
wall, processor = time.perf_counter(), time.process_time()
if peers:
    for block in nearest_peers(scores, np.zeros(n, np.int64), np.arange(n), peers):
        del block
nearest = time.perf_counter() - wall
known = correlations(*normalise_returns(returns))
reports = YearReports(2001, np.arange(n), known, returns, sic2, np.arange(n), length)
statistics, _ = year_statistics(cosines(scores), reports, Levels())
measured = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
# Random peers are drawn in another way.
values = [[each.statistic, each.level, each.value, each.n] for each in statistics]
Path(sys.argv[1]).write_text(json.dumps([nearest, values]))
"""


def rows(size: str, device: str) -> Iterator[Row]:
    """A row for either year; the statistics are a CPU's in any case."""
    n, n_axes = YEARS[size]
    ours, _, values = _measured(before.HERE, n, n_axes, 0)
    earlier = before.checkout()
    other, difference, note = None, None, ""
    if earlier:
        other, _, wanted = _measured(earlier, n, n_axes, 0)
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
    ours, nearest, _ = _measured(before.HERE, n, n_axes, 50)
    yield Row(
        job="nearest peers and peer statistics of a year",
        size=f"{n:,} companies, P = {n_axes}, 50 peers",
        ours=ours.wall,
        peak=ours.peak,
        note=f"{ours.processor:.0f} s of processors; the nearest peers alone {nearest:.0f} s",
    )


def _measured(where: Path, n: int, n_axes: int, peers: int) -> tuple[before.Ran, float, list[list]]:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "statistics.json"
        ran = before.run(where, PROGRAM, str(path), str(n), str(n_axes), str(peers))
        nearest, values = json.loads(path.read_text())
    return ran, nearest, values
