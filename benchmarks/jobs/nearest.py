"""The nearest peers of a large year from lists of float32 products, beside all products in float64.

With COMPSIM_BENCH_BEFORE the latter are those of that checkout, in the same run; else of the same code for small years.
"""

import dataclasses
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import before
from benchmarks.inputs import SIZES, yearly_scores
from benchmarks.jobs.linkage import floor_of_products
from benchmarks.measure import Row

# Companies and axes, beside the other way and alone.
YEARS = {"small": ((8_192, 256), (16_384, 256)), "paper": ((10_000, 4_000), (20_000, 4_000))}
LARGE = {"small": (32_768, 256), "paper": (100_000, 4_000)}
N_PEERS = 50
_BLOCK = 1 << 10

# Runs with either package: scores from a folder, peers and their cosines into it.
PROGRAM = """
import json, sys, time
from pathlib import Path
import numpy as np
try:
    from compsim_assets.science.linkage.nearest import nearest_peers
except ModuleNotFoundError:
    from compsim_assets.science.similarity import nearest_peers

folder, name, n_peers, options = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
scores = np.load(folder / "scores.npy")
n = len(scores)
peers, cosines = np.empty((n, n_peers), dtype=np.int64), np.empty((n, n_peers))
wall, processor = time.perf_counter(), time.process_time()
for block in nearest_peers(scores, np.zeros(n, np.int64), np.arange(n), n_peers, **options):
    place = block["report_id"], block["rank"] - 1
    peers[place], cosines[place] = block["peer_id"], block["cosine"]
measured = {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}
np.save(folder / f"{name}-peers.npy", peers)
np.save(folder / f"{name}-cosines.npy", cosines)
"""


def rows(size: str, device: str) -> list[Row]:
    """A row per year; the products are a CPU's in any case."""
    return [*(_row(n, n_axes) for n, n_axes in YEARS[size]), _alone(*LARGE[size])]


def _alone(n: int, n_axes: int) -> Row:
    """Of scores that are mapped from a file."""
    with tempfile.TemporaryDirectory() as name:
        scores = np.lib.format.open_memmap(Path(name) / "scores.npy", "w+", np.float32, (n, n_axes))
        for start in range(0, n, _BLOCK):
            rows = scores[start : start + _BLOCK]
            rows[:] = np.random.default_rng(start).standard_normal(rows.shape, dtype=np.float32)
        del scores
        ours = before.run(before.HERE, PROGRAM, name, "ours", str(N_PEERS), "{}")
    return before.alone("nearest peers of a year", f"{n:,} companies, P = {n_axes:,}, {N_PEERS} peers", ours)


def _row(n: int, n_axes: int) -> Row:
    shape, earlier = dataclasses.replace(SIZES["paper"], reports=n, years=1, axes=n_axes), before.checkout()
    scores = yearly_scores(shape)[0].astype(np.float32)
    with tempfile.TemporaryDirectory() as name:
        np.save(Path(name) / "scores.npy", scores)
        ours = before.run(before.HERE, PROGRAM, name, "ours", str(N_PEERS), json.dumps({"large": n}))
        plain = json.dumps({} if earlier else {"large": n + 1})
        other = before.run(earlier or before.HERE, PROGRAM, name, "before", str(N_PEERS), plain)
        difference = max(_differences(Path(name)))
    return Row(
        job="nearest peers of a year",
        size=f"{n:,} companies, P = {n_axes:,}, {N_PEERS} peers",
        ours=ours.wall,
        published=other.wall,
        floor=floor_of_products(scores, "cpu"),
        peak=ours.peak,
        difference=difference,
        note=f"{ours.processor:.0f} s of processors; published: all cosines in float64, {other.processor:.0f} s of "
        f"processors, {other.peak / 1e9:.1f} GB; floor: half of the float32 product",
    )


def _differences(folder: Path) -> Iterator[float]:
    """Largest difference of two cosines, block by block; another peer ends the benchmark."""
    peers, cosines = (
        [np.load(folder / f"{name}-{what}.npy", mmap_mode="r") for name in ("ours", "before")]
        for what in ("peers", "cosines")
    )
    for start in range(0, len(peers[0]), _BLOCK):
        rows = slice(start, start + _BLOCK)
        assert np.array_equal(*(each[rows] for each in peers)), start
        yield float(np.abs(cosines[0][rows] - cosines[1][rows]).max())
