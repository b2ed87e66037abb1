"""Pairs trading as assets: what the tables hold, that nothing in them knows the future, and what is missing is said."""

from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from compsim_assets.assets.trading import NAMES, pairs_trading_assets
from compsim_assets.contracts import TABLES
from compsim_assets.partitions import cutoff_modes
from compsim_assets.read import read_asset
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import managers
from compsim_assets.storage.results import Results
from compsim_assets.universe.layout import UniverseError

YEARS, COMPANIES, GROUPS = range(2010, 2017), 24, 4
RULES = {"placebo_pool": 150, "placebo_draws": 30, "bootstrap_draws": 60}
COSTS = [0, 10, 25, 50]


def reports() -> pd.DataFrame:
    rows = [
        {"report_id": 100 * i + year - 2000, "year": year, "company": i, "ticker": f"T{i:02d}"}
        for year in YEARS
        for i in range(COMPANIES)
    ]
    return pd.DataFrame(rows)


def prices() -> pd.DataFrame:
    """Groups of stocks around a common trend; T00 ends in 2015, T23 starts in 2013."""
    rng = np.random.default_rng(0)
    days = pd.bdate_range("2009-12-01", "2016-12-30")
    trend = rng.normal(0.0004, 0.012, (len(days), GROUPS)).cumsum(axis=0)
    own = np.zeros((len(days), COMPANIES))
    shocks = rng.normal(0, 0.008, own.shape)
    for day in range(1, len(days)):
        own[day] = 0.97 * own[day - 1] + shocks[day]
    values = 30 * np.exp(np.repeat(trend, COMPANIES // GROUPS, axis=1) + own)
    values[days > "2015-05-29", 0] = np.nan
    values[days < "2013-06-03", 23] = np.nan
    names = [f"T{i:02d}" for i in range(COMPANIES)]
    table = pd.DataFrame(values, index=days.date, columns=names).melt(ignore_index=False)
    table = table.reset_index().set_axis(["date", "ticker", "adj_close"], axis=1)
    return table.dropna(subset="adj_close")[["ticker", "date", "adj_close"]]


def inputs() -> dict[str, pd.DataFrame]:
    table = reports()
    group = table["company"] // (COMPANIES // GROUPS)
    clusters = table[["year", "report_id"]].assign(cluster_id=group + 1)
    named = clusters.assign(cluster_id=group.astype(str))
    halves = clusters.assign(cluster_id=(table["company"] % 2).astype(str), method="embedded")
    early = clusters[clusters["year"] < 2011]
    return {
        "clusters": clusters,
        "baseline_clusters": named.assign(method="sic_code"),
        "walk_forward_clusters": early,
        "embedding_clusters": halves,
        "descriptions": table.drop(columns="company").assign(
            cik=table["ticker"], company_name="C", sic_code="2834", industry="D", description="text"
        ),
        "price_history": prices(),
    }


def trade(folder: Path, tables: dict[str, pd.DataFrame], **options: Any) -> dict[str, dict]:
    """Materialize the trading assets on these tables; metadata by asset."""
    settings = Settings(source="local", data=str(folder))
    given = [dg.AssetSpec(name, partitions_def=cutoff_modes if name == "clusters" else None) for name in tables]
    assets = [pairs_trading_assets, *(spec.with_io_manager_key("io_manager") for spec in given)]
    results = Results.of(settings)
    for name in tables:
        arrow = pa.Table.from_pandas(
            tables[name][TABLES[name].names],
            schema=pa.schema([(c.name, c.arrow_type()) for c in TABLES[name].columns]),
            preserve_index=False,
        )
        results.write_table(results.table(name, "base" if name == "clusters" else None), arrow)
    config = {"ops": {"pairs_trading": {"config": {**RULES, **options.pop("config", {})}}}}
    selection = options.pop("selection", [pairs_trading_assets])
    done = dg.materialize(assets, selection=selection, resources=managers(settings), run_config=config)
    made = done.asset_materializations_for_node("pairs_trading")
    return {m.asset_key.path[-1]: {k: v.value for k, v in m.metadata.items()} for m in made}


def read(folder: Path, name: str) -> pd.DataFrame:
    return read_asset(name, source="local", data=folder)


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict]]:
    folder = tmp_path_factory.mktemp("trading")
    return folder, trade(folder, inputs())


def rows_of(folder: Path, name: str, **wanted: Any) -> pd.DataFrame:
    table = read(folder, name)
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table.reset_index(drop=True)


