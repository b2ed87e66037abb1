"""MeanCorr of given clusters against loops over the pairs of each cluster."""

from dataclasses import asdict
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.correlation.mean_correlation import pair_sums, year_correlation
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import Universe, examples, universes

COUNTS = ("n_pairs", "n_clusters", "n_reports", "largest_cluster")


@st.composite
def grouped(draw: st.DrawFn) -> tuple[Universe, np.ndarray]:
    universe = draw(universes(max_years=1, max_reports=16))
    n = len(universe.year)
    return universe, np.array(draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)))


@examples(30)
@given(grouped())
def test_every_measure_of_a_partition_equals_the_pair_loop(case: tuple[Universe, np.ndarray]) -> None:
    universe, labels = case
    found = year_correlation(labels, *normalise_returns(universe.returns))
    expected = oracles.quality(universe.year_pairs()[0], labels.tolist())
    assert found.mean_correlation == pytest.approx(expected.mean_correlation, abs=1e-9, nan_ok=True)
    assert found.pair_weighted == pytest.approx(expected.pair_weighted, abs=1e-9, nan_ok=True)
    assert {name: getattr(found, name) for name in COUNTS} == {name: getattr(expected, name) for name in COUNTS}


@examples(40)
@given(grouped(), st.randoms(use_true_random=False))
def test_order_of_reports_and_names_of_clusters_do_not_matter(
    case: tuple[Universe, np.ndarray], random: Random
) -> None:
    universe, labels = case
    order, names = list(range(len(labels))), list("abcdef")
    random.shuffle(order)
    random.shuffle(names)
    unit, defined = normalise_returns(universe.returns)
    renamed = np.array(names)[labels]
    found = asdict(year_correlation(labels, unit, defined))
    other = asdict(year_correlation(renamed[order], unit[order], defined[order]))
    assert other == pytest.approx(found, abs=1e-12, nan_ok=True)


def test_a_cluster_of_two_weighs_as_much_as_one_of_many() -> None:
    rng = np.random.default_rng(0)
    twins = rng.normal(size=12)
    returns = np.vstack([twins, twins * 2 + 1, rng.normal(size=(10, 12))])
    labels = np.array([1, 1] + [2] * 10)
    found = year_correlation(labels, *normalise_returns(returns))
    big = np.corrcoef(returns[2:])[np.triu_indices(10, 1)]
    assert found.mean_correlation == pytest.approx((1 + big.mean()) / 2, abs=1e-12)
    assert found.pair_weighted == pytest.approx((1 + big.sum()) / 46, abs=1e-12)


def test_singletons_count_for_nothing() -> None:
    unit, defined = normalise_returns(np.random.default_rng(1).normal(size=(4, 12)))
    found = year_correlation(np.array([1, 2, 3, 4]), unit, defined)
    assert np.isnan([found.mean_correlation, found.pair_weighted]).all()
    assert (found.n_clusters, found.n_reports, found.largest_cluster, found.n_pairs) == (0, 0, 0, 0)


def test_reports_without_returns_are_members_but_in_no_pair() -> None:
    returns = np.random.default_rng(2).normal(size=(5, 12))
    returns[0], returns[3] = 0.05, np.nan
    found = year_correlation(np.array(["a", "a", "a", "b", "b"]), *normalise_returns(returns))
    # Cluster a keeps one pair, cluster b none: it is a cluster, and left out of the mean.
    assert found.mean_correlation == pytest.approx(np.corrcoef(returns[1], returns[2])[0, 1], abs=1e-12)
    assert (found.n_clusters, found.n_reports, found.largest_cluster, found.n_pairs) == (2, 5, 3, 1)


def test_no_reports() -> None:
    found = year_correlation(np.array([]), np.empty((0, 12)), np.empty(0, dtype=bool))
    assert np.isnan(found.mean_correlation)
    assert found.n_clusters == found.largest_cluster == 0


def test_pair_sums_by_cluster() -> None:
    returns = np.random.default_rng(3).normal(size=(6, 12))
    returns[5, 0] = np.nan
    sums, pairs, members = pair_sums(np.array([0, 0, 2, 2, 2, 0]), *normalise_returns(returns))
    rho = np.corrcoef(returns[:5])
    assert sums == pytest.approx([rho[0, 1], 0, rho[2, 3] + rho[2, 4] + rho[3, 4]], abs=1e-12)
    assert pairs.tolist() == [1, 0, 3]
    assert members.tolist() == [3, 0, 3]
