"""BCa against scipy on the same resamples, coverage on skewed data, and what has no interval."""

import numpy as np
import pytest
from scipy import stats

from compsim_assets.science.inference.intervals import acceleration, bca


def jackknife(data: np.ndarray, statistic) -> np.ndarray:
    """(n,) the statistic without each of the n observations (last axis)."""
    return np.array([statistic(np.delete(data, i, axis=-1)) for i in range(data.shape[-1])])


@pytest.mark.parametrize("level", [0.9, 0.95])
@pytest.mark.parametrize("kind", ["skewed", "ties", "correlation"])
def test_ends_equal_those_of_scipy_on_the_same_resamples(kind: str, level: float) -> None:
    rng = np.random.default_rng(0)
    data: tuple[np.ndarray, ...] = (rng.lognormal(size=25),)
    statistic = np.var
    if kind == "ties":
        # Whole numbers: many resamples have exactly the value.
        data, statistic = (rng.integers(0, 3, 15).astype(float),), np.mean
    if kind == "correlation":
        shared = rng.lognormal(size=20)
        data = (shared + rng.normal(size=20), shared)
        statistic = lambda x, y, axis=-1: stats.pearsonr(x, y, axis=axis).statistic  # noqa: E731
    theirs = stats.bootstrap(
        data, statistic, method="BCa", n_resamples=999, confidence_level=level, rng=rng,
        paired=kind == "correlation",
    )  # fmt: skip
    ours = bca(
        np.float64(statistic(*data)),
        theirs.bootstrap_distribution,
        jackknife(np.stack(data), lambda left: statistic(*left)),
        level,
    )
    assert (ours.low, ours.high) == pytest.approx(theirs.confidence_interval, abs=1e-12)


def test_every_statistic_is_alone() -> None:
    rng = np.random.default_rng(1)
    value, resampled, left = (rng.normal(size=(*n, 2, 3)) for n in ((), (200,), (9,)))
    together = bca(value, resampled, left)
    for at in np.ndindex(2, 3):
        alone = bca(value[at], resampled[(slice(None), *at)], left[(slice(None), *at)])
        np.testing.assert_allclose([end[at] for end in together], alone, rtol=1e-12)


SAMPLES, N = 2000, 20


def skewed_study(level: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means (SAMPLES,) of N exponential waiting times, whose true mean is 1; 500 resamples; each left out."""
    rng = np.random.default_rng(7)
    data = rng.exponential(size=(SAMPLES, N))
    resampled = np.stack([
        np.take_along_axis(data, rng.integers(0, N, (SAMPLES, N)), axis=1).mean(axis=1)
        for _ in range(500)
    ])  # fmt: skip
    left = (data.sum(axis=1) - data.T) / (N - 1)
    return data.mean(axis=1), resampled, left


def test_skewed_data_is_covered_and_would_not_be_without_acceleration() -> None:
    """The upper end matters: a mean of waiting times has its long tail there."""
    value, resampled, left = skewed_study()
    ends = bca(value, resampled, left)
    unaccelerated = bca(value, resampled, np.ones_like(left))
    narrow = value + 0.7 * (np.stack(ends) - value)

    def gap(low: np.ndarray, high: np.ndarray) -> float:
        """Intervals below the truth less those above it: none where both ends are right."""
        return float((high < 1).mean() - (low > 1).mean())

    assert 0.88 <= ((ends.low <= 1) & (ends.high >= 1)).mean() <= 0.96
    assert ((narrow[0] <= 1) & (narrow[1] >= 1)).mean() < 0.80
    assert gap(ends.low, ends.high) < 0.04
    assert gap(unaccelerated.low, unaccelerated.high) > 0.05


def test_resamples_without_a_value_are_passed_over() -> None:
    rng = np.random.default_rng(2)
    resampled, left = rng.normal(size=400), rng.normal(size=30)
    holes = np.insert(resampled, [0, 7, 100, 400], np.nan)
    whole, with_holes = bca(np.float64(0.1), resampled, left), bca(np.float64(0.1), holes, left)
    assert with_holes == whole


def test_more_lost_resamples_than_a_tail_holds_leave_no_interval() -> None:
    rng = np.random.default_rng(3)
    resampled = rng.normal(size=(100, 2))
    resampled[:5, 0] = resampled[:6, 1] = np.nan
    found = bca(np.zeros(2), resampled, rng.normal(size=(10, 2)))
    assert np.isfinite(found.low).tolist() == np.isfinite(found.high).tolist() == [True, False]


def test_left_out_units_without_a_value_are_passed_over() -> None:
    left = np.random.default_rng(4).lognormal(size=20)
    assert acceleration(np.append(left, np.nan)) == acceleration(left)
    assert acceleration(left) != 0


def test_a_value_outside_of_all_resamples_has_no_interval() -> None:
    found = bca(np.float64(9.0), np.random.default_rng(5).normal(size=100), np.arange(5.0))
    assert np.isnan([found.low, found.high]).all()


def test_a_statistic_that_nothing_changes_has_an_interval_without_width() -> None:
    found = bca(np.float64(0.3), np.full(50, 0.3), np.full(10, 0.3))
    assert (found.low, found.high) == (0.3, 0.3)


def test_a_missing_value_has_no_interval() -> None:
    found = bca(np.float64(np.nan), np.full(50, np.nan), np.full(10, np.nan))
    assert np.isnan([found.low, found.high]).all()


def test_ends_stay_in_order_among_the_resamples_however_strong_the_acceleration() -> None:
    resampled = np.random.default_rng(6).lognormal(size=500)
    # One unit decides everything: acceleration of about 1, beyond the formula's pole.
    left = np.append(np.zeros(40), -1.0)
    assert abs(acceleration(left)) > 0.15
    for value in np.quantile(resampled, [0.01, 0.5, 0.99]):
        for unit in (left, -left):
            found = bca(value, resampled, unit, 1 - 1e-9)
            assert resampled.min() <= found.low <= found.high <= resampled.max()


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_is_a_share(level: float) -> None:
    with pytest.raises(ValueError, match=f"level must lie between 0 and 1, not {level}"):
        bca(np.float64(0), np.zeros(3), np.zeros(3), level)


def test_shapes_must_fit() -> None:
    with pytest.raises(ValueError, match=r"values have shape \(2,\), resamples \(5, 3\)"):
        bca(np.zeros(2), np.zeros((5, 3)), np.zeros((4, 2)))
