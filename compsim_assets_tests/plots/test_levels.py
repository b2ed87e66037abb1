import numpy as np

from compsim_assets.plots.levels import lift_by_peers, mean_correlation_by_size
from compsim_assets_tests.plots.frames import (
    MANY,
    METHODS,
    SIMILARITIES,
    SIZES,
    drawn,
    gids,
    line_of,
    robustness,
    shown,
    statistic,
    texts,
)
from compsim_assets_tests.plots.readable import assert_readable

FEW = robustness(("base", "sic_code", "population"), ("pca",))


def test_sizes_are_ordered_by_number_and_every_line_is_its_rows():
    table = robustness()
    top, bottom = shown("by-size").axes
    labels = [label.get_text() for label in bottom.get_xticklabels()]
    assert labels == [size.replace("-", "–") for size in SIZES]
    assert not bottom.collections, "counts have no intervals"
    for name in METHODS:
        rows = statistic(table[table["method"] == name], "mean_correlation_by_size")
        rows = rows.set_index("level").reindex(SIZES)
        for axes, column in ((top, "value"), (bottom, "n")):
            line = line_of(axes, f"method:{name}")
            np.testing.assert_array_equal(line.get_ydata(), rows[column])
            np.testing.assert_allclose(line.get_xdata(), np.arange(6), atol=0.4)
        (bars,) = [bars for bars in top.collections if bars.get_gid() == f"interval:{name}"]
        ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
        assert ends == rows[["low", "high"]].to_numpy().tolist()
        np.testing.assert_array_equal([s[0, 0] for s in bars.get_segments()], line.get_xdata())


def test_points_of_one_size_are_apart_and_nearer_to_it_than_to_the_next():
    figure = mean_correlation_by_size(robustness(MANY), True)
    assert_readable(figure)
    top = figure.axes[0]
    starts = sorted(line.get_xdata()[0] for line in top.lines if line.get_gid().startswith("method"))
    assert len(starts) == len(MANY) - 1
    assert np.diff(starts).min() > 0.03
    assert -0.5 < starts[0] < starts[-1] < 0.5


def test_a_size_that_a_method_lacks_is_a_gap():
    table = FEW
    table = table[(table["method"] != "base") | ~table["level"].isin(["6-10"])]
    line = line_of(mean_correlation_by_size(table, False).axes[0], "method:base")
    np.testing.assert_array_equal(np.isnan(line.get_ydata()), [0, 0, 1, 0, 0, 0])


def test_the_population_is_a_line_and_the_key_says_how_many_clusters_are_pairs():
    level = statistic(FEW, "mean_correlation", level="").set_index("method").loc["population", "value"]
    figure = mean_correlation_by_size(FEW, True)
    assert_readable(figure)
    assert line_of(figure.axes[0], "population").get_ydata()[0] == level
    assert "Population (all pairs)" in texts(figure)
    rows = statistic(FEW[FEW["method"] == "base"], "mean_correlation_by_size").set_index("level")["n"]
    cells = [drawn(figure, f"key:base:{k}")[0].get_text() for k in range(2)]
    assert cells == [f"{rows.sum():,}", f"{100 * rows['2'] / rows.sum():.0f} %"]
    figure = mean_correlation_by_size(FEW[FEW["method"] != "population"], False)
    assert "population" not in gids(figure.axes[0])
    assert "Population (all pairs)" not in texts(figure)


def test_lift_lines_are_their_rows_in_the_order_of_k():
    table = robustness(similarities=SIMILARITIES)
    figure = lift_by_peers(table, True)
    assert_readable(figure)
    for axes, lift in zip(figure.axes, ("neighbours_lift", "neighbours_same_sic2_lift"), strict=True):
        assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "3", "5", "10"]
        assert line_of(axes, "zero").get_ydata()[0] == 0
        for name in SIMILARITIES:
            rows = statistic(table[table["method"] == name], lift).set_index("level")
            line = line_of(axes, f"method:{name}")
            np.testing.assert_array_equal(line.get_ydata(), rows["value"][["1", "3", "5", "10"]])
            assert (line.get_markerfacecolor() == "white") == (name == "pca")


def test_a_lift_panel_without_values_says_so():
    figure = lift_by_peers(FEW[FEW["statistic"] != "neighbours_same_sic2_lift"], False)
    assert [text.get_text() for text in figure.axes[1].texts] == ["No values"]
    assert not figure.axes[0].texts
    assert_readable(figure)


def test_tables_without_a_value_give_the_page_without_data():
    for draw in (mean_correlation_by_size, lift_by_peers):
        assert drawn(draw(FEW.assign(value=np.nan), True), "no-data")
