"""Cutoffs and clusters of both modes from scores, against one linkage pass: every year is linked once.

Ours reads and writes files as the steps do, in one process; the floor is the linkage alone, of scores in memory.
"""

import importlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from benchmarks.inputs import SIZES, yearly_scores
from benchmarks.measure import Row, timed
from compsim_assets.launch.worker import Worker
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.cutoffs.choice import CHOICES
from compsim_assets.science.cutoffs.step_function import curves_of_years
from compsim_assets.science.linkage.scale import DistanceScale
from compsim_assets.science.linkage.trees import read_trees
from compsim_assets.science.linkage.years import link_years
from compsim_assets.storage.matrices import list_column

# What all of it may cost, in linkage passes.
AT_MOST = 1.5


def rows(size: str, device: str) -> list[Row]:
    """One row: `ours` is everything, `floor` the linkage pass, so that `x floor` is the ratio."""
    shape = SIZES[size]
    scores, year, returns = yearly_scores(shape)
    ids = np.arange(len(year))
    link_years(scores[year == year[0]], year[year == year[0]], device)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = {"report_id": ids, "year": year, "scores": list_column(scores)}
        pq.write_table(pa.table(table), folder / "scores.parquet", compression="zstd")
        measured = timed(lambda: _clusters(folder, year, returns, device))
        passes = timed(lambda: link_years(scores, year, device))
    linked, (seconds, distances) = passes.result, measured.result
    heights = np.concatenate([tree.height for tree in linked.trees])
    return [
        Row(
            job="cutoffs and clusters of both modes",
            size=f"{shape.years} years of {shape.reports:,}, P = {shape.axes:,}",
            ours=measured.seconds,
            floor=passes.seconds,
            peak=measured.peak,
            difference=float(np.abs(distances - heights).max()),
            note=f"{len(heights):,} merges; the linking program alone, with its files: {seconds:.2f} s; floor: one "
            f"linkage pass of scores in memory, of which at most {AT_MOST}",
        )
    ]


def _clusters(folder: Path, year: np.ndarray, returns: np.ndarray, device: str) -> tuple[float, np.ndarray]:
    """What the steps from scores to clusters do; seconds of the linking program, and the merges' distances."""
    scores = str(folder / "scores.parquet")
    linking = timed(lambda: _run("dendrograms", {"scores": scores, "reports": scores, "output": str(folder)}, device))
    merges = {name: column.to_numpy() for name, column in pd.read_parquet(folder / "dendrograms.parquet").items()}
    (scale,) = (
        DistanceScale(*row) for row in pd.read_parquet(folder / "distance_scale.parquet").itertuples(index=False)
    )
    trees = read_trees(merges, year, np.arange(len(year)))
    curves = curves_of_years(trees, *normalise_returns(returns))
    steps = [curve.standardised(scale) for curve in curves.values()]
    modes = {}
    for mode, choose in CHOICES.items():
        pd.DataFrame(vars(choose(steps, list(curves), scale))).to_parquet(folder / f"{mode}.parquet")
        modes[mode] = {"cutoffs": str(folder / f"{mode}.parquet")}
    linked = {"dendrograms": str(folder / "dendrograms.parquet"), "reports": scores}
    _run("clusters", {"modes": modes, **linked, "output": str(folder)}, device)
    return linking.seconds, merges["distance"]


def _run(program: str, extras: Mapping[str, Any], device: str) -> None:
    worker = Worker(0, 1, torch.device(device), dict(extras))
    importlib.import_module(f"compsim_assets.workers.{program}").main(worker)
