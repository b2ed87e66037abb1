"""Every heavy step at four sizes: how its time and its memory grow, beside what its docstring says.

A size is measured in a process of its own, so that no memory of an earlier one is used again.
"""

import dataclasses
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.growth import Cost, Step, cost, row_of
from benchmarks.inputs import SIZES, DenseFeatures, FeatureSize, cluster_inputs, feature_blocks, yearly_scores
from benchmarks.jobs import feature_import, linkage, reasons, strong_features
from benchmarks.jobs.prices import write_prices
from benchmarks.measure import Row
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.cutoffs.walk_forward import Reports, walk_forward
from compsim_assets.science.inference.bootstrap import bootstrap_correlation
from compsim_assets.science.linkage.nearest import nearest_peers
from compsim_assets.science.pca.fit import fit_pca
from compsim_assets.science.peers.returns import Levels, year_statistics
from compsim_assets.science.peers.statistics import YearReports, correlations, cosines
from compsim_assets.science.peers.supervised import score_latents
from compsim_assets.science.strong_features.candidates import sample_pairs
from compsim_assets.science.strong_features.search import ClusterPairs
from compsim_assets.science.trading.adf import adf_statistics
from compsim_assets.science.words.counts import count_terms
from compsim_assets.storage.results import Results
from compsim_assets.universe.feature_files import FeatureImport
from compsim_assets.universe.feature_import import import_features
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.table_files import local_files

Work = Callable[[], Any]
# Sizes are divided by it where it only has to run.
_SMALLER = 8


def rows(size: str, device: str) -> list[Row]:
    """A row a step, always on the CPU."""
    with tempfile.TemporaryDirectory() as folder:
        tempfile.tempdir = folder
        divided = 1 if size == "growth" else _SMALLER
        return [row_of(step, partial(_told, divided)) for step in steps(divided)]


def steps(divided: int = 1) -> list[Step]:
    """The heavy steps, with the exponents of time and memory that they promise."""

    def four(largest: int) -> list[int]:
        return [largest // divided // 2**k for k in (3, 2, 1, 0)]

    return [
        Step("import of features", "reports", four(1_024), _feature_import, 1, 0),
        Step("intake of prices", "rows", four(4_000_000), _prices, 1, 1),
        Step("PCA", "reports", four(4_000), _pca, 2, 2),
        Step("walk-forward", "reports a year, 7 years", four(480), _walk_forward, 2, 2),
        Step("single linkage of a year", "companies", four(20_000), _linkage, 2, 1),
        Step("nearest peers of a year", "companies", four(20_000), _nearest, 2, 1),
        Step("peer statistics of a year", "companies", four(2_400), _peer_statistics, 2, 2),
        Step("strong features", "times 60 clusters", four(8 * divided), _strong_features, 1, 1),
        Step("reasons of peers", "reports in years of 250", four(4_000), _reasons, 1, 1),
        Step("bootstrap over companies", "reports", four(40_000), _bootstrap, 1, 1),
        Step("latents chosen by returns", "reports in years of 500", four(16_000), _supervised, 1, 1),
        Step("ADF tests", "pairs", four(4_000), _adf, 1, 1),
        Step("terms of texts", "texts", four(2_400), _terms, 1, 1),
    ]


def _told(divided: int, step: Step, size: int) -> Cost:
    print(f"  {step.name}: {size:,} {step.unit} ...", file=sys.stderr, flush=True)
    return alone(divided, step, size)


def alone(divided: int, step: Step, size: int) -> Cost:
    """What a size of a step of `steps(divided)` costs in a new process: a fork of one that has computed would wait for
    threads that it does not have. What is loaded and started on first use is not counted.

    Raises:
        ChildProcessError: it failed, as it has printed.
    """
    context = get_context("spawn")
    there, here = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(here, divided, step.name, size, tempfile.gettempdir()))
    process.start()
    here.close()
    try:
        return Cost(**there.recv())
    except EOFError:
        raise ChildProcessError(f"{step.name} at {size:,} {step.unit} ended without an answer") from None
    finally:
        process.join()


def _answer(here: Connection, divided: int, name: str, size: int, folder: str) -> None:
    tempfile.tempdir = folder
    step = next(step for step in steps(divided) if step.name == name)
    step.make(step.sizes[0])()
    here.send(dataclasses.asdict(cost(step.make(size))))


def _scores(n: int, n_axes: int = 64) -> np.ndarray:
    shape = dataclasses.replace(SIZES["paper"], reports=n, years=1, axes=n_axes)
    return yearly_scores(shape)[0].astype(np.float32)


def _features(n: int, latents: int) -> DenseFeatures:
    return DenseFeatures(np.concatenate([block for _, block in feature_blocks(FeatureSize(n, latents, 1))]))


