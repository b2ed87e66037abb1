"""Strong features of all clusters; the published loop is timed on every eighth one and scaled by its work."""

import numpy as np
import torch

from benchmarks import published
from benchmarks.inputs import SIZES, ClusterInputs, cluster_inputs
from benchmarks.measure import Row, timed
from compsim_assets.science.strong_features import Removal, find_strong_features, sample_pairs

EVERY = 8


def rows(size: str, device: str) -> list[Row]:
    """One row: the published size distribution of clusters."""
    shape = SIZES[size]
    given = cluster_inputs(shape)
    pairs = [sample_pairs(len(rows), [0, number]) for number, rows in enumerate(given.rows)]
    own = timed(lambda: _ours(given, pairs))
    sampled = range(0, len(given.rows), EVERY)
    loop = timed(
        lambda: [
            published.latent_maes(
                given.scores[given.rows[i]], given.coefficients[given.rows[i]], given.axes, pairs[i]
            )
            for i in sampled
        ]
    )
    work = [len(rows) + len(own) for rows, own in zip(given.rows, pairs, strict=True)]
    scores, axes = torch.from_numpy(given.scores).double(), torch.from_numpy(given.axes).double()
    coefficients = torch.from_numpy(given.coefficients)
    floor = timed(lambda: (scores @ axes.T, coefficients @ (axes @ axes.T)))
    return [
        Row(
            job="strong features",
            size=f"{len(given.rows)} clusters, {shape.candidates:,} candidates, P = {shape.axes:,}",
            ours=own.seconds,
            published=loop.seconds * sum(work) / sum(work[i] for i in sampled),
            floor=floor.seconds,
            peak=own.peak,
            difference=max(
                float(np.abs(own.result[i] - mae).max())
                for i, mae in zip(sampled, loop.result, strict=True)
            ),
            note=f"published: timed on every {EVERY}th cluster",
        )
    ]


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
