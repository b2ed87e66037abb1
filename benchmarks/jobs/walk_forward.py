"""The chain from earlier years only, beside that of an earlier checkout in the same run.

Without COMPSIM_BENCH_BEFORE ours alone. The floor is the products that every year needs anew, in float32 at this
machine's rate: of the fitted reports with each other, half of the square, and of the year's own with them.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks import before
from benchmarks.inputs import FeatureSize, feature_blocks
from benchmarks.jobs.pca import cosine_difference
from benchmarks.measure import Row, gemm_rate

N_YEARS = 8  # of which three have five before them
# A quarter of the paper on each side, and what takes seconds.
SIZES = {"small": FeatureSize(1_500, 4_096, 200), "paper": FeatureSize(6_972, 32_768, 1_000)}
# Cosines between scores may differ by what the house's tests of the chain allow.
AT_MOST = 2e-5

# Runs with either package: features, years and returns from a folder, results into it.
PROGRAM = """
import sys, time
from pathlib import Path
import numpy as np
try:
    from compsim_assets.science.correlation.returns import normalise_returns
    from compsim_assets.science.cutoffs.walk_forward import Reports, walk_forward
except ModuleNotFoundError:
    from compsim_assets.science.returns import normalise_returns
    from compsim_assets.science.walk_forward import Reports, walk_forward

class Features:
    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def columns(self, start, stop, positions=None):
        rows = slice(None) if positions is None else positions
        return np.ascontiguousarray(self.values[rows, start:stop])

    def rows(self, positions):
        return np.ascontiguousarray(self.values[positions])

folder, name, n_components, device = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
features = Features(np.load(folder / "features.npy", mmap_mode="r"))
year, returns = np.load(folder / "year.npy"), np.load(folder / "returns.npy")
reports = Reports(year, np.arange(len(year)), np.ones(len(year), dtype=bool), *normalise_returns(returns))
wall, processor = time.perf_counter(), time.process_time()
years = list(walk_forward(features, reports, n_components, device=device))
measured = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
for of in years:
    np.savez(folder / f"{name}-{of.year}.npz", **vars(of))
"""


def rows(size: str, device: str) -> list[Row]:
    """One row; nothing is shared between the two checkouts but the libraries."""
    shape, earlier = SIZES[size], before.checkout()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        year = _write(folder, shape)
        arguments = (str(shape.axes), device)
        ours = before.run(before.HERE, PROGRAM, name, "ours", *arguments)
        other = before.run(earlier, PROGRAM, name, "before", *arguments) if earlier else None
        compared = _compare(folder, year) if other else None
    note = f"{ours.processor:.0f} s of processors"
    if other and compared:
        note += (
            f", before {other.processor:.0f} s, {other.peak / 1e9:.1f} GB: {other.processor / ours.processor:.2f} "
            f"times; {compared.clusters} clusters and {compared.years} cutoffs are the same; difference: of cosines"
        )
    return [
        Row(
            job="walk-forward",
            size=f"{shape.reports:,} x {shape.latents:,}, P = {shape.axes:,}, {N_YEARS} years",
            ours=ours.wall,
            published=other.wall if other else None,
            floor=_floor(year, shape.latents, device),
            peak=ours.peak,
            difference=compared.difference if compared else None,
            note=f"{note}; floor: its products in float32",
        )
    ]


def _write(folder: Path, shape: FeatureSize) -> np.ndarray:
    """Features by year, years and returns; each firm has six reports in consecutive years. The years, ascending."""
    rng = np.random.default_rng(3)
    firm = np.arange(shape.reports) // 6
    year = 2000 + rng.integers(0, N_YEARS - 5, firm[-1] + 1)[firm] + np.arange(shape.reports) % 6
    place = np.empty(shape.reports, dtype=np.int64)
    place[np.argsort(year, kind="stable")] = np.arange(shape.reports)
    form = (shape.reports, shape.latents)
    features = np.lib.format.open_memmap(folder / "features.npy", mode="w+", dtype=np.float32, shape=form)
    for ids, block in feature_blocks(shape):
        features[place[ids]] = block
    features.flush()
    by_year = np.argsort(year, kind="stable")
    group = rng.integers(0, 30, firm[-1] + 1)[firm]
    returns = rng.normal(size=(30, 12))[group] + rng.normal(scale=2.0, size=(shape.reports, 12))
    np.save(folder / "year.npy", year[by_year])
    np.save(folder / "returns.npy", returns[by_year])
    return year[by_year]


@dataclass(frozen=True)
class _Compared:
    """What both found alike: years, clusters of two and more; and the largest difference of two scores' cosine."""

    years: int
    clusters: int
    difference: float


def _compare(folder: Path, year: np.ndarray) -> _Compared:
    """Both results; a cutoff or a cluster that differs ends the benchmark."""
    difference, clusters, years = 0.0, 0, np.unique(year)[5:]
    for label in years:
        ours, other = (np.load(folder / f"{name}-{label}.npz") for name in ("ours", "before"))
        assert ours["theta"] == other["theta"], label
        assert np.array_equal(ours["cluster_id"], other["cluster_id"]), label
        clusters += int((np.bincount(ours["cluster_id"]) >= 2).sum())
        difference = max(difference, cosine_difference(ours["scores"], other["scores"]))
    assert difference <= AT_MOST, difference
    return _Compared(len(years), clusters, difference)


def _floor(year: np.ndarray, n_latents: int, device: str) -> float:
    work = 0.0
    for label in np.unique(year)[5:]:
        fitted, new = float((year < label).sum()), float((year == label).sum())
        work += (fitted**2 / 2 + fitted * new) * n_latents
    return 2 * work / gemm_rate(torch.float32, device)
