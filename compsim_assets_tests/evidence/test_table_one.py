"""Table 1's two blocks, from small tables whose every value is known."""

import math

import pandas as pd
import pytest

from compsim_assets.contracts import TABLES, validate
from compsim_assets.evidence.table_one import SHARPE_COST, two_blocks

NAN = math.nan
BY_YEAR = pd.DataFrame(
    [
        ("base", 2000, 0.9, 0.8, 10, 4, 20, 7, 0.5),
        ("base", 2001, 0.5, 0.2, 30, 2, 30, 9, 0.6),
        ("base", 2002, NAN, NAN, 0, 1, 2, 2, 0.04),
        ("rolling", 2001, 0.3, 0.1, 5, 1, 5, 5, 0.1),
        ("rolling", 2002, 0.5, 0.4, 15, 2, 10, 6, 0.2),
        ("sic_code", 2001, 0.2, 0.3, 1, 1, 2, 2, 0.04),
    ],
    columns=[
        "method", "year", "mean_correlation", "pair_weighted", "n_pairs", "n_clusters", "n_reports", "largest_cluster",
        "coverage",
    ],
)  # fmt: skip
ROBUST = pd.DataFrame(
    [
        ("mean_correlation", "base", "sic_code", "", 7.0, 8.0),
        ("mean_correlation", "base", "", "", 0.4, 0.6),
        ("pair_weighted", "base", "", "", 0.1, 0.3),
        ("mean_correlation_by_size", "base", "", "2", 7.0, 8.0),
    ],
    columns=["statistic", "method", "versus", "level", "low", "high"],
).assign(value=9.0)
BACKTEST = pd.DataFrame(
    [
        ("as_published", "base", 0.0, 9.0, NAN, NAN),
        ("honest", "base", 0.0, 2.0, 1.0, 3.0),
        ("honest", "base", SHARPE_COST, 0.5, -0.2, 1.2),
    ],
    columns=["variant", "method", "cost_bp", "sharpe", "sharpe_low", "sharpe_high"],
)
PUBLISHED = {
    "mean_correlation": {"base": 0.359},
    "mean_correlation_2001_2020": {"base": 0.3867},
    "sharpe": {"base": 12.18},
}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    made = two_blocks(BY_YEAR, [2001, 2002], 100, ROBUST, BACKTEST, PUBLISHED)
    return made.set_index(["block", "method"])


def test_a_row_for_every_block_and_method(table: pd.DataFrame) -> None:
    methods = ["base", "rolling", "sic_code"]
    assert table.index.tolist() == [(b, m) for b in ("as_published", "honest") for m in methods]


def test_as_published_is_the_mean_over_the_methods_own_years(table: pd.DataFrame) -> None:
    row = table.loc[("as_published", "base")]
    assert row["mean_correlation"] == pytest.approx((0.9 + 0.5) / 2)
    assert row["pair_weighted"] == pytest.approx((0.8 * 10 + 0.2 * 30) / 40)
    assert (row["first_year"], row["last_year"], row["n_years"]) == (2000, 2001, 2)
    assert (row["n_clusters"], row["largest_cluster"]) == (7, 9)
    # 20 of 40, 30 of 50 and 2 of 50 reports.
    assert row["coverage"] == pytest.approx(52 / 140)
    assert math.isnan(row["low"])
    assert (row["sharpe"], row["published"], row["published_sharpe"]) == (9.0, 0.359, 12.18)


def test_honest_is_of_common_years_with_intervals_and_costs(table: pd.DataFrame) -> None:
    row = table.loc[("honest", "base")]
    assert row["mean_correlation"] == 0.5
    assert row["pair_weighted"] == pytest.approx(0.2)
    assert row["coverage"] == pytest.approx(0.32)
    assert (row["first_year"], row["last_year"], row["n_years"]) == (2001, 2001, 1)
    assert (row["low"], row["high"], row["pair_low"], row["pair_high"]) == (0.4, 0.6, 0.1, 0.3)
    assert (row["sharpe"], row["sharpe_low"], row["sharpe_high"]) == (0.5, -0.2, 1.2)
    assert row["published"] == 0.3867
    assert math.isnan(row["published_sharpe"])


