import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from compsim_assets.plots.correlation_by_year import _pooled, mean_correlation_by_year
from compsim_assets.plots.methods import method_styles
from compsim_assets_tests.plots.frames import METHODS, drawn, line_of, mean_correlation, shown, texts, tick_labels


def test_every_methods_line_is_its_column():
    table = mean_correlation()
    panels = shown("by-year").axes
    for axes, column, scale in zip(panels, ("mean_correlation", "pair_weighted", "coverage"), (1, 1, 100), strict=True):
        for method in METHODS:
            rows = table[table["method"] == method].sort_values("year")
            line = line_of(axes, f"method:{method}")
            np.testing.assert_array_equal(line.get_xdata(), rows["year"])
            np.testing.assert_allclose(line.get_ydata(), scale * rows[column])
            assert to_hex(line.get_color()).upper() == method_styles([method])[method].colour


def test_population_is_drawn_where_it_means_something():
    first, second, coverage = shown("by-year").axes
    assert line_of(first, "method:population")
    assert line_of(second, "method:population")
    assert not [line for line in coverage.lines if line.get_gid() == "method:population"]


def test_a_year_without_a_value_or_a_row_is_a_gap():
    table = mean_correlation(range(2001, 2007), ("base",)).sort_values("year", ignore_index=True)
    table.loc[1, "mean_correlation"] = np.nan
    table = table.drop(index=3)
    line = line_of(mean_correlation_by_year(table, False).axes[0], "method:base")
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


def test_a_method_without_any_value_has_a_dash_and_noline_of():
    table = mean_correlation(methods=("base", "rolling"))
    table.loc[table["method"] == "rolling", "mean_correlation"] = np.nan
    figure = mean_correlation_by_year(table, False)
    assert [line.get_gid() for line in figure.axes[0].lines] == ["method:base"]
    assert drawn(figure, "key:rolling:0")[0].get_text() == "–"


def test_coverage_panel_needs_coverage():
    table = mean_correlation(methods=("base",))
    for without in (table.drop(columns="coverage"), table.assign(coverage=np.nan)):
        assert len(mean_correlation_by_year(without, False).axes) == 2


@pytest.mark.parametrize(
    ("years", "labels"),
    [
        (range(2012, 2013), ["2012"]),
        (range(2012, 2015), ["2012", "2013", "2014"]),
        (range(1996, 2021), ["2000", "2005", "2010", "2015", "2020"]),
    ],
)
def test_years_are_whole_numbers(years, labels):
    figure = mean_correlation_by_year(mean_correlation(years, ("base",)), False)
    assert tick_labels(figure.axes[-1]) == labels
    assert figure.axes[-1].get_xlim()[0] < years[0]
    assert figure.axes[-1].get_xlim()[1] > years[-1]


def test_close_values_keep_plaintick_labels():
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


def test_the_keys_pair_weighted_value_is_pooled_over_all_pairs() -> None:
    rows = pd.DataFrame({"pair_weighted": [0.5, 0.1, np.nan], "n_pairs": [1, 3, 0]})
    assert _pooled(rows) == pytest.approx((0.5 + 3 * 0.1) / 4)
    assert _pooled(rows.drop(columns="n_pairs")) == pytest.approx(0.3)