def test_every_method_has_a_row_as_published_and_one_a_cost(traded: Any) -> None:
    table = read(traded[0], "pairs_backtest")
    methods = ["base", "walk_forward", "sic_code", "embedded"]
    published = table[table["variant"] == "as_published"]
    assert published["method"].tolist() == methods
    assert published["cost_bp"].tolist() == [0] * 4
    honest = table[table["variant"] == "honest"]
    assert honest["method"].tolist() == [method for method in methods for _ in COSTS]
    assert honest["cost_bp"].tolist() == COSTS * 4


def test_counts_go_down_from_candidates_to_pairs(traded: Any) -> None:
    folder = traded[0]
    per_group, half = COMPANIES // GROUPS, COMPANIES // 2
    wanted = {"base": GROUPS * per_group * (per_group - 1) // 2, "embedded": half * (half - 1), "walk_forward": 0}
    for row in read(folder, "pairs_backtest").itertuples():
        if row.method in wanted:
            assert row.n_candidates == wanted[row.method]
        pairs = rows_of(folder, "cointegrated_pairs", variant=row.variant, method=row.method)
        assert row.n_pairs == len(pairs)
        assert row.n_candidates >= row.n_tested >= row.n_pairs
    base = read(folder, "pairs_backtest").query("method == 'base'")
    assert (base["n_pairs"] > 3).all()


def test_chosen_pairs_pass_their_tests_and_share_a_cluster(traded: Any) -> None:
    pairs = read(traded[0], "cointegrated_pairs")
    assert (pairs["ticker_a"] < pairs["ticker_b"]).all()
    base = pairs[pairs["method"] == "base"]
    group = [base[side].str[1:].astype(int) // (COMPANIES // GROUPS) for side in ("ticker_a", "ticker_b")]  # fmt: skip
    assert (group[0] == group[1]).all()
    assert (base["n_years"] == 3).all()
    assert str(pairs["last_day"].max()) <= "2013-12-31"
    published, honest = (pairs[pairs["variant"] == v] for v in ("as_published", "honest"))
    assert (published["p_value"] < 0.01).all()
    assert (published[["hedge_ratio", "intercept"]] == [1, 0]).all(axis=None)
    assert published["p_adjusted"].isna().all()
    assert (honest["p_adjusted"] < 0.05).all()
    assert (honest["p_adjusted"] >= honest["p_value"]).all()
    # T23 has too few days for the honest test.
    assert "T23" not in set(honest["ticker_b"])


def test_each_method_pays_for_its_own_number_of_tests(traded: Any, tmp_path: Path) -> None:
    trade(tmp_path, inputs(), config={"max_q": 1.0})
    sizes = set()
    for method in ("base", "embedded"):
        tested = rows_of(tmp_path, "cointegrated_pairs", variant="honest", method=method)
        tested = tested.sort_values("p_value")
        row = rows_of(tmp_path, "pairs_backtest", variant="honest", method=method).iloc[0]
        # Benjamini and Hochberg by hand; pairs that are missing have an adjusted p-value of 1.
        scaled = tested["p_value"] * row["n_tested"] / np.arange(1, len(tested) + 1)
        wanted = scaled[::-1].cummin()[::-1].clip(upper=1)
        assert tested["p_adjusted"].to_numpy() == pytest.approx(wanted)
        chosen = rows_of(traded[0], "cointegrated_pairs", variant="honest", method=method)
        assert len(chosen) == (tested["p_adjusted"] < 0.05).sum()
        sizes.add(row["n_tested"])
    assert len(sizes) == 2


def test_figures_are_those_of_the_daily_table(traded: Any) -> None:
    folder = traded[0]
    for row in read(folder, "pairs_backtest").itertuples():
        key = {"variant": row.variant, "method": row.method, "cost_bp": row.cost_bp}
        daily = rows_of(folder, "pairs_daily", **key)
        if row.n_pairs == 0:
            assert daily.empty
            assert np.isnan(row.sharpe)
            continue
        returns = daily["daily_return"].dropna()
        assert row.annual_return == pytest.approx(252 * returns.mean())
        assert row.annual_volatility == pytest.approx(252**0.5 * returns.std())
        assert row.sharpe == pytest.approx(row.annual_return / row.annual_volatility)
        peak = np.maximum(daily["equity"].cummax(), 1)
        assert row.max_drawdown == pytest.approx(((peak - daily["equity"]) / peak).max())
        if row.variant == "honest":
            assert daily["equity"].to_numpy() == pytest.approx(1 + returns.cumsum())
            assert row.sharpe_low < row.sharpe < row.sharpe_high
            assert row.placebo_low < row.placebo_sharpe < row.placebo_high
            assert 0 <= row.sharpe_deflated <= 1
            assert (daily["placebo_low"] <= daily["placebo_median"]).all()
        else:
            assert returns.to_numpy() == pytest.approx(daily["equity"].pct_change().dropna())
            assert np.isnan(row.sharpe_low)
            assert np.isnan(row.turnover)


def test_costs_are_paid_on_what_is_traded(traded: Any) -> None:
    base = rows_of(traded[0], "pairs_backtest", variant="honest", method="base")
    base = base.sort_values("cost_bp")
    assert base["turnover"].nunique() == 1
    paid = base["annual_return"].iloc[0] - base["annual_return"]
    assert paid.to_numpy() == pytest.approx(base["cost_bp"] / 1e4 * base["turnover"], abs=1e-12)
    assert base["turnover"].iloc[0] > 0


def test_a_delisted_name_is_traded_until_it_ends(traded: Any) -> None:
    folder = traded[0]
    pairs = rows_of(folder, "cointegrated_pairs", variant="honest", method="base")
    assert (pairs["ticker_a"] == "T00").any()
    assert (rows_of(folder, "pairs_backtest", variant="honest", method="base")["n_delisted"] > 0).all()  # fmt: skip


def test_nothing_honest_knows_a_later_price(traded: Any, tmp_path: Path) -> None:
    folder = traded[0]
    day = pd.Timestamp("2015-03-10").date()
    tables = inputs()
    later = tables["price_history"]["date"] > day
    noise = np.random.default_rng(9).lognormal(3, 1, int(later.sum()))
    tables["price_history"].loc[later, "adj_close"] = noise
    trade(tmp_path, tables)

    def until(where: Path, variant: str) -> bytes:
        daily = rows_of(where, "pairs_daily", variant=variant)
        daily = daily[daily["date"] <= day]
        assert daily["date"].max() == day
        return daily.to_csv(float_format="%r").encode()

    def chosen(where: Path) -> bytes:
        return rows_of(where, "cointegrated_pairs", variant="honest").to_csv().encode()

    assert chosen(tmp_path) == chosen(folder)
    assert until(tmp_path, "honest") == until(folder, "honest")
    # The published variant does know them.
    assert until(tmp_path, "as_published") != until(folder, "as_published")
    assert not read(tmp_path, "pairs_backtest").equals(read(folder, "pairs_backtest"))


def test_metadata_say_windows_traps_and_methods_with_nothing_to_trade(traded: Any) -> None:
    said = traded[1]
    assert set(said) == set(NAMES)
    for name in NAMES:
        assert "trading 2014 to 2016 (the paper's)" in said[name]["windows"]
        assert "never cleared" in said[name]["traps"]
        assert "without clusters in 2011 to 2013: walk_forward." in said[name]["note"]
    lines = said["pairs_backtest"]["summary"].splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        "base", "walk_forward", "sic_code", "embedded",
    ]  # fmt: skip
    assert "nan" not in said["pairs_backtest"]["summary"]


NOTES = {"without_prices", "days_left_out", "dead_stocks", "total_losses", "several_series", "calendar", "halts"}


def test_of_ordinary_prices_nothing_is_noted(traded: Any) -> None:
    assert not any(NOTES & set(metadata) for metadata in traded[1].values())


def odd_prices() -> pd.DataFrame:
    """Of the chosen pairs' tickers one is halted, one lost, one padded, one passed on before trading, one renamed; and
    a coin trades on all days.
    """
    table = prices()
    date = pd.to_datetime(table["date"])
    of = {ticker: table["ticker"] == ticker for ticker in ("T01", "T02", "T06", "T07", "T12")}
    table.loc[of["T02"] & (date >= "2015-03-02"), "adj_close"] = 0.0
    stale = of["T06"] & (date >= "2015-06-01")
    table.loc[stale, "adj_close"] = table.loc[stale, "adj_close"].iloc[0]
    table.loc[of["T07"] & (date < "2012-01-01"), "adj_close"] *= 5
    gap = (of["T01"] & date.between("2014-05-01", "2014-08-01")) | (
        of["T07"] & date.between("2011-12-01", "2011-12-31")
    )
    table.loc[of["T12"], "ticker"] = "T-12"
    days = pd.date_range("2009-12-01", "2016-12-30").date
    coin = pd.DataFrame({"ticker": "coin", "date": days, "adj_close": 100 + np.arange(len(days)) % 17})
    return pd.concat([table[~gap], coin])


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict]]:
    folder, tables = tmp_path_factory.mktemp("odd"), inputs()
    tables["price_history"] = odd_prices()
    return folder, trade(folder, tables)


