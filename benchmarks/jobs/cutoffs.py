"""MeanCorr of every cutoff of all years, against the published loop over a grid of 36 (timed on a few)."""

from typing import Any

import numpy as np
import torch

from benchmarks import published
from benchmarks.inputs import SIZES, yearly_scores
from benchmarks.measure import Row, timed
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.cutoffs.choice import ROLLING_LATTICE
from compsim_assets.science.cutoffs.step_function import step_function
from compsim_assets.science.linkage.years import link_years

TIMED_THETAS = 2


def rows(size: str, device: str) -> list[Row]:
    """One row: all years, every cutoff."""
    shape = SIZES[size]
    scores, year, returns = yearly_scores(shape)

    def ours() -> tuple[Any, list[Any]]:
        unit, defined = normalise_returns(returns)
        linked = link_years(scores, year, device)
        return linked, [
            step_function(tree, unit[rows], defined[rows]) for rows, tree in zip(linked.rows, linked.trees, strict=True)
        ]

    measured = timed(ours)
    linked, curves = measured.result
    tables = timed(lambda: [published.pair_table(scores[rows], returns[rows]) for rows in linked.rows])
    middle = np.quantile(linked.scale.standardise(linked.trees[0].height), [0.3, 0.7])
    thetas = linked.scale.distance(middle)[:TIMED_THETAS]
    loop = timed(
        lambda: [
            [published.mean_correlation(table, shape.reports, theta) for table in tables.result] for theta in thetas
        ]
    )
    ours_at = np.stack([curve.at(thetas) for curve in curves], axis=1)
    unit = torch.from_numpy(scores[linked.rows[0]]).to(device, torch.float64)
    floor = timed(lambda: [unit @ unit.T for _ in range(shape.years)])
    return [
        Row(
            job="every cutoff, exactly",
            size=f"{shape.years} years of {shape.reports:,}, P = {shape.axes:,}",
            ours=measured.seconds,
            published=tables.seconds + loop.seconds * len(ROLLING_LATTICE) / len(thetas),
            floor=floor.seconds,
            peak=measured.peak,
            difference=float(np.nanmax(np.abs(ours_at - np.array(loop.result)))),
            note=f"published: {len(ROLLING_LATTICE)} cutoffs, timed on {len(thetas)}; "
            "floor: full float64 squares (ours: upper halves)",
        )
    ]