def _feature_import(n: int) -> Work:
    folder = Path(tempfile.mkdtemp())
    (folder / "features").mkdir()
    feature_import._write_shard(folder / "features" / "part-0.parquet", 0, n, 8_192)
    files = local_files(folder, "features")
    assert files is not None
    source = FeatureImport(files, np.arange(n), np.empty(0, dtype=np.int64), batch_bytes=4 << 20)

    def work() -> Any:
        new = Path(tempfile.mkdtemp(dir=folder))
        return import_features(source, Results(new / "data"), new, {}, lambda line: None)

    return work


def _prices(n: int) -> Work:
    folder, days = Path(tempfile.mkdtemp()), 2_000
    write_prices(folder / "prices.parquet", max(n // days, 1), days)
    return Universe(folder).prices


def _pca(n: int) -> Work:
    features = _features(n, 16_384)
    return lambda: fit_pca(features, 100, components=False)


def _walk_forward(n: int) -> Work:
    years = 7
    features, year = _features(n * years, 8_192), np.repeat(2000 + np.arange(years), n)
    returns = np.random.default_rng(0).normal(size=(n * years, 12))
    every = np.ones(n * years, dtype=bool)
    reports = Reports(year, np.arange(n * years), every, *normalise_returns(returns))
    return lambda: list(walk_forward(features, reports, 50))


def _linkage(n: int) -> Work:
    scores = _scores(n)
    return lambda: linkage._linked(scores, "cpu")


def _nearest(n: int) -> Work:
    scores = _scores(n)
    # From lists at every size: small years, which go another way, would hide how this one grows.
    return lambda: list(nearest_peers(scores, np.zeros(n, np.int64), np.arange(n), 50, large=0))


def _peer_statistics(n: int) -> Work:
    rng = np.random.default_rng(0)
    returns, sic, length = rng.normal(size=(n, 12)), rng.integers(0, 20, n), rng.random(n) * 100
    rho = correlations(*normalise_returns(returns))
    reports = YearReports(2001, np.arange(n), rho, returns, sic, np.arange(n), length)
    similarity, levels = cosines(_scores(n)), Levels((1, 3, 5, 10), (0.5, 1.0, 2.0, 5.0, 10.0), 2, 0)
    return lambda: year_statistics(similarity, reports, levels)


def _strong_features(times: int) -> Work:
    shape = SIZES["small"]
    clusters = {members: max(times, 1) * count for members, count in shape.clusters.items()}
    given = cluster_inputs(dataclasses.replace(shape, clusters=clusters))
    wanted = [ClusterPairs(rows, sample_pairs(len(rows), [0, number])) for number, rows in enumerate(given.rows)]
    return lambda: strong_features._ours(given, wanted, "cpu")


def _reasons(n: int) -> Work:
    folder = Path(tempfile.mkdtemp())
    reports, report_id, year = reasons._inputs(FeatureSize(n, 2_048, 256), max(n // 250, 1), folder)
    peers = reasons._peers(reports, report_id, year)
    theme = np.random.default_rng(1).integers(0, 32, reports.n_latents)
    options = reasons.Options(True, 200, 10, 6, 4, 1.0)
    return lambda: reasons.reasons_of_peers(reports, report_id, year, peers, theme, None, options, "cpu")


def _bootstrap(n: int) -> Work:
    rng, years = np.random.default_rng(0), 10
    table = {"year": np.arange(n) % years + 2000, "report_id": np.arange(n), "returns": list(rng.normal(size=(n, 12)))}
    returns, company = pd.DataFrame(table), pd.Series(np.arange(n) // years, index=np.arange(n))
    groups = returns[["year", "report_id"]].assign(cluster_id=rng.integers(0, max(n // years // 8, 1), n))
    return lambda: bootstrap_correlation({"codes": groups}, returns, company, resamples=500)


def _supervised(n: int) -> Work:
    features, year = _features(n, 2_048), np.arange(n) // 500
    returns = np.random.default_rng(0).normal(size=(n, 12))
    return lambda: score_latents(features, year, returns, np.unique(year).tolist())


def _adf(n: int) -> Work:
    spreads = np.random.default_rng(0).normal(0, 0.02, (750, n)).cumsum(axis=0)
    return lambda: adf_statistics(spreads)


def _terms(n: int) -> Work:
    rng = np.random.default_rng(0)
    words = np.array(["".join(chr(97 + c) for c in rng.integers(0, 26, 7)) for _ in range(2_000)])
    texts = [" ".join(words[(len(words) * rng.random(400) ** 2).astype(int)]) for _ in range(n)]
    names = [f"Company {number // 5}" for number in range(n)]
    return lambda: count_terms(texts, names)
