"""A published pair table: its import, and all cutoffs, clusters and MeanCorr from it, against the published loop."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import published
from benchmarks.inputs import SIZES, Size
from benchmarks.measure import Row, timed
from compsim_assets.science.correlation.pairs import correlation_by_year_of_pairs
from compsim_assets.science.cutoffs.choice import ROLLING_LATTICE
from compsim_assets.science.cutoffs.pairs import curves_of_pairs
from compsim_assets.science.cutoffs.step_function import StepFunction
from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.pairs import pair_graph
from compsim_assets.science.linkage.scale import fit_scale
from compsim_assets.science.linkage.trees import YearTrees
from compsim_assets.storage.pairs import PairTable, write_pairs
from compsim_assets.universe.pair_files import read_pairs
from compsim_assets.universe.table_files import local_files

TIMED_THETAS = 2
_AXES = 16


def rows(size: str, device: str) -> list[Row]:
    """Two rows: the import, and everything that Table 1 needs of our clusters."""
    shape = SIZES[size]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reports = _write_universe(folder, shape)
        return [_import(folder, shape, reports), _analysis(folder, shape, reports)]


def _import(folder: Path, shape: Size, reports: pd.DataFrame) -> Row:
    files = local_files(folder, "pairs")
    assert files is not None

    def ours() -> int:
        pairs = read_pairs(files, reports["report_id"].to_numpy(), reports["year"].to_numpy())
        columns = {n: getattr(pairs, n) for n in ("report_a", "report_b", "cosine", "correlation")}
        write_pairs(folder / "published_pairs.parquet", pairs.year, columns, {})
        return len(pairs.year)

    measured = timed(ours)

    def copied() -> None:
        table = pq.read_table(folder / "pairs.parquet")
        pq.write_table(table, folder / "copy.parquet", compression="zstd", use_dictionary=False)

    floor = timed(copied)
    return Row(
        job="import a pair table",
        size=f"{measured.result:,} pairs in no order",
        ours=measured.seconds,
        floor=floor.seconds,
        peak=measured.peak,
        note="read, checked, put in order, written; floor: read and written as it is",
    )


def _analysis(folder: Path, shape: Size, reports: pd.DataFrame) -> Row:
    pairs = PairTable(folder / "published_pairs.parquet")
    theta = float(ROLLING_LATTICE[-1])

    def ours() -> dict[int, StepFunction]:
        graphs = (pair_graph(pairs.of_year(year)) for year in pairs.years)
        linked = [(np.arange(len(graph.report_id)), graph.forest(), graph.moments()) for graph in graphs]
        trees = YearTrees(np.array(pairs.years), [rows for rows, *_ in linked], [tree for _, tree, _ in linked])
        curves, scale = curves_of_pairs(trees, pairs.of_year), fit_scale(moments for *_, moments in linked)
        clusters = []
        for year, _, tree in trees:
            label = cut(tree, float(scale.distance(theta)))
            clusters.append(
                pd.DataFrame({"year": year, "report_id": pairs.of_year(year).reports(), "cluster_id": label})
            )
        groups = {"base": pd.concat(clusters), "population": reports.assign(cluster_id=1)}
        correlation_by_year_of_pairs(groups, reports, pairs.of_year)
        return curves

    measured = timed(ours)
    curves = measured.result
    tables = [_as_published(pairs, year) for year in pairs.years]
    thetas = np.quantile(curves[pairs.years[0]].position, [0.3, 0.7])[:TIMED_THETAS]
    loop = timed(
        lambda: [[published.mean_correlation(table, shape.reports, theta) for table in tables] for theta in thetas]
    )
    at = np.stack([curves[year].at(thetas) for year in pairs.years], axis=1)
    return Row(
        job="cutoffs, clusters, MeanCorr from pairs",
        size=f"{len(pairs):,} pairs, {shape.years} years",
        ours=measured.seconds,
        published=loop.seconds * len(ROLLING_LATTICE) / len(thetas),
        peak=measured.peak,
        difference=float(np.nanmax(np.abs(at - np.array(loop.result)))),
        note=f"every cutoff, one cut, two groupings, pairs read from disk; published: {len(ROLLING_LATTICE)} cutoffs "
        f"of pairs in memory, timed on {len(thetas)}",
    )


def _as_published(pairs: PairTable, year: int) -> published.Pairs:
    graph = pair_graph(pairs.of_year(year))
    return graph.a, graph.b, graph.distance, graph.correlation


def _write_universe(folder: Path, shape: Size, seed: int = 0) -> pd.DataFrame:
    """All pairs of some random reports, in no order, years as text, a few correlations missing; returns the reports."""
    rng = np.random.default_rng([seed, 4])
    first, second = np.triu_indices(shape.reports, k=1)
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("a", "b", "year", "cos", "cor")}
    years = range(2000, 2000 + shape.years)
    ids = rng.permutation(shape.reports * shape.years).reshape(shape.years, shape.reports)
    for year, reports_then in zip(years, ids, strict=True):
        group = rng.integers(0, shape.reports // 20, shape.reports)
        centre = 2 * rng.standard_normal((shape.reports // 20, _AXES))
        returns = rng.standard_normal((shape.reports, 12)) + 0.4 * rng.standard_normal(12)
        a, b, distance, correlation = published.pair_table(
            centre[group] + rng.standard_normal((shape.reports, _AXES)), returns
        )
        correlation[rng.random(len(a)) < 0.005] = np.nan
        pairs = (reports_then[first], reports_then[second], np.full(len(a), year), 1 - distance, correlation)
        for name, values in zip(columns, pairs, strict=True):
            columns[name].append(values)
    order = rng.permutation(len(first) * shape.years)
    a, b, year, cosine, correlation = (np.concatenate(parts)[order] for parts in columns.values())
    table = pa.table(
        {
            "Company1": a,
            "Company2": b,
            "year": pa.array(year).cast(pa.string()),
            "cosine_similarity": cosine,
            "correlation": pa.array(correlation, from_pandas=True),
        }
    )
    pq.write_table(table, folder / "pairs.parquet")
    reports = pd.DataFrame({"report_id": ids.ravel(), "year": np.repeat(years, shape.reports)})
    return reports.sort_values("report_id", ignore_index=True)
