import numpy as np
import pytest
from matplotlib.colors import to_hex

from compsim_assets.plots.forest import methods_forest
from compsim_assets.plots.methods import method_styles
from compsim_assets_tests.plots.frames import (
    IN_SAMPLE,
    MANY,
    METHODS,
    drawn,
    gids,
    line_of,
    robustness,
    shown,
    statistic,
    texts,
)
from compsim_assets_tests.plots.readable import assert_readable


def test_forest_draws_the_value_and_the_interval_of_every_method():
    for panel, name, versus, marker in (
        (0, "mean_correlation", "", "o"),
        (1, "pair_weighted", "", "o"),
        (2, "mean_correlation", "sic_code", "o"),
        (2, "pair_weighted", "sic_code", "s"),
    ):
        axes, rows = shown("forest").axes[panel], statistic(robustness(), name, versus, "")
        values = {gid for gid in gids(axes) if gid.startswith(f"value:{marker}:")}
        assert values == {f"value:{marker}:{method}" for method in rows["method"]}
        for row in rows.itertuples():
            value = line_of(axes, f"value:{marker}:{row.method}")
            assert value.get_xdata() == [row.value]
            assert value.get_marker() == marker
            assert list(line_of(axes, f"interval:{marker}:{row.method}").get_xdata()) == [row.low, row.high]
            style = method_styles([row.method])[row.method]
            assert to_hex(value.get_color()).upper() == style.colour


def test_forest_marks_in_sample_methods_by_hollow_markers():
    for name in (*METHODS, "walk_forward"):
        face = line_of(shown("forest").axes[0], f"value:o:{name}").get_markerfacecolor()
        assert (face == "white") == (name in IN_SAMPLE), name


def test_forest_has_a_diamond_where_a_number_was_published():
    assert {gid for gid in gids(shown("forest").axes[0]) if gid.startswith("published")} == {"published:base"}
    diamond = line_of(shown("forest").axes[0], "published:base")
    value = line_of(shown("forest").axes[0], "value:o:base")
    assert (diamond.get_xdata(), diamond.get_ydata()) == ([0.359], value.get_ydata())
    assert not any("published" in gid for gid in gids(shown("forest").axes[1]))


def test_forest_has_the_population_as_a_line_and_zero_for_differences():
    for axes, name in zip(shown("forest").axes, ("mean_correlation", "pair_weighted"), strict=False):
        rows = statistic(robustness(), name, level="").set_index("method")
        assert line_of(axes, "population").get_xdata()[0] == rows.loc["population", "value"]
    assert line_of(shown("forest").axes[2], "zero").get_xdata()[0] == 0
    assert "population" not in gids(shown("forest").axes[2])


def test_forest_is_sorted_ours_embeddings_published_population_and_readable():
    figure = methods_forest(robustness(tuple(reversed(MANY))), {"base": 0.359}, True)
    assert_readable(figure)
    labels = [text for text in figure.axes[0].texts if text.get_gid() in ("row-label", "group-label")]
    ordered = [text.get_text() for text in sorted(labels, key=lambda text: text.xy[1])]
    heads = [text for text in ordered if text in {s.group for s in method_styles(MANY).values()}]
    assert heads == ["From these reports", "Embeddings", "Published cluster sets", "Reference"]
    assert ordered[1] == "SAE clusters, base cutoff"
    assert ordered[-1] == "Population (all pairs)"
    assert len(ordered) == len(MANY) + 4
    numbers = {text.get_gid(): text for text in figure.axes[0].texts}
    base = line_of(figure.axes[0], "value:o:base").get_ydata()[0]
    assert numbers["number:base"].xy[1] == base == pytest.approx(1)


def test_both_panels_of_correlations_have_one_scale_that_holds_everything():
    first, second, _ = methods_forest(robustness(), {"SIC": 0.95}, False).axes
    assert first.get_xlim() == second.get_xlim()
    assert first.get_xlim()[1] > 0.95


def test_a_row_without_an_interval_is_a_point_and_one_without_a_value_is_nothing():
    table = robustness()
    table.loc[table["method"] == "rolling", ["low", "high"]] = np.nan
    table.loc[table["method"] == "GCD", "value"] = np.nan
    figure = methods_forest(table, {}, False)
    for axes in figure.axes[:2]:
        assert "value:o:rolling" in gids(axes)
        assert "interval:o:rolling" not in gids(axes)
        assert not any(gid.endswith(":GCD") for gid in gids(axes))
    assert "GCD (SAE, base)" not in texts(figure)


def test_forest_without_differences_has_two_panels():
    table = robustness(("base", "sic_code", "population"), ("pca",))
    figure = methods_forest(table[table["versus"] != "sic_code"], {}, True)
    assert len(figure.axes) == 2
    assert_readable(figure)
    assert drawn(methods_forest(table.assign(value=np.nan), {"base": 0.3}, True), "no-data")
