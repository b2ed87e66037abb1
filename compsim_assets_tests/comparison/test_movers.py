"""Whose cluster and peers changed, against sets of co-members and peers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compsim_assets.comparison.movers import by_company, cluster_moves, comings_and_goings, named, peer_moves

# Year and cluster of each report; report 0..5 are of 2015, 6..11 of 2016.
CLUSTERS = st.dictionaries(st.integers(0, 11), st.integers(1, 3), max_size=12)


def frame(clusters: dict[int, int]) -> pd.DataFrame:
    rows = [(2015 + report // 6, cluster, report) for report, cluster in clusters.items()]
    return pd.DataFrame(rows, columns=["year", "cluster_id", "report_id"], dtype="int64")


def co_members(clusters: dict[int, int], report: int) -> set[int]:
    year, mine = report // 6, clusters[report]
    return {other for other, cluster in clusters.items() if other // 6 == year and cluster == mine} - {report}


@settings(deadline=None, max_examples=50)
@given(before=CLUSTERS, after=CLUSTERS)
def test_moves_are_jaccard_distances_of_co_members(before: dict[int, int], after: dict[int, int]) -> None:
    moves = cluster_moves(frame(before), frame(after)).set_index("report_id")
    assert set(moves.index) == before.keys() & after.keys()
    for report, row in moves.iterrows():
        old, new = co_members(before, int(report)), co_members(after, int(report))
        wanted = 1 - len(old & new) / len(old | new) if old | new else 0
        assert row["size"] == pytest.approx(wanted)
        assert (row["before"], row["after"], row["year"]) == (len(old), len(new), 2015 + int(report) // 6)


def test_numbers_of_clusters_mean_nothing() -> None:
    before, after = {0: 1, 1: 1, 2: 2}, {0: 3, 1: 3, 2: 1}
    assert (cluster_moves(frame(before), frame(after))["size"] == 0).all()


PEERS = st.dictionaries(st.integers(0, 5), st.sets(st.integers(10, 15), min_size=1), max_size=6)


def peers(lists: dict[int, set[int]]) -> pd.DataFrame:
    rows = [(report, 2015, peer) for report, every in lists.items() for peer in every]
    return pd.DataFrame(rows, columns=["report_id", "year", "peer_id"], dtype="int64")


@settings(deadline=None, max_examples=50)
@given(before=PEERS, after=PEERS)
def test_peers_are_others_by_the_share_of_the_longer_list(
    before: dict[int, set[int]], after: dict[int, set[int]]
) -> None:
    moves = peer_moves(peers(before), peers(after)).set_index("report_id")
    assert set(moves.index) == before.keys() & after.keys()
    for report, row in moves.iterrows():
        old, new = before[int(report)], after[int(report)]
        assert row["size"] == pytest.approx(1 - len(old & new) / max(len(old), len(new)))
        assert (row["before"], row["after"]) == (len(old), len(new))


REPORTS = pd.DataFrame(
    {
        "report_id": [1, 2, 3, 4, 5],
        "cik": ["9", "0009", "7", None, None],
        "company_name": ["A | <b>", "A renamed", None, "No number", "n" * 500],
        "ticker": ["A", "A2", None, "NN", None],
    }
)


def test_companies_are_called_by_their_first_report() -> None:
    labels = named(REPORTS).set_index("report_id")["label"]
    assert labels[1] == labels[2] == "A | <b> (A)"
    assert labels[3] == "cik 7"
    assert labels[4] == "No number (NN)"
    assert labels[5] == "n" * 80


def test_the_mean_over_years_orders_companies() -> None:
    moves = pd.DataFrame(
        {
            "report_id": [1, 2, 3, 4],
            "year": [2015, 2016, 2015, 2015],
            "before": [2, 3, 1, 1],
            "after": [1, 0, 1, 1],
            "size": [0.5, 1.0, 0.8, 0.0],
        }
    )
    table = by_company(moves, named(REPORTS), most=10)
    assert table["label"].tolist() == ["cik 7", "A | <b> (A)"], "who did not move is not named"
    assert table["size"].tolist() == [0.8, 0.75]
    assert table.loc[1, ["before", "after", "report_id", "year"]].tolist() == [5, 1, 2, 2016]
    assert len(by_company(moves, named(REPORTS), most=1)) == 1


def test_who_came_and_went_is_said() -> None:
    labels = pd.Series({i: f"C{i}" for i in range(9)})
    assert comings_and_goings({1, 2}, {2, 3}, labels) == "without C1; with C3"
    assert comings_and_goings({1, 2, 4, 5, 6}, {77}, labels) == "without C1, C2, C4 and 2 more; with report 77"
    assert comings_and_goings({1}, {1}, labels) == ""


def test_many_reports_are_compared_at_once() -> None:
    """10^5 reports in a fraction of a second: nothing goes report by report."""
    random = np.random.default_rng(1)
    n = 100_000
    before = pd.DataFrame(
        {"year": 2000 + np.arange(n) % 20, "cluster_id": random.integers(0, 900, n), "report_id": range(n)}
    )
    after = before.assign(cluster_id=random.integers(0, 900, n))
    moves = cluster_moves(before, after)
    assert len(moves) == n
    assert 0.5 < moves["size"].mean() <= 1
