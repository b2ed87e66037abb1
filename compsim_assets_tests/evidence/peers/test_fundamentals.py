"""The accounting yardstick on companies with planted lines: what is explained, of whom, and nothing of later years."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from compsim_assets.contracts import TABLES
from compsim_assets.contracts.table import validate
from compsim_assets.evidence.peers.fundamentals import (
    Companies,
    by_groups,
    by_similarity,
    fundamentals_rows,
    standardised,
)
from compsim_assets.evidence.peers.statistics import OfYear, PeerMethod, Similar, by_vectors
from compsim_assets.science.companies import companies_of_rows

YEARS, N, LINES = (2001, 2002, 2003, 2004), 48, 8
LINE = np.arange(N) % LINES


def reports() -> pd.DataFrame:
    """48 companies of eight lines, two lines to an industry; ids in no order."""
    rows = [(year, company) for year in YEARS for company in range(N)]
    year, company = np.array(rows).T
    ids = np.random.default_rng(0).permutation(len(rows)) + 100
    return pd.DataFrame(
        {
            "report_id": ids,
            "year": year,
            "cik": [f"{c + 1:010d}" for c in company],
            "ticker": [f"T{c}" for c in company],
            "company_name": [f"Company {c}" for c in company],
            "sic_code": [f"{20 + c % LINES // 2}11" for c in company],
        }
    )


def metrics(of: dict[str, Callable[[int], np.ndarray]], last: int = YEARS[-1] + 1) -> pd.DataFrame:
    """Values of each metric by year, for all companies."""
    rows = [
        (str(company + 1), pd.NA, year, metric, value)
        for metric, values in of.items()
        for year in range(YEARS[0], last + 1)
        for company, value in enumerate(values(year))
    ]
    return pd.DataFrame(rows, columns=["cik", "ticker", "year", "metric", "value"])


def of_lines(year: int) -> np.ndarray:
    rng = np.random.default_rng(year)
    return np.random.default_rng(1).normal(size=LINES)[LINE] + 0.4 * rng.normal(size=N)


def of_the_year_before(year: int) -> np.ndarray:
    """What the line had the year before, beside nothing that lasts."""
    return np.random.default_rng([7, year - 1]).normal(size=LINES)[LINE] + 0.1 * np.random.default_rng(year).normal(
        size=N
    )


def shuffled(year: int) -> np.ndarray:
    return np.random.default_rng([5, year]).permutation(of_lines(year))


def similarity(table: pd.DataFrame) -> PeerMethod:
    """Peers by vectors that lines are planted in."""
    rng = np.random.default_rng(3)
    centre = rng.normal(size=(LINES, 6))
    line = LINE[table["cik"].astype(int).to_numpy() - 1]
    vectors = (centre[line] + 0.2 * rng.normal(size=(len(table), 6))).astype(np.float32)
    return by_vectors("pca", table["report_id"].to_numpy(), table["year"].to_numpy(), vectors)


@pytest.fixture(scope="module")
def explained() -> pd.DataFrame:
    table = reports()
    of = {"margin": of_lines, "late": of_the_year_before, "noise": shuffled}
    companies = Companies.of(table, metrics(of), winsorised=0.0)
    line = LINE[table["cik"].astype(int).to_numpy() - 1]
    groups = table[["year", "report_id"]]
    clusters = {"base": groups.assign(cluster_id=line), "population": groups.assign(cluster_id=1)}
    ways = [*by_similarity(companies, similarity(table), [1, 3]), *by_groups(companies, clusters)]
    rows = fundamentals_rows(companies, ways, resamples=300, seed=0)
    return (
        validate(TABLES["fundamentals_explained"], rows)
        .to_pandas()
        .set_index(["method", "level", "scope", "metric", "ahead"])
    )


def test_every_method_has_a_row_for_each_metric_and_year_ahead(explained: pd.DataFrame) -> None:
    ways = {name[:3] for name in explained.index}
    nearest = {("pca", level, scope) for level in (1, 3) for scope in ("all", "industry")}
    # A two-digit code says nothing beyond itself, and all companies nothing beyond all.
    assert ways == {*nearest, ("base", 0, "all"), ("base", 0, "industry"), ("sic2", 0, "all")}
    assert len(explained) == len(ways) * 3 * 2
    # The year after the last has metrics and no reports: companies of the last year are judged by it.
    assert (explained["n"] == N * len(YEARS)).all()
    assert (explained["n_companies"] == N).all()
    assert explained["in_sample"].groupby("method").first().to_dict() == {"base": True, "pca": True, "sic2": False}


def test_what_follows_the_planted_lines_is_explained_and_what_is_shuffled_is_not(explained: pd.DataFrame) -> None:
    for scope in ("all", "industry"):
        for name in (("base", 0, scope), ("pca", 3, scope)):
            for ahead in (0, 1):
                assert explained.loc[(*name, "margin", ahead), "low"] > 0.3
                noise = explained.loc[(*name, "noise", ahead)]
                assert noise["low"] < 0 < noise["high"]
                assert abs(noise["value"]) < 0.1
    by_codes, by_lines = (explained.loc[(*name, "all", "margin", 0), "value"] for name in (("sic2", 0), ("base", 0)))
    assert 0 < by_codes < by_lines


def test_next_years_metric_is_explained_by_what_peers_have_this_year(explained: pd.DataFrame) -> None:
    # In a year all of a line have the same, and nothing of it lasts: this year's says nothing of next year's.
    assert explained.loc[("base", 0, "all", "late", 0), "value"] > 0.8
    assert abs(explained.loc[("base", 0, "all", "late", 1), "value"]) < 0.2


@pytest.mark.parametrize("last", [2002, 2003])
def test_nothing_of_later_years_is_in_a_year(last: int) -> None:
    table = metrics({"margin": of_lines})
    changed = table.assign(value=np.where(table["year"] > last, 1e6 * np.arange(len(table)), table["value"]))
    one, other = (Companies.of(reports(), each, winsorised=0.01) for each in (table, changed))
    now, next_year = ((one.rows["year"] <= year).to_numpy() for year in (last, last - 1))
    np.testing.assert_array_equal(one.values[now], other.values[now])
    np.testing.assert_array_equal(one.targets[1][next_year], other.targets[1][next_year])
    assert (one.targets[1][now & ~next_year] != other.targets[1][now & ~next_year]).any()


def test_values_are_in_units_of_their_year_and_metric() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"year": np.repeat([1, 2, 1], 50), "metric": np.repeat(["a", "a", "b"], 50)})
    table["value"] = np.where(table["metric"] == "b", 7.0, rng.normal(5, table["year"]))
    table.loc[0, "value"] = 1e9
    made = standardised(table, 0.02)
    assert made.loc[made["metric"] == "b", "value"].isna().all()
    of_a = made[made["metric"] == "a"].groupby("year")["value"]
    np.testing.assert_allclose(of_a.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(of_a.std(ddof=0), 1)
    low, high = np.quantile(table["value"][:50], [0.02, 0.98])
    pulled = table["value"][:50].clip(low, high)
    np.testing.assert_allclose(made["value"][:50], (pulled - pulled.mean()) / pulled.std(ddof=0))


def test_a_company_counts_once_a_year_and_has_the_first_of_its_classes_values() -> None:
    two = reports().iloc[[0, 0, 1]].assign(report_id=[3, 2, 1])
    table = metrics({"margin": lambda year: np.arange(N) + 1.0})
    companies = Companies.of(two, table, winsorised=0.0)
    assert companies.rows["report_id"].tolist() == [1, 2]
    classes = pd.DataFrame(
        {"cik": pd.NA, "ticker": ["A", "A-B", "C"], "year": 2001, "metric": "size", "value": [1.0, 9.0, 3.0]}
    )
    named = pd.DataFrame(
        {"report_id": [1, 2, 3], "year": 2001, "cik": ["1", "1", "2"], "ticker": ["A", "a.b", "C"], "company_name": "x",
         "sic_code": None}
    )  # fmt: skip
    np.testing.assert_allclose(Companies.of(named, classes, 0.0).values[:, 0], [-1, 1])


def test_tickers_are_those_of_the_year_or_of_the_one_before_and_never_of_a_later_one() -> None:
    named = pd.DataFrame(
        {
            "report_id": [1, 2, 3, 4],
            "year": [2001, 2003, 2003, 2004],
            "cik": ["0001", "1", "2", "2"],
            "ticker": ["OLD", "NEW", "OLD", "OLD"],
            "company_name": ["A", "A", "B", "B"],
        }
    )
    rows = [(pd.NA, "OLD", year) for year in (2000, 2001, 2002, 2003, 2004, 2005, 2006)]
    rows += [("1", pd.NA, 1990), ("2", "NEW", 2003), ("9", "OLD", 2001)]
    table = pd.DataFrame(rows, columns=["cik", "ticker", "year"])
    first, second = "cik 0001", "cik 2"
    found = companies_of_rows(table, named)
    expected = [None, first, first, second, second, second, None, first, second, None]
    assert [None if pd.isna(one) else one for one in found] == expected


def test_peers_are_those_that_a_similarity_knows_in_the_years_that_it_has() -> None:
    table = reports()
    companies = Companies.of(table, metrics({"margin": of_lines}), winsorised=0.0)

    def listed_pairs(year: OfYear) -> Similar:
        """Pairs of one line alone, and none in the last year; the first report is in no pair."""
        if year.year == YEARS[-1]:
            return None
        of_report = table.set_index("report_id")["cik"].astype(int) - 1
        line = LINE[of_report.loc[year.report_id[1:]].to_numpy()]
        return np.where(line[:, None] == line, 0.5, np.nan), np.arange(1, N)

    (way,) = [way for way in by_similarity(companies, PeerMethod("pairs", listed_pairs), [2]) if way.scope == "all"]
    rows = companies.rows.iloc[way.at]
    assert rows.groupby("year").size().to_dict() == dict.fromkeys(YEARS[:-1], N - 1)
    line = LINE[rows.merge(table, on="report_id")["cik"].astype(int).to_numpy() - 1]
    weights = way.peers.weights.matmat(np.eye(len(rows)))
    same = (line[:, None] == line) & (rows["year"].to_numpy()[:, None] == rows["year"].to_numpy())
    assert (weights[~same] == 0).all()
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    (row,) = fundamentals_rows(companies, [way], 100, 0).query("ahead == 0").to_dict("records")
    assert (row["n"], row["level"], row["in_sample"]) == ((N - 1) * 3, 2, True)
    assert row["low"] > 0.3


def test_a_universe_without_any_of_its_companies_has_no_row() -> None:
    table = metrics({"margin": of_lines}).assign(cik="999")
    companies = Companies.of(reports(), table, winsorised=0.0)
    ways = [*by_similarity(companies, similarity(reports()), [1])]
    assert fundamentals_rows(companies, ways, 100, 0).empty
