"""Methods side by side on prices as people have them: other rows, a ticker of seven days, other spellings."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kurtosis, norm, skew

from compsim_assets.science.trading.backtest import Rules, Tables, compare_methods
from compsim_assets.science.trading.honest import trade_pairs
from compsim_assets.science.trading.placebo import Placebo, random_spreads
from compsim_assets.science.trading.price_panel import PricePanel, price_panel
from compsim_assets.science.trading.windows import days_of

RULES = Rules(placebo_pool=60, placebo_draws=10, bootstrap_draws=20)
TICKERS, GROUPS = [f"T{i:02d}" for i in range(12)], 3
DAYS = pd.bdate_range("2008-01-01", "2015-12-31")


def prices() -> pd.DataFrame:
    """A walk per group, and a spread around it per stock."""
    rng = np.random.default_rng(3)
    walk = 0.012 * rng.normal(size=(len(DAYS), GROUPS)).cumsum(axis=0)
    spread = np.zeros((len(DAYS), len(TICKERS)))
    shocks = 0.012 * rng.normal(size=spread.shape)
    for day in range(1, len(DAYS)):
        spread[day] = 0.95 * spread[day - 1] + shocks[day]
    table = pd.DataFrame(20 * np.exp(np.repeat(walk, 4, axis=1) + spread), index=DAYS, columns=TICKERS)
    return long(table)


def long(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename_axis("date").reset_index().melt("date", var_name="ticker", value_name="close").dropna()


PRICES = prices()
MEMBERS = pd.DataFrame(
    [{"year": year, "cluster_id": i // 4, "ticker": t} for year in (2011, 2012, 2013) for i, t in enumerate(TICKERS)]
)


def windows_of(table: pd.DataFrame) -> list[PricePanel]:
    code, names = pd.factorize(table["ticker"])
    panel = price_panel(list(names), code, table["date"].to_numpy(), table["close"].to_numpy())
    return [panel.window(*days_of(years)) for years in ((2008, 2013), (2014, 2015))]


def compared(table: pd.DataFrame, members: pd.DataFrame = MEMBERS) -> Tables:
    return compare_methods(*windows_of(table), {"base": members}, [2011, 2012, 2013], RULES)


@pytest.fixture(scope="module")
def daily() -> Tables:
    return compared(PRICES)


def same(ours: Tables, wanted: Tables) -> None:
    for name in ("pairs", "backtest", "daily"):
        pd.testing.assert_frame_equal(getattr(ours, name), getattr(wanted, name), check_exact=True)


def row_of(tables: Tables, variant: str = "honest", cost: float = 25) -> pd.Series:
    table = tables.backtest
    return table[(table["variant"] == variant) & (table["cost_bp"] == (cost if variant == "honest" else 0))].iloc[0]


def last_rows(freq: str) -> pd.DataFrame:
    last = DAYS.to_series().groupby(DAYS.to_period(freq)).max()
    return PRICES[PRICES["date"].isin(last)]


@pytest.mark.parametrize(("freq", "rows"), [("D", 252), ("W", 365.25 / 7), ("M", 12)])
def test_every_figure_is_annual_by_the_rows_of_its_year(daily: Tables, freq: str, rows: float) -> None:
    tables = daily if freq == "D" else compared(last_rows(freq))
    for variant in ("honest", "as_published"):
        row, by_day = row_of(tables, variant), tables.daily
        if np.isnan(row["sharpe"]):
            assert (variant, freq) == ("as_published", "M")  # 24 rows: fewer than the 60 of the published loop
            continue
        returns = by_day.loc[(by_day["variant"] == variant) & (by_day["cost_bp"] == row["cost_bp"]), "daily_return"]
        returns = returns.dropna()
        assert row["sharpe"] == pytest.approx(returns.mean() / returns.std() * np.sqrt(rows), rel=1e-3)
        assert row["annual_return"] == pytest.approx(returns.mean() * rows, rel=1e-3)
        assert row["annual_volatility"] == pytest.approx(returns.std() * np.sqrt(rows), rel=1e-3)
        if variant == "as_published":
            continue
        assert row["sharpe_low"] < row["sharpe"] < row["sharpe_high"]
        assert row["placebo_low"] < row["placebo_sharpe"] < row["placebo_high"]
        assert row["n_tested"] >= 8
        costless = row_of(tables, cost=0)
        paid = costless["annual_return"] - row["annual_return"]
        assert paid == pytest.approx(0.0025 * row["turnover"])


def test_random_pairs_of_weeks_are_annual_by_weeks_too() -> None:
    tables, (before, during) = compared(last_rows("W")), windows_of(last_rows("W"))
    spreads = random_spreads(before, RULES.placebo_pool, 60, RULES.seed, longest_gap=2)
    pool = trade_pairs(during, spreads, entry=RULES.entry, stop=RULES.stop, longest_gap=2)
    row = row_of(tables, cost=0)
    returns = Placebo.draw(pool, row["n_pairs"], RULES.placebo_draws, RULES.seed).gross
    ratios = returns.mean(axis=0) / returns.std(axis=0, ddof=1) * np.sqrt(365.25 / 7)
    wanted = [ratios.mean(), *np.quantile(ratios, [0.025, 0.975])]
    assert row[["placebo_sharpe", "placebo_low", "placebo_high"]].tolist() == pytest.approx(wanted, rel=1e-3)


def test_a_ticker_of_seven_days_changes_nothing(daily: Tables) -> None:
    days = pd.date_range("2008-01-01", "2015-12-31")
    walk = 100 * np.exp(0.03 * np.random.default_rng(1).normal(size=len(days)).cumsum())
    coin = long(pd.DataFrame({"BTC-USD": walk}, index=days))
    tables = compared(pd.concat([PRICES, coin]))
    row, wanted = row_of(tables), row_of(daily)
    # The random pairs may be of the coin too; all else is as without it.
    others = [name for name in wanted.index if not name.startswith("placebo")]
    pd.testing.assert_series_equal(row[others], wanted[others], check_names=False)
    pd.testing.assert_frame_equal(tables.pairs, daily.pairs)


@pytest.mark.parametrize("spell", [str.lower, "  {} ".format, lambda t: t.replace("T0", "T.0").replace("T1", "T/1")])
def test_tickers_are_matched_in_any_spelling(daily: Tables, spell) -> None:
    renamed = {t: f"T-{t[1:]}" if "." in spell(t) or "/" in spell(t) else t for t in TICKERS}
    prices, members = (table.assign(ticker=table["ticker"].map(renamed)) for table in (PRICES, MEMBERS))
    wanted = compared(prices, members)
    same(compared(prices, MEMBERS.assign(ticker=MEMBERS["ticker"].map(spell))), wanted)
    same(compared(PRICES.assign(ticker=PRICES["ticker"].map(spell)), members), wanted)


def test_two_share_classes_are_no_candidates_but_of_the_published_variant(daily: Tables) -> None:
    company = MEMBERS["ticker"].replace({"T02": "T01"})
    tables = compared(PRICES, MEMBERS.assign(company=company))
    counts = [row_of(tables, variant)["n_candidates"] for variant in ("honest", "as_published")]
    assert counts == [17, 18]
    of_honest = tables.pairs[tables.pairs["variant"] == "honest"]
    before = daily.pairs[daily.pairs["variant"] == "honest"]
    assert ((before["ticker_a"] == "T01") & (before["ticker_b"] == "T02")).any()
    assert not ((of_honest["ticker_a"] == "T01") & (of_honest["ticker_b"] == "T02")).any()
    published = (table.pairs[table.pairs["variant"] == "as_published"] for table in (tables, daily))
    assert next(published).equals(next(published))


def test_a_ticker_that_is_passed_on_around_new_year_is_not_traded() -> None:
    table = PRICES.copy()
    gap = (table["ticker"] == "T11") & table["date"].between("2013-12-23", "2014-01-10")
    other = (table["ticker"] == "T11") & (table["date"] > "2014-01-10")
    table.loc[other, "close"] *= 1.01
    tables = compared(table[~gap])
    honest = tables.pairs[(tables.pairs["variant"] == "honest") & (tables.pairs["ticker_b"] == "T11")]
    assert len(honest) > 0  # listed when pairs were chosen: the last price is seven days old
    without = compared(table[~gap & ~other])
    columns = ["n_pairs", "n_trades", "sharpe", "n_delisted", "n_halted"]
    assert row_of(tables)[columns].tolist() == row_of(without)[columns].tolist()
    assert row_of(compared(table))["n_trades"] > row_of(tables)["n_trades"]


def test_a_window_has_its_own_rows_and_a_short_one_those_of_both() -> None:
    first = PRICES["date"] < "2014-01-01"
    weekly = compared(pd.concat([PRICES[first], last_rows("W")[last_rows("W")["date"] >= "2014-01-01"]]))
    assert weekly.calendar.rows_a_year == 365.25 / 7
    assert row_of(weekly)["n_tested"] == 10  # on days, as before
    week = compared(PRICES[PRICES["date"] < "2014-01-04"])
    assert week.calendar.rows_a_year == 252


def test_the_deflated_ratio_of_weeks_knows_what_a_week_is() -> None:
    halves = MEMBERS.assign(cluster_id=MEMBERS["ticker"].str[2].astype(int) % 2)
    methods = {"base": MEMBERS, "halves": halves}
    tables = compare_methods(*windows_of(last_rows("W")), methods, [2011, 2012, 2013], RULES)
    table = tables.backtest[(tables.backtest["variant"] == "honest") & (tables.backtest["cost_bp"] == 0)]
    largest = 0.4227843350984671 * norm.ppf(1 / 2) + 0.5772156649015329 * norm.ppf(1 - 1 / (2 * np.e))
    benchmark = table["sharpe"].std() * largest / np.sqrt(365.25 / 7)
    for row in table.itertuples():
        rows = (tables.daily["variant"] == "honest") & (tables.daily["cost_bp"] == 0)
        returns = tables.daily.loc[rows & (tables.daily["method"] == row.method), "daily_return"]
        weekly = returns.mean() / returns.std()
        error = np.sqrt(1 - skew(returns) * weekly + (kurtosis(returns, fisher=False) - 1) / 4 * weekly**2)
        wanted = norm.cdf((weekly - benchmark) * np.sqrt(len(returns) - 1) / error)
        assert row.sharpe_deflated == pytest.approx(wanted, rel=1e-6)
