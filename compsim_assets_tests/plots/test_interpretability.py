import numpy as np
import pandas as pd
import pytest

from compsim_assets.plots.interpretability import interpretability_over_sparsity, proportion_of_strong_features
from compsim_assets_tests.plots.frames import drawn, interpretability_curve, proportions, shown, texts


def test_bins_without_latents_are_left_out():
    figure = shown("interpretability")
    with_latents = interpretability_curve(last=24).iloc[:25]
    (mean,) = drawn(figure, "mean-interpretability")
    np.testing.assert_array_equal(mean.get_xdata(), with_latents["min_share"])
    np.testing.assert_array_equal(mean.get_ydata(), with_latents["mean_interpretability"])
    (left,) = drawn(figure, "share-of-latents")
    np.testing.assert_array_equal(left.get_xdata(), with_latents["min_share"])
    np.testing.assert_allclose(left.get_ydata(), 100 * with_latents["share_of_latents"])


def test_a_zero_in_an_empty_bin_is_not_drawn_either():
    curve = interpretability_curve(last=24).fillna({"mean_interpretability": 0.0})
    (mean,) = drawn(interpretability_over_sparsity(curve, "base", False), "mean-interpretability")
    assert mean.get_xdata().max() == 24


@pytest.mark.parametrize("level", [35.0, -20.0])
def test_chance_is_drawn_at_50_and_always_in_view(level):
    curve = interpretability_curve()
    curve["mean_interpretability"] += level
    figure = interpretability_over_sparsity(curve, "base", False)
    (chance,) = drawn(figure, "chance")
    assert list(chance.get_ydata()) == [50, 50]
    low, high = figure.axes[0].get_ylim()
    assert low < 50 < high
    assert low < curve["mean_interpretability"].min()
    assert high > curve["mean_interpretability"].max()
    assert "chance level 50" in texts(figure)


def test_points_on_few_latents_are_hollow():
    curve = interpretability_curve()
    (few,) = drawn(shown("interpretability"), "few-latents")
    expected = curve[curve["n_latents"].between(1, 4)]
    assert len(expected) > 0
    np.testing.assert_array_equal(few.get_xdata(), expected["min_share"])
    assert few.get_markerfacecolor() == "white"


def test_number_of_latents_is_written():
    figure = shown("interpretability")
    written = [text.get_text() for text in figure.axes[1].texts]
    expected = interpretability_curve(24).set_index("min_share")["n_latents"]
    assert written == [str(expected[p]) for p in (0, 5, 10, 15, 20, 24)]


def test_one_bin_is_enough():
    figure = interpretability_over_sparsity(interpretability_curve(last=0), "base", False)
    (mean,) = drawn(figure, "mean-interpretability")
    assert list(mean.get_xdata()) == [0]


def test_mode_is_in_the_title():
    for figure, words in (
        (interpretability_over_sparsity(interpretability_curve(), "walk_forward", False), "walk-forward cutoff"),
        (shown("proportion"), "base cutoff"),
    ):
        assert words in drawn(figure, "title")[0].get_text()


def test_deciles_are_per_cent_of_clusters():
    shares = [0.0, 0.05, 0.1, 0.19, 0.2, 0.55, 0.99, 1.0]
    table = pd.DataFrame({"n_members": 2, "proportion": shares})
    bars = drawn(proportion_of_strong_features(table, "base", False), "decile")
    assert [bar.get_x() for bar in bars] == pytest.approx(range(0, 100, 10))
    heights = [bar.get_height() for bar in bars]
    assert heights == [25, 25, 12.5, 0, 0, 12.5, 0, 0, 0, 25]


def test_median_line_is_at_the_median():
    table = proportions()
    figure = shown("proportion")
    (line,) = drawn(figure, "median")
    median = 100 * table["proportion"].median()
    assert line.get_xdata()[0] == pytest.approx(median)
    assert f"median {median:.1f} %" in texts(figure)


def test_every_cluster_is_a_point_by_size():
    table = proportions()
    (points,) = drawn(shown("proportion"), "clusters")
    np.testing.assert_array_equal(points.get_xdata(), table["n_members"])
    np.testing.assert_allclose(points.get_ydata(), 100 * table["proportion"])


def test_medians_by_size_double_in_width():
    table = pd.DataFrame({"n_members": [2, 3, 4, 7, 8], "proportion": [0.01, 0.03, 0.1, 0.2, 0.4]})
    (line,) = drawn(proportion_of_strong_features(table, "base", False), "size-medians")
    np.testing.assert_allclose(line.get_xdata(), [2.5, 5.5, 8])
    np.testing.assert_allclose(line.get_ydata(), [2, 15, 40])


def test_clusters_without_a_proportion_do_not_count():
    table = proportions(10)
    table.loc[0, "proportion"] = np.nan
    figure = proportion_of_strong_features(table, "base", False)
    assert len(drawn(figure, "clusters")[0].get_xdata()) == 9
    assert any(text.startswith("Strong latents") and " 9 clusters" in text for text in texts(figure))


@pytest.mark.parametrize("share", [0.001, 0.012, 0.05, 0.095])
def test_bar_labels_stay_clear_of_the_median_line(share):
    table = pd.DataFrame({"n_members": 2, "proportion": [share] * 5})
    figure = proportion_of_strong_features(table, "base", False)
    figure.draw_without_rendering()
    (line,) = drawn(figure, "median")
    x = line.get_window_extent().x0
    (label,) = [text for text in figure.axes[0].texts if text.get_text() == "100 %"]
    box = label.get_window_extent()
    assert not box.x0 < x < box.x1
