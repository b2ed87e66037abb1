"""The nearest peers of a large year from lists of float32 products, beside all products in float64."""

import dataclasses

import numpy as np
import pandas as pd

from benchmarks.inputs import SIZES, yearly_scores
from benchmarks.jobs.linkage import floor_of_products
from benchmarks.measure import Row, timed
from compsim_assets.science.linkage.nearest import nearest_peers

# Companies and axes.
YEARS = {"small": ((8_192, 256), (16_384, 256)), "paper": ((10_000, 4_000), (20_000, 4_000))}
N_PEERS = 50


def rows(size: str, device: str) -> list[Row]:
    """A row per year; the products are a CPU's in any case."""
    return [_row(n, n_axes) for n, n_axes in YEARS[size]]


def _row(n: int, n_axes: int) -> Row:
    shape = dataclasses.replace(SIZES["paper"], reports=n, years=1, axes=n_axes)
    scores = yearly_scores(shape)[0].astype(np.float32)
    ours, plain = (timed(lambda large=large: _peers(scores, large)) for large in (n, n + 1))
    listed, every = (each.result.sort_values(["report_id", "rank"], ignore_index=True) for each in (ours, plain))
    assert listed["peer_id"].equals(every["peer_id"])
    return Row(
        job="nearest peers of a year",
        size=f"{n:,} companies, P = {n_axes:,}, {N_PEERS} peers",
        ours=ours.seconds,
        published=plain.seconds,
        floor=floor_of_products(scores, "cpu"),
        peak=ours.peak,
        difference=float(np.abs(listed["cosine"] - every["cosine"]).max()),
        note=f"published: all cosines in float64, up to {plain.peak / 1e9:.1f} GB; floor: half of the float32 product",
    )


def _peers(scores: np.ndarray, large: int) -> pd.DataFrame:
    n = len(scores)
    blocks = nearest_peers(scores, np.zeros(n, np.int64), np.arange(n), N_PEERS, large=large)
    return pd.concat([pd.DataFrame(block) for block in blocks], ignore_index=True)
