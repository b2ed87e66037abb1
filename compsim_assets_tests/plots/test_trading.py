import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import date2num, num2date

from compsim_assets.plots.methods import method_styles
from compsim_assets.plots.trading import equity_curves
from compsim_assets_tests.plots.frames import LONG, drawn, line_of, shown, texts, trading
from compsim_assets_tests.plots.readable import assert_readable

EIGHT = ("base", "rolling", "walk_forward", "sic_code", "sic_division", "GCD", "GCDR", f"{LONG}_kmeans")
DAILY, BACKTEST = trading()
PUBLISHED = DAILY["variant"] == "as_published"


@pytest.fixture(scope="module")
def eight():
    """A figure of eight methods over six and a half years; not to be changed."""
    return equity_curves(*trading(EIGHT, days=170, step=10), True)


def _of(variant, method, cost):
    rows = (DAILY["variant"] == variant) & (DAILY["method"] == method)
    return DAILY[rows & (DAILY["cost_bp"] == cost)].sort_values("date")


def _honest_panels(figure):
    return {axes.get_title(loc="left"): axes for axes in figure.axes[1:]}


def test_curves_are_the_equity_by_day():
    top, *panels = shown("trading").axes
    for method, axes in zip(("base", "sic_code", "GCD"), panels, strict=True):
        for where, gid, rows in (
            (top, "as-published", _of("as_published", method, 0)),
            (axes, "honest", _of("honest", method, 0)),
            (axes, "highest-cost", _of("honest", method, 50)),
        ):
            line = line_of(where, f"{gid}:{method}")
            np.testing.assert_array_equal(line.get_ydata(), rows["equity"])
            np.testing.assert_array_equal(line.get_xdata(), date2num(rows["date"].to_numpy()))
        assert line_of(axes, f"honest:{method}").get_linestyle() == "-"
        assert line_of(axes, f"highest-cost:{method}").get_linestyle() == "--"
    assert not [line for line in top.lines if not line.get_gid().startswith("as-published")]


def test_the_band_is_the_placebo_of_the_lowest_cost():
    for method, axes in zip(("base", "sic_code", "GCD"), shown("trading").axes[1:], strict=True):
        (band,) = [part for part in axes.collections if part.get_gid() == f"placebo:{method}"]
        rows = _of("honest", method, 0)
        corners = band.get_paths()[0].vertices[:, 1]
        assert corners.min() == rows["placebo_low"].min()
        assert corners.max() == rows["placebo_high"].max()
        low, high = axes.get_ylim()
        assert low < corners.min() < corners.max() < high


def test_a_variant_without_placebo_has_no_band_and_no_entry_for_it():
    figure = equity_curves(DAILY.assign(placebo_low=np.nan, placebo_high=np.nan), BACKTEST, False)
    assert not [part for axes in figure.axes for part in axes.collections]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["At 0 bp a trade", "At 50 bp"]


def test_sharpe_ratios_are_written_with_their_intervals():
    figure = shown("trading")
    rows = BACKTEST[BACKTEST["method"] == "GCD"].set_index(["variant", "cost_bp"])
    row, costly = rows.loc[("honest", 0)], rows.loc[("honest", 50), "sharpe"]
    written = [text.get_text() for text in figure.axes[3].texts]
    expected = f"Sharpe {row['sharpe']:.2f} [{row['sharpe_low']:.2f}, {row['sharpe_high']:.2f}], at 50 bp {costly:.2f}"
    assert written == [expected.replace("-", "−"), "Random pairs 0.05 [−0.65, 0.75]"]
    published = rows.loc[("as_published", 0), "sharpe"]
    assert drawn(figure, "key:GCD:0")[0].get_text() == f"{published:.2f}"


def test_without_interval_or_highest_cost_the_sharpe_stands_alone():
    one_cost = DAILY[DAILY["cost_bp"] == 0]
    backtest = BACKTEST.assign(sharpe=0.5, sharpe_low=np.nan, placebo_sharpe=np.nan)
    backtest = backtest.assign(placebo_low=np.nan)
    figure = equity_curves(one_cost, backtest, False)
    assert [text.get_text() for text in figure.axes[1].texts] == ["Sharpe 0.50", "Random pairs –"]
    assert not drawn(figure, "highest-cost:base")


@pytest.mark.parametrize(
    ("freq", "annual"),
    [("B", "daily, times the root of 252"), ("W", "times the root of the rows a year"),
     ("D", "times the root of the rows a year")],
)  # fmt: skip
def test_the_note_says_what_ratios_are_annual_by(freq, annual):
    dates = pd.Series(pd.date_range("2014-01-02", periods=DAILY["date"].nunique(), freq=freq).date)
    daily = DAILY.assign(date=DAILY["date"].map(dict(zip(sorted(DAILY["date"].unique()), dates, strict=True))))
    assert any(f"Sharpe ratios: {annual}, risk-free" in text for text in texts(equity_curves(daily, BACKTEST, False)))


