import numpy as np
import pytest

from compsim_assets.science.strong_features.selection import select_clusters

NAMES = np.array([(2000, 1), (2000, 2), (2000, 3), (2001, 1), (2001, 2)])
SIZES = np.array([3, 2, 1, 2, 2])


def select(only: list[tuple[int, int]] | None = None, n_sample: int = 0, seed: int = 0) -> list[tuple[int, int]]:
    """Names of the clusters that are studied."""
    positions = select_clusters(NAMES, SIZES, None if only is None else np.array(only), n_sample, [seed])
    return [(int(year), int(number)) for year, number in NAMES[positions]]


def test_all_clusters_of_two_or_more() -> None:
    assert select() == [(2000, 1), (2000, 2), (2001, 1), (2001, 2)]


def test_named_clusters_only_each_once_and_in_order() -> None:
    assert select([(2001, 2), (2000, 1), (2001, 2)]) == [(2000, 1), (2001, 2)]


@pytest.mark.parametrize(("year", "cluster_id"), [(2000, 3), (2000, 9), (1999, 1)])
def test_a_name_that_is_no_cluster_of_two_is_an_error(year: int, cluster_id: int) -> None:
    with pytest.raises(ValueError, match=f"cluster {cluster_id} of {year} is not .* \\(1 such names\\)"):
        select([(2000, 1), (year, cluster_id)])


def test_a_sample_is_seeded() -> None:
    drawn = [select(n_sample=2, seed=seed) for seed in range(30)]
    assert all(len(chosen) == 2 for chosen in drawn)
    assert drawn == [select(n_sample=2, seed=seed) for seed in range(30)]
    assert {name for chosen in drawn for name in chosen} == set(select())


def test_a_sample_larger_than_all_is_all() -> None:
    assert select(n_sample=99) == select()
