"""Universes of pairs for tests: all pairs of another universe, and invented ones."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from compsim_assets.evidence.published_figures import published_thetas
from compsim_assets.settings import Settings
from compsim_assets_tests.assets.brute_force import correlations, cosine_distances
from compsim_assets_tests.published_code import Clusters, PairRow, clusters_at, standardised
from compsim_assets_tests.runs import Local, Rebuilt, Run

SETS = {"base": "GCD", "rolling": "GCDR"}
NAMES = ("Company1", "Company2", "year", "cosine_similarity", "correlation")
YEARS = range(2001, 2009)


class Remembered(Local, Rebuilt):
    """Results of the local universe beside it, and what the runs said."""


class ByPairs(Local):
    """A local universe with COMPSIM_SIMILARITY=pairs."""

    @property
    def settings(self) -> Settings:
        given = super().settings
        return Settings(source="local", universe=given.universe, data=given.data, similarity="pairs")


class WithReturns(Local):
    """A local universe with COMPSIM_DROP_WITHOUT_RETURNS=true."""

    @property
    def settings(self) -> Settings:
        given = super().settings
        return Settings(source="local", universe=given.universe, data=given.data, drop_without_returns=True)


@lru_cache
def all_pairs(run: Run) -> list[PairRow]:
    """Every pair within a year: cosines of the PCA scores, correlations of the returns (NaN where there is none)."""
    scores = run.read("pca_scores").set_index("report_id")
    monthly = run.read("returns").set_index("report_id")["returns"]
    rows: list[PairRow] = []
    for year, own in scores.sort_index().groupby("year"):
        ids = own.index.to_numpy()
        distance = cosine_distances(np.stack(own["scores"].to_list()))
        rho = correlations(np.stack(monthly.loc[ids].to_list()))
        a, b = np.triu_indices(len(ids), 1)
        columns = (ids[a], ids[b], np.full(len(a), year), 1 - distance[a, b], rho[a, b])
        rows += zip(*(column.tolist() for column in columns), strict=True)
    return rows


def write_pairs(folder: Path, rows: list[PairRow]) -> None:
    """`pairs.parquet`, in no order and either direction, years as text as some published files have them."""
    rng = np.random.default_rng(0)
    rows = [rows[position] for position in rng.permutation(len(rows))]
    turned = [(b, a, *rest) if rng.random() < 0.5 else (a, b, *rest) for a, b, *rest in rows]
    columns = dict(zip(NAMES, zip(*turned, strict=True), strict=True))
    columns["year"] = [f"{year}.0" for year in columns["year"]]  # type: ignore[assignment]
    columns["correlation"] = [None if np.isnan(c) else c for c in columns["correlation"]]  # type: ignore[assignment]
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: list(column) for name, column in columns.items()}),
                   folder / "pairs.parquet")  # fmt: skip


def publish_clusters(folder: Path, name: str, table: pd.DataFrame) -> None:
    """`published_clusters/<name>.parquet` from year, cluster_id, report_id."""
    folder = folder / "published_clusters"
    folder.mkdir(parents=True, exist_ok=True)
    renamed = table.rename(columns={"report_id": "__index_level_0__"})
    renamed[["year", "cluster_id", "__index_level_0__"]].to_parquet(folder / f"{name}.parquet")


@lru_cache
def invented_pairs(missing: float = 0.2, n: int = 24) -> list[PairRow]:
    """Pairs of `n` reports a year in eight groups that are alike, some without a correlation; eight years.

    Two reports a year have no correlation at all. Groups differ in how alike they are: every theta cuts other clusters.
    """
    rng = np.random.default_rng(3)
    rows: list[PairRow] = []
    for year in YEARS:
        ids = 1000 * year + np.sort(rng.choice(1000, n, replace=False))
        group = rng.integers(0, 8, n)
        silent = set(rng.choice(n, 2, replace=False).tolist())
        for a in range(n):
            for b in range(a + 1, n):
                alike = group[a] == group[b]
                cosine = rng.uniform(-0.15, 0.15) + (0.3 + 0.06 * group[a] if alike else 0)
                unknown = rng.random() < missing or {a, b} & silent
                rho = np.nan if unknown else rng.uniform(-0.5, 0.5) + 0.4 * alike
                rows.append((int(ids[a]), int(ids[b]), year, float(cosine), float(rho)))
    return rows


def cut_as_published(mode: str) -> dict[int, Clusters]:
    """The invented pairs' clusters at the published thetas, the published way."""
    rows, clusters = standardised(invented_pairs()), {}
    for year, theta in published_thetas(list(YEARS))[mode].items():
        edges = [(a, b, delta) for a, b, pair_year, delta, _ in rows if pair_year == year]
        clusters[year] = clusters_at(edges, theta)
    return clusters


def as_table(clusters: dict[int, Clusters]) -> pd.DataFrame:
    """Clusters under names of their own, in no order."""
    rows = [
        (year, f"c{min(members)}", report) for year, sets in clusters.items() for members in sets for report in members
    ]
    table = pd.DataFrame(rows, columns=["year", "cluster_id", "report_id"])
    return table.sample(frac=1, random_state=0, ignore_index=True)


def replay(folder: Path) -> None:
    """Materialize everything of the invented pairs and of the clusters that the published cutoffs make of them."""
    write_pairs(folder / "universe", invented_pairs())
    for mode, name in SETS.items():
        publish_clusters(folder / "universe", name, as_table(cut_as_published(mode)))
    run = Remembered(folder)
    run.rebuild(figures=False)
    run.remember()
