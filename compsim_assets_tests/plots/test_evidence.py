import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from compsim_assets.plots.evidence import lift_by_peers, mean_correlation_by_size, methods_forest
from compsim_assets.plots.methods import method_styles, similarity_styles
from compsim_assets_tests.plots.frames import IN_SAMPLE, METHODS, SIZES, drawn, robustness, texts
from compsim_assets_tests.plots.readable import assert_readable

LONG = "paraphrase-multilingual-mpnet-base-v2"
MANY = (
    *METHODS, "walk_forward", "gics_sector", f"{LONG}_base", f"{LONG}_rolling", f"{LONG}_kmeans",
    "all-MiniLM-L6-v2_kmeans", "a-published-set-with-a-rather-long-name", "population",
)  # fmt: skip
SIMILARITIES = (
    "pca", "walk_forward", "supervised", "supervised_length_controlled", "sic2", LONG, "org/model",
)  # fmt: skip
FEW = robustness(("base", "sic_code", "population"), ("pca",))
FOREST = methods_forest(robustness(), {"base": 0.359, "GCD": np.nan, "BERT": 0.2}, False)


def _rows(table, statistic, versus="", level=None):
    rows = table[(table["statistic"] == statistic) & (table["versus"] == versus)]
    return rows if level is None else rows[rows["level"] == level]


def _line(axes, gid):
    (line,) = [line for line in axes.lines if line.get_gid() == gid]
    return line


def _gids(axes):
    return {line.get_gid() for line in axes.lines}


@pytest.mark.parametrize(
    ("panel", "statistic", "versus", "marker"),
    [
        (0, "mean_correlation", "", "o"),
        (1, "pair_weighted", "", "o"),
        (2, "mean_correlation", "sic_code", "o"),
        (2, "pair_weighted", "sic_code", "s"),
    ],
)
def test_forest_draws_the_value_and_the_interval_of_every_method(panel, statistic, versus, marker):
    axes, rows = FOREST.axes[panel], _rows(robustness(), statistic, versus, "")
    assert {gid for gid in _gids(axes) if gid.startswith(f"value:{marker}:")} == {
        f"value:{marker}:{name}" for name in rows["method"]
    }
    for row in rows.itertuples():
        value = _line(axes, f"value:{marker}:{row.method}")
        assert value.get_xdata() == [row.value]
        assert value.get_marker() == marker
        assert list(_line(axes, f"interval:{marker}:{row.method}").get_xdata()) == [row.low, row.high]
        style = method_styles([row.method])[row.method]
        assert to_hex(value.get_color()).upper() == style.colour


def test_forest_marks_in_sample_methods_by_hollow_markers():
    for name in (*METHODS, "walk_forward"):
        face = _line(FOREST.axes[0], f"value:o:{name}").get_markerfacecolor()
        assert (face == "white") == (name in IN_SAMPLE), name


def test_forest_has_a_diamond_where_a_number_was_published():
    assert {gid for gid in _gids(FOREST.axes[0]) if gid.startswith("published")} == {"published:base"}
    diamond = _line(FOREST.axes[0], "published:base")
    value = _line(FOREST.axes[0], "value:o:base")
    assert (diamond.get_xdata(), diamond.get_ydata()) == ([0.359], value.get_ydata())
    assert not any("published" in gid for gid in _gids(FOREST.axes[1]))


def test_forest_has_the_population_as_a_line_and_zero_for_differences():
    for axes, statistic in zip(FOREST.axes, ("mean_correlation", "pair_weighted"), strict=False):
        rows = _rows(robustness(), statistic, level="").set_index("method")
        assert _line(axes, "population").get_xdata()[0] == rows.loc["population", "value"]
    assert _line(FOREST.axes[2], "zero").get_xdata()[0] == 0
    assert "population" not in _gids(FOREST.axes[2])


def test_forest_is_sorted_ours_embeddings_published_population():
    figure = methods_forest(robustness(tuple(reversed(MANY))), {}, False)
    labels = [text for text in figure.axes[0].texts if text.get_gid() in ("row-label", "group-label")]
    ordered = [text.get_text() for text in sorted(labels, key=lambda text: text.xy[1])]
    heads = [text for text in ordered if text in {s.group for s in method_styles(MANY).values()}]
    assert heads == ["From these reports", "Embeddings", "Published cluster sets", "Reference"]
    assert ordered[1] == "SAE clusters, base cutoff"
    assert ordered[-1] == "Population (all pairs)"
    assert len(ordered) == len(MANY) + 4
    numbers = {text.get_gid(): text for text in figure.axes[0].texts}
    base = _line(figure.axes[0], "value:o:base").get_ydata()[0]
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
        assert "value:o:rolling" in _gids(axes)
        assert "interval:o:rolling" not in _gids(axes)
        assert not any(gid.endswith(":GCD") for gid in _gids(axes))
    assert "GCD (SAE, base)" not in texts(figure)


def test_forest_without_differences_has_two_panels():
    table = robustness()
    assert len(methods_forest(table[table["versus"] != "sic_code"], {}, False).axes) == 2


def test_sizes_are_ordered_by_number_and_every_line_is_its_rows():
    table = robustness()
    top, bottom = mean_correlation_by_size(table, False).axes
    labels = [label.get_text() for label in bottom.get_xticklabels()]
    assert labels == [size.replace("-", "–") for size in SIZES]
    for name in METHODS:
        rows = _rows(table[table["method"] == name], "mean_correlation_by_size")
        rows = rows.set_index("level").reindex(SIZES)
        for axes, column in ((top, "value"), (bottom, "n")):
            line = _line(axes, f"method:{name}")
            np.testing.assert_array_equal(line.get_ydata(), rows[column])
            np.testing.assert_allclose(line.get_xdata(), np.arange(6), atol=0.4)
        (bars,) = [bars for bars in top.collections if bars.get_gid() == f"interval:{name}"]
        ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
        assert ends == rows[["low", "high"]].to_numpy().tolist()
        np.testing.assert_array_equal([s[0, 0] for s in bars.get_segments()], line.get_xdata())


