import numpy as np
import pytest

from compsim_assets.science.latents.values import value_distribution


def test_counts_equal_a_loop_over_the_bins() -> None:
    rng = np.random.default_rng(0)
    values = (rng.gamma(2.0, 2.0, size=(50, 40)) * (rng.random((50, 40)) > 0.45)).astype(np.float32)
    found = value_distribution([values[:20], values[20:]])
    assert len(found) == 302
    for row in found.itertuples():
        if row.bin_right == 0:
            expected = (values == 0).sum()
        else:
            expected = ((values > row.bin_left) & (values <= row.bin_right)).sum()
        assert row.count == expected
        assert row.share == pytest.approx(expected / values.size)
    assert found["count"].sum() == values.size


def test_zeros_and_values_above_the_clip_have_rows_of_their_own() -> None:
    found = value_distribution([np.array([[0.0, 0.0, 7.5, 7.6, 100.0, 0.01]])])
    assert found.iloc[0].tolist() == [0.0, 0.0, 2.0, pytest.approx(2 / 6)]
    assert found.iloc[-1].tolist() == [7.5, np.inf, 2.0, pytest.approx(2 / 6)]
    assert found.iloc[1].tolist() == [0.0, 0.025, 1.0, pytest.approx(1 / 6)]
    assert found.iloc[-2]["count"] == 1


def test_nothing_to_count() -> None:
    found = value_distribution([])
    assert (found["count"] == 0).all()
    assert (found["share"] == 0).all()


def test_a_negative_value_is_an_error() -> None:
    with pytest.raises(ValueError, match="negative"):
        value_distribution([np.array([[0.1, -0.1]])])