def test_what_is_not_as_usual_is_counted_and_named(odd: Any) -> None:
    weekends = len(pd.date_range("2009-12-01", "2016-12-30")) - len(pd.bdate_range("2009-12-01", "2016-12-30"))
    for metadata in odd[1].values():
        assert NOTES - set(metadata) == {"calendar"}
        assert metadata["without_prices"].endswith("no price: 1: T12")
        assert metadata["days_left_out"].startswith(f"{weekends:,} days from 2009-12-05 on")
        assert metadata["days_left_out"].endswith("(1: COIN)")
        assert metadata["dead_stocks"].endswith(": 2: T02, T06")  # the zeros after the first one are repeats too
        assert metadata["total_losses"].endswith(": 1: T02")
        assert metadata["several_series"].endswith(": 1: T07")
        assert "base" in metadata["halts"]


def test_halted_lost_and_padded_stocks_end_as_they_should(odd: Any) -> None:
    pairs = rows_of(odd[0], "cointegrated_pairs", variant="honest", method="base")
    for ticker in ("T01", "T02", "T06"):
        assert (pairs[["ticker_a", "ticker_b"]] == ticker).any(axis=None)
    of_present = pairs[(pairs[["ticker_a", "ticker_b"]] == "T07").any(axis=1)]
    assert (of_present["first_day"].astype(str) >= "2012-01-02").all()
    daily = rows_of(odd[0], "pairs_daily", variant="honest", method="base", cost_bp=0)
    assert daily["daily_return"].notna().all()
    assert np.isfinite(daily["equity"]).all()
    assert pd.to_datetime(daily["date"]).dt.dayofweek.max() == 4


