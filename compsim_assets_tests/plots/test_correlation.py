import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from compsim_assets.plots.correlation import _pooled, mean_correlation_by_theta, mean_correlation_by_year
from compsim_assets.plots.methods import method_styles
from compsim_assets_tests.plots.frames import METHODS, curve, cutoffs, drawn, mean_correlation, population, texts


def _line(axes, gid):
    (line,) = [line for line in axes.lines if line.get_gid() == gid]
    return line


def _tick_labels(axes):
    axes.figure.draw_without_rendering()
    return [label.get_text() for label in axes.get_xticklabels()]


def test_every_methods_line_is_its_column():
    table = mean_correlation()
    panels = mean_correlation_by_year(table, False).axes
    for axes, column, scale in zip(panels, ("mean_correlation", "pair_weighted", "coverage"), (1, 1, 100), strict=True):
        for method in METHODS:
            rows = table[table["method"] == method].sort_values("year")
            line = _line(axes, f"method:{method}")
            np.testing.assert_array_equal(line.get_xdata(), rows["year"])
            np.testing.assert_allclose(line.get_ydata(), scale * rows[column])
            assert to_hex(line.get_color()).upper() == method_styles([method])[method].colour


def test_population_is_drawn_where_it_means_something():
    first, second, coverage = mean_correlation_by_year(mean_correlation(), False).axes
    assert _line(first, "method:population")
    assert _line(second, "method:population")
    assert not [line for line in coverage.lines if line.get_gid() == "method:population"]


def test_a_year_without_a_value_or_a_row_is_a_gap():
    table = mean_correlation(range(2001, 2007), ("base",)).sort_values("year", ignore_index=True)
    table.loc[1, "mean_correlation"] = np.nan
    table = table.drop(index=3)
    line = _line(mean_correlation_by_year(table, False).axes[0], "method:base")
    np.testing.assert_array_equal(line.get_xdata(), range(2001, 2007))
    np.testing.assert_array_equal(np.isnan(line.get_ydata()), [0, 1, 0, 1, 0, 0])


def test_key_averages_common_years_only():
    table = mean_correlation(range(2001, 2004), ("base", "rolling", "population"))
    table["mean_correlation"] = table["year"] - 2000.0
    table["pair_weighted"] = (table["year"] - 2000.0) / 10
    early = (table["method"] == "rolling") & (table["year"] == 2001)
    figure = mean_correlation_by_year(table[~early], False)
    cells = [drawn(figure, f"key:base:{k}")[0].get_text() for k in range(2)]
    assert cells == ["2.500", "0.250"]
    assert any("2002 to 2003 (2)" in text for text in texts(figure))


def test_key_has_no_means_without_a_common_year():
    table = mean_correlation(range(2001, 2003), ("base", "rolling"))
    table = table[(table["method"] == "base") == (table["year"] == 2001)]
    figure = mean_correlation_by_year(table, False)
    assert not drawn(figure, "key:base:0")
    assert any("no year in common" in text for text in texts(figure))


def test_a_method_without_any_value_has_a_dash_and_no_line():
    table = mean_correlation(methods=("base", "rolling"))
    table.loc[table["method"] == "rolling", "mean_correlation"] = np.nan
    figure = mean_correlation_by_year(table, False)
    assert [line.get_gid() for line in figure.axes[0].lines] == ["method:base"]
    assert drawn(figure, "key:rolling:0")[0].get_text() == "–"


@pytest.mark.parametrize("coverage", ["absent", "unknown"])
def test_coverage_panel_needs_coverage(coverage):
    table = mean_correlation()
    table = table.drop(columns="coverage") if coverage == "absent" else table.assign(coverage=np.nan)
    assert len(mean_correlation_by_year(table, False).axes) == 2


@pytest.mark.parametrize(
    ("years", "labels"),
    [
        (range(2012, 2013), ["2012"]),
        (range(2012, 2015), ["2012", "2013", "2014"]),
        (range(1996, 2021), ["2000", "2005", "2010", "2015", "2020"]),
    ],
)
def test_years_are_whole_numbers(years, labels):
    figure = mean_correlation_by_year(mean_correlation(years), False)
    assert _tick_labels(figure.axes[-1]) == labels
    assert figure.axes[-1].get_xlim()[0] < years[0]
    assert figure.axes[-1].get_xlim()[1] > years[-1]


