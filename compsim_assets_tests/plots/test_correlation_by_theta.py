import numpy as np
import pandas as pd

from compsim_assets.plots.correlation_by_theta import mean_correlation_by_theta
from compsim_assets_tests.plots.frames import curve, cutoffs, line_of, population, shown


def _theta_panels(figure):
    return {int(axes.get_title(loc="left")): axes for axes in figure.axes}


def test_steps_are_the_curve_and_go_on_to_the_right():
    table = curve()
    panels = _theta_panels(shown("by-theta"))
    assert sorted(panels) == list(range(2001, 2008))
    for year, axes in panels.items():
        rows = table[table["year"] == year].sort_values("theta")
        for gid, column in (("mean-correlation", "mean_correlation"), ("by-pairs", "pair_weighted_mean_correlation")):
            line = line_of(axes, gid)
            assert line.get_drawstyle() == "steps-post"
            np.testing.assert_array_equal(line.get_xdata()[:-1], rows["theta"])
            np.testing.assert_array_equal(line.get_ydata()[:-1], rows[column])
            assert line.get_xdata()[-1] == axes.get_xlim()[1]
            assert line.get_ydata()[-1] == rows[column].iloc[-1]


def test_each_panel_has_its_modes_thetas_and_its_population():
    tables, level = cutoffs(), population()
    panels = _theta_panels(shown("by-theta"))
    for year, axes in panels.items():
        assert line_of(axes, "population").get_ydata()[0] == level[year]
        for mode, frame in tables.items():
            theta = frame.loc[frame["year"] == year, "theta"].tolist()
            lines = [line for line in axes.lines if line.get_gid() == f"theta:{mode}"]
            assert [line.get_xdata()[0] for line in lines] == theta


def test_changing_theta_is_written_in_the_panel_and_a_fixed_one_in_the_legend():
    figure = shown("by-theta")
    panels = _theta_panels(figure)
    assert [text.get_text() for text in panels[2006].texts] == ["−3.3"]
    assert [text.get_text() for text in panels[2001].texts] == []
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["MeanCorr", "By pairs", "Population", "Base theta −3.05", "Rolling theta"]


def test_one_panel_a_year_on_shared_axes():
    for years in (range(1993, 1994), range(1993, 2004)):
        figure = mean_correlation_by_theta(curve(years, 4), cutoffs(years), population(years), False)
        assert list(_theta_panels(figure)) == list(years)
        assert len({axes.get_ylim() for axes in figure.axes}) == 1
        assert len({axes.get_xlim() for axes in figure.axes}) == 1
        # The lowest panel of each column has tick labels, also above an empty cell.
        lowest = figure.axes[-min(len(years), 5) :]
        assert all(axes.xaxis.get_tick_params()["labelbottom"] for axes in lowest)


def test_steps_below_the_searched_thetas_do_not_set_the_scale():
    table = curve(range(2001, 2002))
    wild = table.iloc[:1].assign(theta=-9.0, mean_correlation=-7.0, year=2001)
    middle = table.iloc[:1].assign(theta=-8.0, mean_correlation=0.3, year=2001)
    both = pd.concat([table, wild, middle], ignore_index=True)
    axes = mean_correlation_by_theta(both, cutoffs(), population(range(2001, 2002)), False).axes[0]
    assert axes.get_xlim()[0] == -5.0
    assert -1 < axes.get_ylim()[0] <= 0


def test_missing_cutoffs_and_population_leave_the_curves():
    none = {"base": cutoffs()["base"], "rolling": cutoffs()["rolling"].iloc[:0]}
    figure = mean_correlation_by_theta(curve(range(2001, 2003)), none, population().iloc[:0], False)
    assert len(figure.axes) == 2
    assert "Rolling theta (none)" in [text.get_text() for text in figure.legends[0].get_texts()]