def test_prices_of_other_tickers_are_refused(tmp_path: Path) -> None:
    tables = inputs()
    tables["price_history"]["ticker"] = "X" + tables["price_history"]["ticker"]
    message = r"none of the tickers.*The reports have 24: T00, T01, T02, \.\.\.; the prices have 24: XT00, XT01, XT02"
    with pytest.raises(UniverseError, match=message):
        trade(tmp_path, tables)


def test_two_spellings_of_a_ticker_with_different_prices_are_refused(tmp_path: Path) -> None:
    tables = inputs()
    table = tables["price_history"]
    again = table[table["ticker"] == "T03"].assign(ticker="t03", adj_close=1.0)
    tables["price_history"] = pd.concat([table, again])
    with pytest.raises(UniverseError, match=r"prices: a ticker has two prices on one day.*T03 on 2009-12-01"):
        trade(tmp_path, tables)


def test_reports_without_any_ticker_trade_nothing_and_say_so(tmp_path: Path) -> None:
    tables = inputs()
    tables["descriptions"]["ticker"] = None
    notes = trade(tmp_path, tables)
    assert (read(tmp_path, "pairs_backtest")["n_candidates"] == 0).all()
    assert "no report has a ticker" in notes["pairs_backtest"]["without_prices"]


def test_share_classes_are_candidates_of_the_published_variant_alone(traded: Any, tmp_path: Path) -> None:
    tables = inputs()
    tables["descriptions"]["cik"] = tables["descriptions"]["cik"].replace({"T02": "T01"})
    trade(tmp_path, tables)
    wanted = rows_of(traded[0], "pairs_backtest", method="base").set_index("variant")["n_candidates"]
    counts = rows_of(tmp_path, "pairs_backtest", method="base").set_index("variant")["n_candidates"]
    assert (wanted - counts).to_dict() == {"as_published": 0, "honest": 1}


def test_one_asset_can_be_asked_for_alone(tmp_path: Path) -> None:
    said = trade(tmp_path, inputs(), selection=["pairs_backtest"])
    assert list(said) == ["pairs_backtest"]
    assert not (tmp_path / "local" / "pairs_daily.parquet").exists()


def test_a_universe_without_prices_gives_empty_tables(tmp_path: Path) -> None:
    tables = inputs()
    tables["price_history"] = tables["price_history"].iloc[:0]
    said = trade(tmp_path, tables)
    for name in NAMES:
        assert read(tmp_path, name).empty
        assert "no prices" in said[name]["note"]


def test_prices_of_other_years_give_rows_without_figures(tmp_path: Path) -> None:
    tables = inputs()
    old = pd.to_datetime(tables["price_history"]["date"]) < "2014-01-01"
    tables["price_history"] = tables["price_history"][old]
    trade(tmp_path, tables)
    table = read(tmp_path, "pairs_backtest")
    assert table["sharpe"].isna().all()
    assert table["first_day"].isna().all()
    assert read(tmp_path, "pairs_daily").empty
    assert len(read(tmp_path, "cointegrated_pairs"))


def test_two_cluster_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    tables = inputs()
    tables["embedding_clusters"]["method"] = "sic_code"
    with pytest.raises(UniverseError, match="two cluster sets are named 'sic_code'"):
        trade(tmp_path, tables)
