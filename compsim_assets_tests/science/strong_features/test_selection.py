import pandas as pd
import pytest

from compsim_assets.science.strong_features.selection import select_clusters

# Sizes by year and cluster: 2000 has 3, 2, 1; 2001 has 2, 2.
CLUSTERS = pd.DataFrame(
    {"year": [2000] * 6 + [2001] * 4, "cluster_id": [1, 2, 1, 3, 2, 1, 1, 2, 1, 2], "report_id": range(10)}
)


def names(found: pd.DataFrame) -> set[tuple[int, int]]:
    return set(zip(found["year"].tolist(), found["cluster_id"].tolist(), strict=True))


def test_all_clusters_of_two_or_more() -> None:
    found = select_clusters(CLUSTERS, None, 0, [0])
    assert names(found) == {(2000, 1), (2000, 2), (2001, 1), (2001, 2)}
    assert found["report_id"].tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_named_clusters_only() -> None:
    only = pd.DataFrame({"year": [2001, 2000], "cluster_id": [2, 1]})
    found = select_clusters(CLUSTERS, only, 0, [0])
    assert names(found) == {(2001, 2), (2000, 1)}
    assert found["report_id"].tolist() == [0, 2, 5, 7, 9]


@pytest.mark.parametrize(("year", "cluster_id"), [(2000, 3), (2000, 9), (1999, 1)])
def test_a_name_that_is_no_cluster_of_two_is_an_error(year: int, cluster_id: int) -> None:
    only = pd.DataFrame({"year": [2000, year], "cluster_id": [1, cluster_id]})
    with pytest.raises(ValueError, match=f"cluster {cluster_id} of {year}"):
        select_clusters(CLUSTERS, only, 0, [0])


def test_a_sample_is_seeded_and_whole() -> None:
    drawn = [names(select_clusters(CLUSTERS, None, 2, [seed])) for seed in range(30)]
    assert all(len(chosen) == 2 for chosen in drawn)
    assert drawn == [names(select_clusters(CLUSTERS, None, 2, [seed])) for seed in range(30)]
    assert set().union(*drawn) == names(select_clusters(CLUSTERS, None, 0, [0]))
    one = select_clusters(CLUSTERS, None, 1, [3])
    ((year, cluster_id),) = names(one)
    expected = CLUSTERS[(CLUSTERS["year"] == year) & (CLUSTERS["cluster_id"] == cluster_id)]
    assert one["report_id"].tolist() == expected["report_id"].tolist()


def test_a_sample_larger_than_all_is_all() -> None:
    assert len(names(select_clusters(CLUSTERS, None, 99, [0]))) == 4
