"""The generated universe: its shape, its bytes, that the platform reads it, and that what was planted is there."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from benchmarks.inputs import SIZES
from benchmarks.universe import writing
from benchmarks.universe.companies import make_companies
from benchmarks.universe.shape import Shape
from benchmarks.universe.writing import write_universe
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import ID

SHAPE = Shape(0.006)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "BLOCK", 12)
        made = tmp_path_factory.mktemp("made") / "universe"
        write_universe(made, SHAPE)
        yield made


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_paper_has_its_numbers() -> None:
    shape = Shape(1)
    companies = make_companies(shape)
    assert (shape.reports, shape.years, shape.latents) == (27_888, 25, 131_072)
    assert len(companies.company) == 27_888
    assert len(np.unique(companies.company)) == 5_548
    assert len(np.unique(companies.report_id)) == 27_888
    reported = companies.clusters[companies.year, companies.company]
    members = pd.DataFrame({"year": companies.year, "cluster": reported}).query("cluster >= 0").value_counts()
    assert dict(Counter(members)) == SIZES["paper"].clusters
    # Of a planted cluster all are in one line of business.
    lines = pd.Series(companies.weights.argmax(axis=1)[companies.company]).groupby(reported).nunique()
    assert set(lines[lines.index >= 0]) == {1}


def test_other_latents_change_no_company() -> None:
    narrow, wide = Shape(0.02, width=64), Shape(0.02)
    assert (narrow.latents, narrow.reports, wide.latents) == (64, wide.reports, 2621)
    assert (make_companies(narrow).company == make_companies(wide).company).all()


@pytest.mark.parametrize("scale", [0.005, 0.02, 0.25, 2])
def test_every_scale_has_as_many_reports_and_companies_as_it_says(scale: float) -> None:
    shape = Shape(scale)
    companies = make_companies(shape)
    assert len(companies.company) == shape.reports == round(27_888 * scale)
    assert len(np.unique(companies.company)) == shape.companies
    assert not pd.DataFrame({"c": companies.company, "y": companies.year}).duplicated().any()
    assert max(np.diff(np.unique(np.bincount(companies.year))), default=0) <= 1
    names = [companies.name(c) for c in range(shape.companies)]
    assert len(set(names)) == len({companies.ticker(c) for c in range(shape.companies)}) == shape.companies


def test_a_scale_that_leaves_nothing_of_a_year_is_refused() -> None:
    with pytest.raises(ValueError, match="years of 2 reports"):
        Shape(0.0005)


def test_the_same_scale_and_seed_give_the_same_bytes_after_an_interruption_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "BLOCK", 12)

    def interrupted(line: str) -> None:
        raise KeyboardInterrupt

    again = tmp_path / "universe"
    with pytest.raises(KeyboardInterrupt):
        write_universe(again, SHAPE, interrupted)
    assert not again.exists()
    begun = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "universe.part").rglob("part-00000.parquet")}
    assert begun
    write_universe(again, SHAPE)
    assert digests(again) == digests(folder)
    first = again / "reports" / "part-00000.parquet"
    assert first.stat().st_mtime_ns == begun[first.name]
    assert "SYNTHETIC" in (again / "SYNTHETIC").read_text()
    with pytest.raises(FileExistsError, match="another generated universe"):
        write_universe(again, Shape(0.006, seed=1))
    (tmp_path / "mine").mkdir()
    with pytest.raises(FileExistsError, match="no generated universe"):
        write_universe(tmp_path / "mine", SHAPE)


def test_another_seed_gives_another_universe() -> None:
    first, second = (make_companies(Shape(0.006, seed)) for seed in (0, 1))
    assert not np.array_equal(first.report_id, second.report_id)


def test_the_platform_reads_it_and_leaves_nothing_out(folder: Path) -> None:
    universe = Universe(folder)
    reports = universe.reports()
    assert len(reports) == SHAPE.reports
    returns = universe.monthly_returns(reports)
    assert returns.shape == (SHAPE.reports, 12)
    assert np.isfinite(returns).all()
    assert len(universe.fundamentals()) == 2 * SHAPE.reports
    features = universe.features(reports[ID].to_numpy(), np.empty(0, dtype=np.int64))
    assert features.usual_length() == SHAPE.latents
    dropped = Counter[str]()
    blocks = [b for n in range(len(features.files)) for b in features.blocks(n, SHAPE.latents, dropped)]
    assert not dropped
    ids, values = (np.concatenate(part) for part in zip(*blocks, strict=True))
    assert set(ids) == set(reports[ID])
    assert 0.35 < (values == 0).mean() < 0.6
    assert 0.03 < (values > 7.5).mean() < 0.25
    words = reports["section_1"].str.split().str.len()
    assert 1_000 < words.median() < 5_000


def test_reports_of_a_planted_cluster_are_alike_and_move_together(folder: Path) -> None:
    features = pd.concat(pd.read_parquet(path) for path in sorted((folder / "features").iterdir()))
    truth = pd.read_parquet(folder / "truth.parquet").set_index("report_id").loc[features[ID]]
    reports = pd.concat(pd.read_parquet(path) for path in sorted((folder / "reports").iterdir())).set_index(ID)
    values = np.stack(features["features"].to_list())
    values = (values - values.mean(axis=0)) / np.maximum(values.std(axis=0), 1e-9)
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    year = reports.loc[features[ID], "year"].to_numpy()
    same_year = np.triu(year[:, None] == year, 1)
    cluster, line = truth["cluster"].to_numpy(), truth["line"].to_numpy()
    together = same_year & (cluster[:, None] == cluster) & (cluster >= 0)
    same_line = same_year & (line[:, None] == line) & ~together
    cosine = unit @ unit.T
    assert together.sum() > 5
    assert cosine[together].min() > cosine[same_year & ~together].max()
    assert cosine[same_line].mean() > cosine[same_year & (line[:, None] != line)].mean()
    rho = np.corrcoef(np.stack(reports.loc[features[ID], "logged_monthly_returns_matrix"].to_list()))
    assert rho[together].mean() > rho[same_year & ~together].mean() + 0.1


def test_prices_are_daily_and_imply_the_returns(folder: Path) -> None:
    prices = pd.concat(pd.read_parquet(path) for path in sorted((folder / "prices").iterdir()))
    assert prices["ticker"].nunique() == SHAPE.companies
    assert not prices.duplicated(["ticker", "date"]).any()
    report = pq.read_table(folder / "reports" / "part-00000.parquet").to_pandas().iloc[0]
    closes = prices[prices["ticker"] == report["ticker"]].set_index("date")["adj_close"]
    closes.index = pd.to_datetime(closes.index)
    ends = np.log(closes.resample("ME").last())
    wanted = ends.diff()[str(report["year"])].to_numpy()
    np.testing.assert_allclose(report["logged_monthly_returns_matrix"], wanted, atol=1e-12)