def test_close_values_keep_plain_tick_labels():
    table = mean_correlation(range(2012, 2013), ("base", "rolling"))
    table["mean_correlation"] = [0.54360, 0.54361]
    axes = mean_correlation_by_year(table, False).axes[0]
    assert np.ptp(axes.get_ylim()) >= 0.1
    axes.figure.draw_without_rendering()
    assert axes.yaxis.get_offset_text().get_text() == ""


def test_unknown_methods_are_drawn_and_named():
    figure = mean_correlation_by_year(mean_correlation(methods=("base", "PaLM-gecko")), False)
    assert drawn(figure, "method:PaLM-gecko")
    assert "PaLM-gecko" in texts(figure)


def _theta_panels(figure):
    return {int(axes.get_title(loc="left")): axes for axes in figure.axes}


def test_steps_are_the_curve_and_go_on_to_the_right():
    table = curve()
    panels = _theta_panels(mean_correlation_by_theta(table, cutoffs(), population(), False))
    assert sorted(panels) == list(range(2001, 2008))
    for year, axes in panels.items():
        rows = table[table["year"] == year].sort_values("theta")
        for gid, column in (("mean-correlation", "mean_correlation"), ("by-pairs", "pair_weighted_mean_correlation")):
            line = _line(axes, gid)
            assert line.get_drawstyle() == "steps-post"
            np.testing.assert_array_equal(line.get_xdata()[:-1], rows["theta"])
            np.testing.assert_array_equal(line.get_ydata()[:-1], rows[column])
            assert line.get_xdata()[-1] == axes.get_xlim()[1]
            assert line.get_ydata()[-1] == rows[column].iloc[-1]


def test_each_panel_has_its_modes_thetas_and_its_population():
    chosen, level = cutoffs(), population()
    panels = _theta_panels(mean_correlation_by_theta(curve(), chosen, level, False))
    for year, axes in panels.items():
        assert _line(axes, "population").get_ydata()[0] == level[year]
        for mode, frame in chosen.items():
            theta = frame.loc[frame["year"] == year, "theta"].tolist()
            lines = [line for line in axes.lines if line.get_gid() == f"theta:{mode}"]
            assert [line.get_xdata()[0] for line in lines] == theta


def test_changing_theta_is_written_in_the_panel_and_a_fixed_one_in_the_legend():
    figure = mean_correlation_by_theta(curve(), cutoffs(), population(), False)
    panels = _theta_panels(figure)
    assert [text.get_text() for text in panels[2006].texts] == ["−3.3"]
    assert [text.get_text() for text in panels[2001].texts] == []
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["MeanCorr", "By pairs", "Population", "Base theta −3.05", "Rolling theta"]


@pytest.mark.parametrize("count", [1, 7, 28])
def test_one_panel_a_year_on_shared_axes(count):
    years = range(1993, 1993 + count)
    figure = mean_correlation_by_theta(curve(years, 4), cutoffs(years), population(years), False)
    assert len(figure.axes) == count
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    # The lowest panel of each column has tick labels, also above an empty cell.
    lowest = figure.axes[-min(count, 5) :]
    assert all(axes.xaxis.get_tick_params()["labelbottom"] for axes in lowest)


def test_steps_below_the_searched_thetas_do_not_set_the_scale():
    table = curve()
    wild = table.iloc[:1].assign(theta=-9.0, mean_correlation=-7.0, year=2001)
    middle = table.iloc[:1].assign(theta=-8.0, mean_correlation=0.3, year=2001)
    both = pd.concat([table, wild, middle], ignore_index=True)
    axes = mean_correlation_by_theta(both, cutoffs(), population(), False).axes[0]
    assert axes.get_xlim()[0] == -5.0
    assert -1 < axes.get_ylim()[0] <= 0


def test_missing_cutoffs_and_population_leave_the_curves():
    none = {"base": cutoffs()["base"], "rolling": cutoffs()["rolling"].iloc[:0]}
    figure = mean_correlation_by_theta(curve(), none, population().iloc[:0], False)
    assert len(figure.axes) == 7
    assert "Rolling theta (none)" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_keys_pair_weighted_value_is_pooled_over_all_pairs() -> None:
    rows = pd.DataFrame({"pair_weighted": [0.5, 0.1, np.nan], "n_pairs": [1, 3, 0]})
    assert _pooled(rows) == pytest.approx((0.5 + 3 * 0.1) / 4)
    assert _pooled(rows.drop(columns="n_pairs")) == pytest.approx(0.3)
