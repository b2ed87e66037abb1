"""`make bench`: ours against the published algorithm and the hardware's floor, on this machine, in this run."""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from tabulate import tabulate

from benchmarks import published
from benchmarks.inputs import SIZES, ClusterInputs, Size, cluster_inputs, yearly_scores
from compsim_assets.science.cutoffs import ROLLING_LATTICE, step_function
from compsim_assets.science.returns import normalise_returns
from compsim_assets.science.similarity import link_years
from compsim_assets.science.strong_features import Removal, find_strong_features, sample_pairs


def main() -> None:
    """Run every job and print one table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("size", choices=SIZES, nargs="?", default="small")
    size = SIZES[parser.parse_args().size]
    rows = [cutoffs(size), strong_features(size)]
    headers = [
        "job",
        "ours s",
        "published s",
        "ratio",
        "floor s",
        "share of floor",
        "largest difference",
    ]
    print(
        f"\n{size}\n{torch.get_num_threads()} threads, float64 products; floor: the same products as one GEMM\n"
    )
    print(tabulate(rows, headers, floatfmt=("", ".2f", ".1f", ".0f", ".2f", ".0%", ".1e")))


def cutoffs(size: Size, timed_thetas: int = 2) -> list[Any]:
    """MeanCorr of every cutoff of all years, against the published loop over a grid of 36 (timed on a few)."""
    scores, year, returns = yearly_scores(size)

    def ours() -> tuple[Any, list[Any]]:
        unit, defined = normalise_returns(returns)
        linked = link_years(scores, year)
        return linked, [
            step_function(tree, unit[rows], defined[rows])
            for rows, tree in zip(linked.rows, linked.trees, strict=True)
        ]

    (linked, curves), own_time = _timed(ours)
    tables, table_time = _timed(
        lambda: [published.pair_table(scores[rows], returns[rows]) for rows in linked.rows]
    )
    thetas = linked.scale.distance(
        np.quantile(linked.scale.standardise(linked.trees[0].height), [0.3, 0.7])
    )
    theirs, loop_time = _timed(
        lambda: [
            [published.mean_correlation(table, size.reports, theta) for table in tables]
            for theta in thetas[:timed_thetas]
        ]
    )
    grid_time = table_time + loop_time * len(ROLLING_LATTICE) / timed_thetas
    difference = np.nanmax(
        np.abs(np.stack([curve.at(thetas) for curve in curves], axis=1) - theirs)
    )
    year_scores = torch.from_numpy(scores[linked.rows[0]]).double()
    _, floor = _timed(lambda: [year_scores @ year_scores.T for _ in range(size.years)])
    name = f"every cutoff, {size.years} years of {size.reports} (published: 36 cutoffs)"
    return [name, own_time, grid_time, grid_time / own_time, floor, floor / own_time, difference]


def strong_features(size: Size) -> list[Any]:
    """Strong features of all clusters; the published loop is timed on every eighth one and scaled by its work."""
    given = cluster_inputs(size)
    pairs = [sample_pairs(len(rows), [0, number]) for number, rows in enumerate(given.rows)]
    found, own_time = _timed(lambda: _ours(given, pairs))
    sampled = range(0, len(given.rows), 8)
    theirs, loop_time = _timed(
        lambda: [
            published.latent_maes(
                given.scores[given.rows[i]], given.coefficients[given.rows[i]], given.axes, pairs[i]
            )
            for i in sampled
        ]
    )
    work = [len(rows) + len(own) for rows, own in zip(given.rows, pairs, strict=True)]
    loop_time *= sum(work) / sum(work[i] for i in sampled)
    difference = max(np.abs(found[i] - mae).max() for i, mae in zip(sampled, theirs, strict=True))
    scores, axes = torch.from_numpy(given.scores).double(), torch.from_numpy(given.axes).double()
    coefficients = torch.from_numpy(given.coefficients)
    _, floor = _timed(lambda: (scores @ axes.T, coefficients @ (axes @ axes.T)))
    name = f"strong features of {len(given.rows)} clusters, {size.candidates} candidates"
    return [name, own_time, loop_time, loop_time / own_time, floor, floor / own_time, difference]


def _ours(given: ClusterInputs, pairs: list[np.ndarray]) -> list[np.ndarray]:
    scores, axes = torch.from_numpy(given.scores).double(), torch.from_numpy(given.axes).double()
    coefficients = torch.from_numpy(given.coefficients)
    projections, gram = scores @ axes.T, axes @ axes.T
    spread = coefficients @ gram
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = []
    for rows, own in zip(given.rows, pairs, strict=True):
        z, where = scores[rows], torch.from_numpy(own)
        removal = Removal(
            where, (z[where[:, 0]] * z[where[:, 1]]).sum(dim=1), z.square().sum(dim=1),
            coefficients[rows], projections[rows], gram, spread[rows],
        )  # fmt: skip
        found.append(find_strong_features(removal).mae)
    torch.set_num_threads(threads)
    return found


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


if __name__ == "__main__":
    main()
