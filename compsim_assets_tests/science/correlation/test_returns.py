"""Unit returns against Pearson correlation computed pair by pair."""

import numpy as np
import pytest
from hypothesis import given

from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import Universe, examples, universes


@examples(40)
@given(universes(max_years=1, max_reports=12))
def test_inner_products_are_pearson_correlations(universe: Universe) -> None:
    unit, defined = normalise_returns(universe.returns)
    for a, b in oracles.year_pairs(universe.scores, universe.returns).pairs:
        expected = oracles.pearson(universe.returns[a].tolist(), universe.returns[b].tolist())
        assert (expected is not None) == (defined[a] and defined[b])
        if expected is not None:
            assert unit[a] @ unit[b] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -0.03, 1e-9, 1e6, 1 / 3])
def test_constant_returns_have_no_correlation(value: float) -> None:
    unit, defined = normalise_returns(np.full((1, 12), value))
    assert defined.tolist() == [False]
    assert (unit == 0).all()


@pytest.mark.parametrize("growth", [0.0, 0.01])
def test_noise_of_single_precision_is_constant(growth: float) -> None:
    """Adjusted closes of a price that stands still or grows evenly: close and factor in float32, and their product."""
    rng = np.random.default_rng(0)
    price = rng.uniform(1, 5000, (2000, 1)) * np.exp(growth * np.arange(13))
    factor = rng.uniform(0.1, 1, (2000, 1)) * (1 + rng.uniform(-1, 1, (2000, 13)) * 2.0**-24)
    close = ((price / factor).astype(np.float32) * factor.astype(np.float32)).astype(np.float64)
    returns = np.diff(np.log(close), axis=1)
    assert (np.ptp(returns, axis=1) > 2e-7).mean() > 0.2
    assert not normalise_returns(returns)[1].any()
    # A cent a month on a price of 5,000 is a movement.
    cents = np.diff(np.log(5000 + 0.01 * rng.integers(0, 2, (200, 13))), axis=1)
    assert normalise_returns(cents)[1].tolist() == (np.ptp(cents, axis=1) > 0).tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_missing_month_leaves_the_report_without_correlation(value: float) -> None:
    returns = np.random.default_rng(0).normal(size=(3, 12))
    returns[1, 7] = value
    unit, defined = normalise_returns(returns)
    assert defined.tolist() == [True, False, True]
    assert (unit[1] == 0).all()
    assert unit[0] @ unit[2] == pytest.approx(np.corrcoef(returns[0], returns[2])[0, 1], abs=1e-12)


def test_small_movements_around_a_level_still_count() -> None:
    # 1e-6 of movement on a level of 1 is a signal, not rounding.
    movement = 1e-6 * np.random.default_rng(1).normal(size=(2, 12))
    unit, defined = normalise_returns(1 + movement)
    assert defined.all()
    assert unit[0] @ unit[1] == pytest.approx(np.corrcoef(movement)[0, 1], abs=1e-8)


def test_input_is_not_changed_and_float32_is_read_as_float64() -> None:
    returns = np.random.default_rng(2).normal(size=(4, 12)).astype(np.float32)
    kept = returns.copy()
    unit, _ = normalise_returns(returns)
    assert unit.dtype == np.float64
    assert np.linalg.norm(unit, axis=1) == pytest.approx(np.ones(4), abs=1e-14)
    assert (returns == kept).all()


def test_no_reports() -> None:
    unit, defined = normalise_returns(np.empty((0, 12)))
    assert unit.shape == (0, 12)
    assert defined.shape == (0,)


def test_a_flat_array_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"\(12,\)"):
        normalise_returns(np.zeros(12))