def test_points_of_one_size_are_apart_and_nearer_to_it_than_to_the_next():
    top = mean_correlation_by_size(robustness(MANY), False).axes[0]
    starts = sorted(line.get_xdata()[0] for line in top.lines if line.get_gid().startswith("method"))
    assert len(starts) == len(MANY) - 1
    assert np.diff(starts).min() > 0.03
    assert -0.5 < starts[0] < starts[-1] < 0.5


def test_a_size_that_a_method_lacks_is_a_gap():
    table = robustness(("base", "sic_code"))
    table = table[(table["method"] != "base") | ~table["level"].isin(["6-10"])]
    line = _line(mean_correlation_by_size(table, False).axes[0], "method:base")
    np.testing.assert_array_equal(np.isnan(line.get_ydata()), [0, 0, 1, 0, 0, 0])


def test_the_key_says_how_many_clusters_are_pairs():
    figure = mean_correlation_by_size(FEW, False)
    rows = _rows(FEW[FEW["method"] == "base"], "mean_correlation_by_size").set_index("level")["n"]
    cells = [drawn(figure, f"key:base:{k}")[0].get_text() for k in range(2)]
    assert cells == [f"{rows.sum():,}", f"{100 * rows['2'] / rows.sum():.0f} %"]


def test_the_population_is_a_line_through_all_sizes_if_known():
    level = _rows(FEW, "mean_correlation", level="").set_index("method").loc["population", "value"]
    figure = mean_correlation_by_size(FEW, False)
    assert _line(figure.axes[0], "population").get_ydata()[0] == level
    assert "Population (all pairs)" in texts(figure)
    figure = mean_correlation_by_size(FEW[FEW["method"] != "population"], False)
    assert "population" not in _gids(figure.axes[0])
    assert "Population (all pairs)" not in texts(figure)


def test_lift_lines_are_their_rows_in_the_order_of_k():
    table = robustness(similarities=SIMILARITIES)
    figure = lift_by_peers(table, False)
    for axes, statistic in zip(figure.axes, ("neighbours_lift", "neighbours_same_sic2_lift"), strict=True):
        assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "3", "5", "10"]
        assert _line(axes, "zero").get_ydata()[0] == 0
        for name in SIMILARITIES:
            rows = _rows(table[table["method"] == name], statistic).set_index("level")
            line = _line(axes, f"method:{name}")
            np.testing.assert_array_equal(line.get_ydata(), rows["value"][["1", "3", "5", "10"]])
            assert (line.get_markerfacecolor() == "white") == (name == "pca")


def test_a_lift_panel_without_values_says_so():
    figure = lift_by_peers(FEW[FEW["statistic"] != "neighbours_same_sic2_lift"], False)
    assert [text.get_text() for text in figure.axes[1].texts] == ["No values"]
    assert not figure.axes[0].texts


@pytest.mark.parametrize("table", [FEW, robustness(MANY, SIMILARITIES)], ids=["few", "many"])
@pytest.mark.parametrize(
    "draw",
    [
        lambda table: methods_forest(table, {"base": 0.359}, True),
        lambda table: mean_correlation_by_size(table, True),
        lambda table: lift_by_peers(table, True),
    ],
    ids=["forest", "by-size", "lift"],
)
def test_nothing_overlaps_with_few_or_many_methods(draw, table):
    assert_readable(draw(table))


def test_embeddings_are_known_by_the_end_of_their_name():
    names = [*(f"enc{k}_{cut}" for k in (1, 2) for cut in ("kmeans", "base", "rolling")), "BERT"]
    styles = method_styles([*names, "base", "gics_sector", "_base"])
    assert [name for name, style in styles.items() if style.group == "Embeddings"] == [
        f"enc{k}_{cut}" for k in (1, 2) for cut in ("base", "rolling", "kmeans")
    ]
    assert {styles[name].group for name in ("BERT", "_base")} == {"Published cluster sets"}
    assert len({styles[f"enc1_{cut}"].colour for cut in ("base", "rolling", "kmeans")}) == 1
    assert styles["enc1_base"].colour != styles["enc2_base"].colour
    assert len({(s.colour, s.marker, str(s.linestyle)) for s in styles.values()}) == len(styles)


def test_long_names_keep_their_ends():
    assert method_styles([f"org/{LONG}_kmeans"]).popitem()[1].label == "paraphra…-base-v2, kmeans"
    labels = [style.label for style in method_styles(["x" * 90]).values()]
    assert [len(label) for label in labels] == [25]


def test_similarities_are_named_as_such_and_others_are_encoders():
    styles = similarity_styles([*SIMILARITIES, "pairs"])
    assert styles["walk_forward"].label != method_styles(["walk_forward"])["walk_forward"].label
    assert {name for name, s in styles.items() if s.group == "Embeddings"} == {LONG, "org/model"}
    assert styles["org/model"].label == "model"
    assert len({s.colour for s in styles.values()}) == len(styles)
    both = method_styles(["pca", "supervised"])
    assert both["pca"] == styles["pca"]


def test_tables_without_a_value_give_the_page_without_data():
    table = pd.concat([FEW, robustness()]).assign(value=np.nan)
    for figure in (
        methods_forest(table, {"base": 0.3}, True),
        mean_correlation_by_size(table, True),
        lift_by_peers(table, True, reason="nobody"),
    ):
        assert drawn(figure, "no-data")
    assert "No data: nobody." in texts(figure)
