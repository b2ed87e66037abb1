"""Shuffled labels: the exact null of tiny universes, another way to shuffle, uniform p-values, real clusters."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from compsim_assets.science.correlation.groups import correlation_by_year
from compsim_assets.science.inference.permutation import permutation_null

Tables = tuple[pd.DataFrame, pd.DataFrame]


def universe(sizes: list[list[int]], seed: int = 0, alike: float = 0.0) -> Tables:
    """Groups and returns: clusters of these sizes in each year from 2000 on, alike inside as much as is said."""
    rng = np.random.default_rng(seed)
    years = np.repeat(2000 + np.arange(len(sizes)), [sum(year) for year in sizes])
    label = np.concatenate([np.repeat(np.arange(len(year)), year) for year in sizes])
    factor = rng.normal(size=(len(sizes), max(map(len, sizes)), 12))[years - 2000, label]
    returns = alike * factor + rng.normal(size=(len(label), 12))
    keys = {"year": years, "report_id": 7 * np.arange(len(label)) + 3}
    return pd.DataFrame(keys | {"cluster_id": label}), pd.DataFrame(keys | {"returns": list(returns)})  # fmt: skip


def pooled(by_year: pd.DataFrame) -> float:
    return (by_year["pair_weighted"] * by_year["n_pairs"]).sum() / by_year["n_pairs"].sum()


def test_values_are_those_of_mean_correlation() -> None:
    groups, returns = universe([[2, 3, 1, 6], [4, 2], [1, 1]], alike=1.0)
    by_year = correlation_by_year(groups, returns)
    found = permutation_null(groups, returns, permutations=5)
    assert found["mean_correlation"].value == pytest.approx(by_year["mean_correlation"].mean(), abs=1e-12)  # fmt: skip
    assert found["pair_weighted"].value == pytest.approx(pooled(by_year), abs=1e-12)


def test_two_pairs_have_three_arrangements_one_of_which_is_the_best() -> None:
    """All 24 orders of four reports: each arrangement in pairs has a third."""
    groups, returns = universe([[2, 2]], alike=3.0)
    rho = np.corrcoef(np.stack(returns["returns"].to_list()))
    every = [(rho[a, b] + rho[c, d]) / 2 for a, b, c, d in itertools.permutations(range(4))]
    found = permutation_null(groups, returns, permutations=4000)["mean_correlation"]
    assert found.value == pytest.approx(max(every), abs=1e-12)
    assert found.p_value == pytest.approx(1 / 3, abs=0.03)
    assert found.mean == pytest.approx(np.mean(every), abs=0.02)
    assert (found.low, found.high) == pytest.approx((min(every), max(every)), abs=1e-12)


def test_the_null_is_that_of_labels_shuffled_in_the_table() -> None:
    groups, returns = universe([[2, 2, 3, 9], [5, 2, 2]], alike=1.0)
    rng = np.random.default_rng(1)
    rows = []
    for _ in range(80):
        shuffled = groups.copy()
        for _, members in groups.groupby("year"):
            shuffled.loc[members.index, "cluster_id"] = rng.permutation(members["cluster_id"])
        by_year = correlation_by_year(shuffled, returns)
        rows.append((by_year["mean_correlation"].mean(), pooled(by_year)))
    found = permutation_null(groups, returns, permutations=3000)
    for name, theirs in zip(("mean_correlation", "pair_weighted"), np.array(rows).T, strict=True):
        ours, error = found[name], theirs.std() / np.sqrt(80)
        assert ours.mean == pytest.approx(theirs.mean(), abs=4 * error)
        ends = np.quantile(theirs, [0.025, 0.975])
        assert (ours.low, ours.high) == pytest.approx(ends, abs=8 * error)


def test_p_values_are_uniform_when_clusters_mean_nothing() -> None:
    found = [
        permutation_null(*universe([[2, 2, 3, 5], [2, 4, 4]], seed), permutations=99, seed=seed) for seed in range(100)
    ]
    for name in ("mean_correlation", "pair_weighted"):
        p_values = [null[name].p_value for null in found]
        assert stats.kstest(p_values, "uniform").pvalue > 0.01
        assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.04)


def test_clusters_that_move_together_beat_every_shuffle() -> None:
    found = permutation_null(*universe([[3, 4, 5]] * 3, alike=1.5), permutations=499)
    for null in found.values():
        assert null.p_value == 1 / 500
        assert null.low < null.mean < null.high < null.value


def test_one_group_a_year_equals_its_shuffles() -> None:
    found = permutation_null(*universe([[9], [12]]), permutations=99)
    for null in found.values():
        assert null.p_value == 1
        assert null.low == pytest.approx(null.value, abs=1e-12)


def test_reports_without_a_pair_a_cluster_or_returns_are_not_shuffled() -> None:
    groups, returns = universe([[2, 3, 6]], alike=1.0)
    more, their_returns = universe([[1, 1, 4]], seed=5)
    more["report_id"] += 1000
    their_returns["report_id"] += 1000
    # Two singletons, three reports without a cluster, and one without returns in a cluster of its kind.
    more["cluster_id"] = [10, 11, None, None, None, 0]
    their_returns.loc[5, "returns"][3] = np.nan
    both = pd.concat([groups, more]), pd.concat([returns, their_returns])
    assert permutation_null(*both, permutations=50) == permutation_null(groups, returns, permutations=50)  # fmt: skip


def test_a_year_is_shuffled_alike_whatever_the_other_years() -> None:
    groups, returns = universe([[2, 3], [4, 5, 2], [6, 2]], alike=1.0)
    last = (groups["year"] == 2001).to_numpy()
    alone = permutation_null(groups[last], returns[last], permutations=80)
    assert permutation_null(groups, returns, years=[2001], permutations=80) == alone
    assert permutation_null(groups, returns, permutations=80) != alone
    # Another year of the very same reports is shuffled otherwise.
    other = (table[last].assign(year=2009) for table in (groups, returns))
    assert permutation_null(*other, permutations=80) != alone


def test_threads_and_the_order_of_rows_change_nothing_and_seeds_do() -> None:
    groups, returns = universe([[2, 3, 30], [4, 5]], alike=1.0)
    expected = permutation_null(groups, returns, permutations=120)
    torch.set_num_threads(3)
    try:
        shuffled = groups.sample(frac=1, random_state=1), returns.sample(frac=1, random_state=2)
        assert permutation_null(*shuffled, permutations=120) == expected
    finally:
        torch.set_num_threads(1)
    assert permutation_null(groups, returns, permutations=120, seed=1) != expected


def test_batches_change_nothing() -> None:
    groups, returns = universe([[2, 3, 8], [4, 5]], alike=1.0)
    expected = permutation_null(groups, returns, permutations=50)
    assert permutation_null(groups, returns, permutations=50, batch=13 * 12 * 7) == expected


@pytest.mark.parametrize("sizes", [[[1, 1, 1]], [[2]]])
def test_without_a_cluster_there_is_nothing(sizes: list[list[int]]) -> None:
    groups, returns = universe(sizes)
    years = [1999] if sizes == [[2]] else None
    for null in permutation_null(groups, returns, years=years, permutations=9).values():
        assert np.isnan([null.value, null.mean, null.low, null.high, null.p_value]).all()


def test_reports_of_one_company_are_no_pair_in_any_shuffle() -> None:
    """All orders of six reports of four companies in clusters of three and three, each pair listed."""
    groups, returns = universe([[3, 3]], alike=1.0)
    ids = returns["report_id"].to_numpy()
    owner = np.array([0, 0, 1, 1, 2, 3])
    rho = np.corrcoef(np.stack(returns["returns"].to_list()))

    def value(order: tuple[int, ...]) -> tuple[float, float]:
        clusters = [order[:3], order[3:]]
        pairs = [
            [rho[a, b] for a, b in itertools.combinations(members, 2) if owner[a] != owner[b]] for members in clusters
        ]
        return float(np.mean([np.mean(p) for p in pairs if p])), float(np.mean(list(itertools.chain(*pairs))))

    every = np.array([value(order) for order in itertools.permutations(range(6))])
    found = permutation_null(groups, returns, permutations=20_000, company=pd.Series(owner, index=ids))
    for name, column in (("mean_correlation", 0), ("pair_weighted", 1)):
        null, wanted = found[name], every[:, column]
        assert null.value == pytest.approx(value(tuple(range(6)))[column], abs=1e-12)
        assert null.mean == pytest.approx(wanted.mean(), abs=0.005)
        assert null.p_value == pytest.approx((wanted >= null.value - 1e-12).mean(), abs=0.015)
        assert (null.low, null.high) == pytest.approx(tuple(np.quantile(wanted, [0.025, 0.975])), abs=0.02)
    by_year = correlation_by_year(groups, returns, pd.Series(owner, index=ids))
    assert found["mean_correlation"].value == pytest.approx(by_year["mean_correlation"].mean(), abs=1e-12)


def test_companies_that_are_all_different_change_no_bit() -> None:
    groups, returns = universe([[2, 3, 1, 6], [4, 2]], alike=1.0)
    company = pd.Series(range(len(returns)), index=returns["report_id"])
    found = permutation_null(groups, returns, permutations=50, company=company)
    assert found == permutation_null(groups, returns, permutations=50)