def test_equity_that_explodes_is_drawn_in_logs_and_other_equity_is_not():
    top, *panels = shown("trading").axes
    assert top.get_yscale() == "log"
    assert top.get_title(loc="left").endswith("(log scale)")
    assert {axes.get_yscale() for axes in panels} == {"linear"}
    top, *_ = equity_curves(*trading(("base",), rate=1e-4), False).axes
    assert top.get_yscale() == "linear"
    assert top.get_title(loc="left") == "As published, traps included"


def test_equity_below_zero_leaves_the_panel_spoils_no_scale_and_is_named():
    ruined = PUBLISHED & (DAILY["method"] == "GCD")
    daily = DAILY.assign(equity=DAILY["equity"] - 900 * ruined)
    top = equity_curves(daily, BACKTEST, False).axes[0]
    assert top.get_yscale() == "log"
    drawn_equity = daily.loc[PUBLISHED & ~ruined, "equity"]
    assert 0.1 < top.get_ylim()[0] < min(drawn_equity.min(), 1)
    assert top.get_ylim()[1] > drawn_equity.max()
    assert top.get_title(loc="right") == "Not drawn below zero: GCD (SAE, base)"
    assert shown("trading").axes[0].get_title(loc="right") == ""


def test_several_methods_below_zero_are_counted_and_one_below_a_hundredth_spoils_no_scale():
    ruined, spent = DAILY["method"].isin(["GCD", "sic_code"]), DAILY["date"] == DAILY["date"].max()
    daily = DAILY.assign(equity=DAILY["equity"].where(~(PUBLISHED & spent), 1e-9) - 900 * (PUBLISHED & ruined))
    top = equity_curves(daily, BACKTEST, False).axes[0]
    assert top.get_title(loc="right") == "Not drawn below zero: 2 methods"
    assert top.get_yscale() == "log"
    assert 0.001 < top.get_ylim()[0] < 0.01
    assert top.get_ylim()[1] > daily["equity"].max()


def test_all_honest_panels_have_one_scale_and_the_same_days(eight):
    top, *panels = eight.axes
    assert len(panels) == len(EIGHT)
    assert len({axes.get_ylim() for axes in panels}) == 1
    assert {axes.get_xlim() for axes in panels} == {top.get_xlim()}
    low, high = panels[0].get_ylim()
    for axes in panels:
        for line in axes.lines:
            assert low < np.min(line.get_ydata()) <= np.max(line.get_ydata()) < high


def test_one_honest_panel_per_method_named_and_coloured(eight):
    one, four = (equity_curves(*trading(EIGHT[:count], days), False) for count, days in ((1, 1), (4, 40)))
    for figure, count in ((one, 1), (four, 4), (eight, 8)):
        assert_readable(figure)
        panels, styles = _honest_panels(figure), method_styles(EIGHT[:count])
        assert list(panels) == [style.label for style in styles.values()]
        for name, style in styles.items():
            assert line_of(panels[style.label], f"honest:{name}").get_color() == style.colour


def test_a_method_without_a_traded_pair_has_an_empty_panel():
    without = DAILY[DAILY["method"] != "sic_code"]
    panels = _honest_panels(equity_curves(without, BACKTEST, False))
    assert [text.get_text() for text in panels["SIC codes"].texts] == ["No pair was traded"]
    assert not panels["SIC codes"].lines


@pytest.mark.parametrize("variant", ["as_published", "honest"])
def test_one_variant_alone_says_that_the_other_is_missing(variant):
    tables = [table[table["variant"] == variant] for table in (DAILY, BACKTEST)]
    figure = equity_curves(*tables, False)
    assert texts(figure).count("No pair was traded in this variant") == 1
    assert_readable(figure)


@pytest.mark.parametrize("kind", ["object", "datetime64[ns]"])
def test_dates_are_labelled_within_the_days_traded(kind):
    daily, backtest = trading(("base",), days=170, step=10)
    figure = equity_curves(daily.assign(date=daily["date"].astype(kind)), backtest, False)
    figure.draw_without_rendering()
    axes = figure.axes[1]
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
    assert [tick.label1.get_text() for tick in ticks] == ["2014", "2016", "2018", "2020"]
    assert num2date(ticks[0].get_loc()).date() == pd.Timestamp("2014-01-01").date()
    assert any(f"2014-01-02 to {daily['date'].max()}." in text for text in texts(figure))
