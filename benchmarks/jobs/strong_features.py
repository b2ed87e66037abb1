"""Strong features of all clusters; the published loop is timed on every eighth one and scaled by its work."""

import numpy as np
import torch

from benchmarks import published
from benchmarks.inputs import SIZES, ClusterInputs, cluster_inputs
from benchmarks.measure import Row, timed
from compsim_assets.science.strong_features.axis_products import AxisProducts
from compsim_assets.science.strong_features.candidates import sample_pairs
from compsim_assets.science.strong_features.search import ClusterPairs, StrongFeatures, find_strong_features

EVERY = 8
# The axes' rows are those of an SAE with so many latents: `benchmarks.inputs` scales them so.
LATENTS = 131_072


def rows(size: str, device: str) -> list[Row]:
    """One row: the published size distribution of clusters."""
    shape = SIZES[size]
    given = cluster_inputs(shape)
    clusters = [ClusterPairs(rows, sample_pairs(len(rows), [0, number])) for number, rows in enumerate(given.rows)]
    sampled = clusters[::EVERY]
    _ours(given, sampled[:2], device)
    measured = timed(lambda: _ours(given, clusters, device))
    loop = timed(lambda: [_published(given, cluster) for cluster in sampled])
    scores, axes, coefficients = (
        torch.from_numpy(values).double().to(device) for values in (given.scores, given.axes, given.coefficients)
    )
    floor = timed(lambda: (scores @ axes.T, coefficients @ (axes @ axes.T)))
    return [
        Row(
            job="strong features",
            size=f"{len(clusters)} clusters, D = {LATENTS:,}, {shape.candidates:,} candidates, P = {shape.axes:,}",
            ours=measured.seconds,
            published=loop.seconds * _work(clusters) / _work(sampled),
            floor=floor.seconds,
            peak=measured.peak,
            difference=max(
                float(np.abs(ours.mae - mae).max())
                for ours, (mae, _) in zip(measured.result[::EVERY], loop.result, strict=True)
            ),
            note=f"published: timed on every {EVERY}th cluster; floor: float64 products of scores, coefficients and "
            "axes with axes, none of the elbow's",
        )
    ]


def _ours(given: ClusterInputs, clusters: list[ClusterPairs], device: str) -> list[StrongFeatures]:
    axes = torch.from_numpy(given.axes).to(device)
    n_reports = sum(len(cluster.reports) for cluster in clusters)
    return find_strong_features(
        AxisProducts.of(axes, torch.float64, n_reports),
        clusters,
        lambda reports: (given.scores[reports], given.coefficients[reports]),
    )


def _published(given: ClusterInputs, cluster: ClusterPairs) -> tuple[np.ndarray, np.ndarray]:
    scores, coefficients = given.scores[cluster.reports], given.coefficients[cluster.reports]
    return published.strong_latents(scores, coefficients, given.axes, cluster.pairs)


def _work(clusters: list[ClusterPairs]) -> int:
    return sum(len(cluster.reports) + len(cluster.pairs) for cluster in clusters)
