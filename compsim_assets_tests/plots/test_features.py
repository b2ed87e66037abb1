import numpy as np
import pytest

from compsim_assets.plots.features import feature_value_histogram
from compsim_assets_tests.plots.frames import distribution, drawn, shown, texts


def test_bars_are_the_bins_in_per_cent_of_all_values():
    table = distribution()
    (stairs,) = drawn(feature_value_histogram(table.sample(frac=1, random_state=0), False), "histogram")
    inside = table.iloc[1:-1]
    values, edges, _ = stairs.get_data()
    np.testing.assert_allclose(values, 100 * inside["share"])
    np.testing.assert_allclose(edges, [*inside["bin_left"], 7.5])


def test_zeros_and_the_rest_are_in_the_strip_and_not_in_the_bars():
    figure = shown("histogram")
    strip, axes = figure.axes
    widths = [bar.get_width() for bar in strip.patches]
    assert widths == pytest.approx([45.0, 43.0, 12.0], abs=0.01)
    labels = [text.get_text() for text in strip.get_legend().get_texts()]
    assert labels == ["45.0 % exactly 0", "43.0 % between 0 and 7.5, drawn below", "12.0 % above 7.5"]
    # The humps decide the height of the axes: 45 % as a bar would flatten them.
    highest = 100 * distribution()["share"].iloc[1:-1].max()
    assert highest < axes.get_ylim()[1] < 1.2 * highest


def test_number_of_values_is_told():
    table = distribution()
    assert any("100,000 values" in text for text in texts(shown("histogram")))
    table["count"] *= 36_553
    assert any("3.66 billion values" in text for text in texts(feature_value_histogram(table, False)))


def test_only_zeros_are_drawn_without_bars():
    table = distribution()
    table.loc[1:, ["count", "share"]] = 0
    table.loc[0, "share"] = 1.0
    figure = feature_value_histogram(table, False)
    assert [bar.get_width() for bar in figure.axes[0].patches] == [100.0, 0.0, 0.0]


def test_reason_is_given_when_all_counts_are_zero():
    figure = feature_value_histogram(distribution().assign(count=0), False)
    assert drawn(figure, "no-data")[0].get_text() == "No data: there are no feature values."