def test_traps_are_named_where_they_are(table: pd.DataFrame) -> None:
    notes = table["notes"]
    assert "every cluster counts once" in notes["as_published", "sic_code"]
    assert "knows later years" in notes["as_published", "base"]
    assert "booked again" in notes["as_published", "base"]
    assert "booked again" not in notes["as_published", "rolling"]
    assert notes["honest", "base"] == "knows later years"
    assert notes["honest", "sic_code"] == ""


def test_a_method_without_interval_trades_or_published_number_has_nulls(table: pd.DataFrame) -> None:
    row = table.loc[("honest", "sic_code")]
    assert row[["low", "high", "pair_low", "pair_high", "sharpe", "published"]].isna().all()


def test_without_common_years_the_honest_block_is_empty_of_numbers() -> None:
    made = two_blocks(BY_YEAR, [], 0, ROBUST.iloc[:0], BACKTEST.iloc[:0], PUBLISHED)
    rows = made[made["block"] == "honest"]
    assert len(rows) == 3
    assert rows[["mean_correlation", "pair_weighted", "coverage", "sharpe"]].isna().all(axis=None)
    assert (rows[["n_clusters", "largest_cluster", "n_years"]] == 0).all(axis=None)


def test_an_interval_may_end_beyond_one() -> None:
    """As bootstraps of a few companies do, whose lost clusters are weighted back."""
    robust = ROBUST.assign(high=1.066)
    table = validate(TABLES["table_1"], two_blocks(BY_YEAR, [2001, 2002], 100, robust, BACKTEST, PUBLISHED))
    assert 1.066 in table["high"].to_pylist()
    assert 1.066 in table["pair_high"].to_pylist()


def test_a_method_without_a_common_year_stands_on_its_own_and_says_so() -> None:
    """Of rolling's two years none is common; intervals are those that were made on these years."""
    robust = pd.concat([ROBUST, ROBUST.iloc[[1]].assign(method="rolling", low=0.1, high=0.7)])
    table = two_blocks(BY_YEAR, [2000], 40, robust, BACKTEST, PUBLISHED, apart={"rolling": [2001, 2002]})
    row = table[(table["block"] == "honest") & (table["method"] == "rolling")].iloc[0]
    assert row["mean_correlation"] == pytest.approx((0.3 + 0.5) / 2)
    assert row["pair_weighted"] == pytest.approx((0.1 * 5 + 0.4 * 15) / 20)
    assert row["coverage"] == pytest.approx(15 / (5 / 0.1 + 10 / 0.2))
    assert (row["first_year"], row["last_year"], row["n_years"]) == (2001, 2002, 2)
    assert (row["low"], row["high"]) == (0.1, 0.7)
    assert row["notes"] == "knows later years; on its own years: it has none of the common ones"
    others = table[(table["block"] == "honest") & (table["method"] != "rolling")]
    assert others["notes"].tolist() == ["knows later years", ""]


def test_published_rows_keep_pairs_of_a_company_with_itself_and_count_them() -> None:
    with_own = BY_YEAR.assign(n_pairs=BY_YEAR["n_pairs"] + [4, 0, 0, 0, 0, 0])
    with_own.loc[0, "mean_correlation"] = 1.0
    table = two_blocks(BY_YEAR, [2000, 2001], 90, ROBUST, BACKTEST, PUBLISHED, rows_as_published=with_own)
    rows = table.set_index(["block", "method"])
    assert rows.loc[("as_published", "base"), "mean_correlation"] == pytest.approx((1.0 + 0.5) / 2)
    assert rows.loc[("as_published", "base"), "pair_weighted"] == pytest.approx((0.8 * 14 + 0.2 * 30) / 44)
    assert rows.loc[("honest", "base"), "mean_correlation"] == pytest.approx((0.9 + 0.5) / 2)
    assert "44 pairs, 4 of them of a company with itself" in rows.loc[("as_published", "base"), "notes"]
    assert "with itself" not in rows.loc[("as_published", "rolling"), "notes"]
