"""Years by hand for the programs that link and cut them: directions in a plane, written as the programs read them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from compsim_assets.storage.matrices import list_column
from compsim_assets_tests.worker_programs import run_worker

DENDROGRAMS, CLUSTERS = "compsim_assets.workers.dendrograms", "compsim_assets.workers.clusters"


def at(*degrees: float) -> np.ndarray:
    """Directions in a plane: the cosine distance of two is 1 - cos of the angle between them."""
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def to_link(folder: Path, scores: np.ndarray, years: list[int], ids: list[int]) -> dict[str, Any]:
    """Files of the linking program, and the extras that name them."""
    table = {"report_id": ids, "year": years, "scores": list_column(scores)}
    pq.write_table(pa.table(table), folder / "scores.parquet")
    return {name: str(folder / "scores.parquet") for name in ("scores", "reports")} | {"output": str(folder)}


def to_cut(folder: Path, angles: Mapping[str, Mapping[int, float]]) -> dict[str, Any]:
    """Files of the cutting program, and the extras that name them: by mode and year, reports at most so far apart."""
    modes = {}
    for mode, by_year in angles.items():
        distance = [1 - np.cos(np.radians(angle)) for angle in by_year.values()]
        cutoffs = pd.DataFrame({"year": list(by_year), "distance": distance}).astype({"year": "int64"})
        cutoffs.to_parquet(folder / f"cutoffs-{mode}.parquet")
        modes[mode] = {"cutoffs": str(folder / f"cutoffs-{mode}.parquet")}
    paths = {"reports": folder / "scores.parquet", "dendrograms": folder / "dendrograms.parquet", "output": folder}
    return {"modes": modes, **{name: str(path) for name, path in paths.items()}}


def cluster(
    folder: Path, scores: np.ndarray, years: list[int], ids: list[int], angles: dict[int, float], **options: int
) -> pd.DataFrame:
    """Clusters when reports are linked that are at most `angles[year]` degrees apart, by both programs."""
    ended = {"processes": 1, "device": "cpu"}
    assert run_worker(DENDROGRAMS, {**to_link(folder, scores, years, ids), **options}) == ended
    assert run_worker(CLUSTERS, to_cut(folder, {"base": angles})) == ended
    return pd.read_parquet(folder / "base" / "clusters.parquet")


def three_years() -> tuple[np.ndarray, list[int], list[int]]:
    """Years of 40, 130 and 60 reports in no order, with clusters, copies and rows of zeros."""
    rng = np.random.default_rng(0)
    years = rng.permutation(np.repeat([2001, 2002, 2003], [40, 130, 60]))
    centres = rng.normal(size=(60, 5))
    scores = centres[rng.integers(60, size=230)] + 0.1 * rng.normal(size=(230, 5))
    scores[10:30] = scores[30:50]
    scores[[5, 6, 99]] = 0
    ids = rng.permutation(1000)[:230]
    return scores.astype(np.float32), years.tolist(), ids.tolist()
