"""KMeans: what it must not depend on."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_info, threadpool_limits

from compsim_assets.science.cutoffs.kmeans import kmeans_clusters, kmeans_labels
from compsim_assets.science.linkage.distance import unit_rows
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import examples, make_scores


def partitions(table: pd.DataFrame) -> dict[int, set[frozenset[int]]]:
    """Clusters of each year as sets of reports."""
    return {
        int(str(year)): {frozenset(ids.tolist()) for _, ids in rows.groupby("cluster_id")["report_id"]}
        for year, rows in table.groupby("year")
    }


def test_kmeans_finds_groups_that_are_apart() -> None:
    rng = np.random.default_rng(0)
    truth = rng.permutation(np.repeat([1, 2, 3], [40, 25, 10]))
    vectors = np.eye(3)[truth - 1] + 0.05 * rng.normal(size=(75, 3))
    assert kmeans_labels(vectors, 3, (0, 2001)).tolist() == truth.tolist()


@examples(15)
@given(st.integers(1, 30), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_kmeans_does_not_depend_on_the_order_of_the_reports(n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = make_scores(rng, n, 3, "duplicates")
    order = rng.permutation(n)
    found, again = kmeans_labels(vectors, k, (seed, 1)), kmeans_labels(vectors[order], k, (seed, 1))
    assert oracles.partition(found[order]) == oracles.partition(again)
    # Equal rows share a cluster, all numbers are used, the largest cluster is 1.
    assert len(np.unique(np.column_stack([vectors, found]), axis=0)) == len(np.unique(vectors, axis=0))
    sizes = np.bincount(found)[1:].tolist()
    assert len(sizes) == min(k, len(np.unique(vectors, axis=0)))
    assert sizes == sorted(sizes, reverse=True)


def test_copies_weigh_as_much_as_the_reports_they_stand_for() -> None:
    # With equal weights the cheapest pair to join is (0, 1); 1,000 copies of both make (4, 6) cheaper.
    vectors = np.array([[0.0], [1.0], [4.0], [6.0]])
    assert oracles.partition(kmeans_labels(vectors, 3, (0, 0))) == {
        frozenset([0, 1]), frozenset([2]), frozenset([3]),
    }  # fmt: skip
    copied = kmeans_labels(np.repeat(vectors, [1000, 1000, 1, 1], axis=0), 3, (0, 0))
    assert oracles.partition(copied[[0, 1000, 2000, 2001]]) == {
        frozenset([0]), frozenset([1]), frozenset([2, 3]),
    }  # fmt: skip


def test_kmeans_has_the_inertia_of_sklearn_on_all_rows() -> None:
    rng = np.random.default_rng(4)
    vectors = make_scores(rng, 120, 4, "clustered")
    found = kmeans_labels(vectors, 3, (0, 0))
    own = sum(((vectors[found == c] - vectors[found == c].mean(0)) ** 2).sum() for c in (1, 2, 3))
    assert own == pytest.approx(KMeans(3, n_init=20, random_state=1).fit(vectors).inertia_)


def test_kmeans_gives_the_same_labels_on_one_thread_and_on_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Labels that differ are rare, even among ties: that one thread computes is looked at as well."""
    vectors, used, fit = np.random.default_rng(0).integers(0, 2, (600, 20)) / 3, set(), KMeans.fit

    def watched(model: KMeans, *given: Any, **named: Any) -> KMeans:
        used.add(max(pool["num_threads"] for pool in threadpool_info()))
        return fit(model, *given, **named)

    monkeypatch.setattr(KMeans, "fit", watched)
    found = []
    for threads in (1, 2, 2):
        with threadpool_limits(threads):
            found.append(kmeans_labels(vectors, 20, (0, 1)).tobytes())
    assert len(set(found)) == 1
    assert used == {1}


def reports(sizes: dict[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vectors, years and ids; a year's vectors do not depend on the other years."""
    vectors = [np.random.default_rng(year).normal(size=(n, 4)) for year, n in sizes.items()]
    year = np.repeat(list(sizes), list(sizes.values()))
    ids = [year * 1000 + np.arange(n) for year, n in sizes.items()]
    return np.concatenate(vectors), year, np.concatenate(ids)


def test_a_years_clusters_do_not_depend_on_other_years() -> None:
    few = kmeans_clusters(*reports({2001: 30, 2002: 41}), n_clusters=0, seed=5)
    more = kmeans_clusters(*reports({2001: 30, 2002: 41, 2003: 20}), n_clusters=0, seed=5)
    assert more[more["year"] < 2003].reset_index(drop=True).equals(few)
    other = kmeans_clusters(*reports({2001: 30, 2002: 41}), n_clusters=0, seed=6)
    assert partitions(other) != partitions(few)


@pytest.mark.parametrize(("asked", "made"), [(0, [5, 6, 1]), (4, [4, 4, 1])])
def test_the_number_of_clusters(asked: int, made: list[int]) -> None:
    found = kmeans_clusters(*reports({2001: 30, 2002: 31, 2003: 1}), n_clusters=asked, seed=0)
    assert found.groupby("year")["cluster_id"].max().tolist() == made
    assert found["report_id"].is_unique
    assert len(found) == 62


def test_the_length_of_an_embedding_does_not_matter() -> None:
    vectors, year, ids = reports({2001: 40})
    scaled = vectors * 2.0 ** np.random.default_rng(1).integers(-9, 9, (40, 1))
    found = kmeans_clusters(scaled, year, ids, n_clusters=0, seed=0)
    assert found.equals(kmeans_clusters(vectors, year, ids, n_clusters=0, seed=0))
    assert np.allclose(np.linalg.norm(unit_rows(scaled), axis=1), 1)
