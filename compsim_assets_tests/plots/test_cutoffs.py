import numpy as np
import pytest

from compsim_assets.plots.cutoffs import objective_by_theta, theta_by_year
from compsim_assets_tests.plots.frames import cutoffs, drawn, line_of, objective, shown, texts, tick_labels


def test_lines_are_the_objective_and_its_folds_with_gaps_for_infinity():
    table = objective()
    figure = objective_by_theta(table.sample(frac=1, random_state=0), -2.95, -3.13, False)
    for column in ("objective", "fold_1", "fold_2"):
        (line,) = drawn(figure, column)
        np.testing.assert_array_equal(line.get_xdata(), table["theta"])
        np.testing.assert_array_equal(line.get_ydata(), table[column].replace(-np.inf, np.nan))
    assert drawn(figure, "undefined")


def test_nothing_is_shaded_where_the_objective_is_known():
    table = objective().query("theta > -4")
    assert not drawn(objective_by_theta(table, -2.95, -3.13, False), "undefined")


def test_chosen_and_published_thetas_are_marked():
    figure = shown("objective")
    assert drawn(figure, "chosen")[0].get_xdata()[0] == -2.95
    assert drawn(figure, "published")[0].get_xdata()[0] == -3.13
    (point,) = drawn(figure, "chosen-point")
    value = objective().set_index("theta").loc[-2.95, "objective"]
    assert point.get_ydata()[0] == value
    assert f"chosen −2.95 (objective {value:.3f})" in texts(figure)


def test_no_thetas_leave_the_curve():
    figure = objective_by_theta(objective(), np.nan, np.nan, False)
    assert not drawn(figure, "chosen")
    assert not drawn(figure, "published")
    assert drawn(figure, "objective")


def test_flat_tail_is_cut_off_but_never_a_mark():
    assert -1.5 < shown("objective").axes[0].get_xlim()[1] < 0
    assert objective_by_theta(objective(), 2.0, -3.13, False).axes[0].get_xlim()[1] > 2.0


# Apart; close, so that they lean away from each other; both at the left edge; one at the right edge.
@pytest.mark.parametrize(
    ("best", "published", "rows"), [(-4.95, -3.13, 1), (-3.2, -3.13, 1), (-4.95, -4.9, 2), (2.5, -4.9, 1)]
)
def test_labels_of_the_thetas_never_touch_and_share_a_row_where_there_is_room(best, published, rows):
    figure = objective_by_theta(objective(), best, published, False)
    figure.draw_without_rendering()
    one, other = [t.get_window_extent() for t in figure.axes[0].texts if t.get_text()]
    assert not one.overlaps(other)
    for box in (one, other):
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width
        assert box.y1 < figure.legends[0].get_window_extent().y0
    assert len({text.get_position()[1] for text in figure.axes[0].texts if text.get_text()}) == rows


def test_rolling_theta_is_a_line_and_base_theta_a_reference():
    tables = cutoffs()
    figure = shown("theta-by-year")
    (line,) = drawn(figure, "theta:rolling")
    np.testing.assert_array_equal(line.get_xdata(), tables["rolling"]["year"])
    np.testing.assert_array_equal(line.get_ydata(), tables["rolling"]["theta"])
    (reference,) = drawn(figure, "theta:base")
    assert list(reference.get_ydata()) == [-3.05, -3.05]
    assert list(reference.get_xdata()) == [0, 1]  # from edge to edge
    assert "−3.05" in texts(figure)


def test_mean_correlation_is_drawn_below_on_the_same_years():
    tables = cutoffs()
    top, bottom = shown("theta-by-year").axes
    assert top.get_xlim() == bottom.get_xlim()
    for mode, frame in tables.items():
        line = line_of(bottom, f"mean_correlation:{mode}")
        np.testing.assert_array_equal(line.get_ydata(), frame["mean_correlation"])


def test_in_sample_years_are_hollow_and_years_without_a_correlation_are_gaps():
    tables = cutoffs()
    tables["base"]["in_sample"] = tables["base"]["year"] > 2004
    tables["base"].loc[2, "mean_correlation"] = np.nan
    figure = theta_by_year(tables, False)
    (line,) = drawn(figure, "mean_correlation:base")
    assert np.isnan(line.get_ydata()).tolist() == [False, False, True, *[False] * 4]
    (inside,) = drawn(figure, "in-sample:base")
    np.testing.assert_array_equal(inside.get_xdata(), range(2005, 2008))
    assert inside.get_markerfacecolor() == "white"
    assert len(drawn(figure, "in-sample:rolling")[0].get_xdata()) == 0


def test_one_year_is_a_point_each():
    years = range(2012, 2013)
    top, bottom = theta_by_year(cutoffs(years), False).axes
    assert [list(line.get_xdata()) for line in top.lines] == [[2012], [2012]]
    assert tick_labels(bottom) == ["2012"]


def test_a_mode_without_cutoffs_is_named():
    tables = cutoffs()
    tables["rolling"] = tables["rolling"].iloc[:0]
    figure = theta_by_year(tables, False)
    assert not drawn(figure, "theta:rolling")
    assert any("No theta: rolling cutoff." in text for text in texts(figure))
