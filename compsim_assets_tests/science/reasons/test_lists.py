"""From lists of peers to pairs, and back to rows; where a cosine stands; what was a year before."""

import numpy as np
import pandas as pd
import pytest

from compsim_assets.science.reasons.contributions import Wanted, reasons_of_years
from compsim_assets.science.reasons.lists import confidences, difference, explanations, lists_by_year
from compsim_assets.science.reasons.nearness import near_last_year, next_report, share_below, share_of_list_below
from compsim_assets_tests.science.reasons.made_reports import contributions, cosines, scored, topical

N, D, T = 24, 60, 5


@pytest.fixture(scope="module")
def peers() -> pd.DataFrame:
    """Two scopes of two years: the reports 100 to 123, the even ones in the second scope, too."""
    reports = scored(topical(np.random.default_rng(2), N, D), 12)
    rows = []
    for year in (0, 1):
        members = np.arange(N)[np.arange(N) % 2 == year]
        for scope, of_scope in (("all", members), ("industry", members[: len(members) // 2])):
            for a in of_scope:
                others = of_scope[of_scope != a]
                cosine = cosines(reports, np.full(len(others), a), others)
                order = np.argsort(-cosine)[:7]
                rows += [
                    (100 + a, 2000 + year, scope, rank + 1, 100 + others[i], cosine[i]) for rank, i in enumerate(order)
                ]
    return pd.DataFrame(rows, columns=["report_id", "year", "scope", "rank", "peer_report_id", "cosine"])


def test_rows_of_every_explained_pair_sum_to_its_cosine(peers: pd.DataFrame) -> None:
    rng = np.random.default_rng(2)
    reports = scored(topical(rng, N, D), 12)
    year = 2000 + np.arange(N) % 2
    theme = np.arange(D) % (T + 1) - 1
    wanted = Wanted(theme, T, np.arange(D) % 6, 6, most_for=3, most_against=2)
    lists = list(lists_by_year(peers, np.arange(N), 100 + np.arange(N), year, None, n_explained=4))
    assert [one.year for one in lists] == [2000, 2001]
    for one, reasons in zip(lists, reasons_of_years(reports, [o.compared for o in lists], wanted), strict=True):
        of_year = peers.iloc[one.rows]
        assert (of_year["year"] == one.year).all()
        assert difference(one, reasons, peers) < 1e-6
        rows = pd.DataFrame(explanations(one, reasons, peers, 4, 3, 2))
        near = of_year[of_year["rank"] <= 4].drop_duplicates(["report_id", "peer_report_id"])
        keys = ["report_id", "peer_report_id"]
        sums = rows.groupby([*keys, "kind"])[["contribution", "unusual"]].sum()
        assert len(sums) == 2 * len(near)
        cosine = near.set_index(keys)["cosine"]
        members = np.flatnonzero(year == one.year)
        mean = cosines(reports, *(members[end] for end in np.triu_indices(len(members), 1))).mean()
        for kind in ("latent", "theme"):
            of_kind = sums.xs(kind, level="kind")
            assert of_kind["contribution"].to_numpy() == pytest.approx(cosine.loc[of_kind.index].to_numpy(), abs=1e-9)
            assert of_kind["unusual"].to_numpy() == pytest.approx(cosine.loc[of_kind.index] - mean, abs=1e-6)
        listed = rows[rows["number"] >= 0]
        every = contributions(reports, listed["report_id"] - 100, listed["peer_report_id"] - 100)
        inside = np.where(
            (listed["kind"] == "theme").to_numpy()[:, None],
            theme[None] == listed["number"].to_numpy()[:, None],
            np.arange(D)[None] == listed["number"].to_numpy()[:, None],
        )
        assert (every * inside).sum(axis=1) == pytest.approx(listed["contribution"].to_numpy(), abs=1e-6)
        assert not rows.duplicated([*keys, "kind", "number"]).any()
        shares = confidences(one, reasons, peers, n_draws=30)
        assert ((shares >= 0) & (shares <= 1)).all()
        # Of a list of fewer than twenty half are near in each draw, or more where some are equally near.
        near_in_a_draw = of_year.assign(share=shares).groupby(["report_id", "scope"])["share"].agg(["sum", "size"])
        assert (near_in_a_draw["sum"] >= (near_in_a_draw["size"] + 1) // 2 - 1e-9).all()
        assert (shares < 1).any()


def test_lists_of_reports_that_are_not_compared_are_refused(peers: pd.DataFrame) -> None:
    year = 2000 + np.arange(N) % 2
    with pytest.raises(ValueError, match="not compared"):
        list(lists_by_year(peers, np.arange(1, N), 100 + np.arange(N), year, None, 4))
    assert (
        list(lists_by_year(peers.iloc[:0], np.arange(0), np.empty(0, dtype=int), np.empty(0, dtype=int), None, 4)) == []
    )


def test_share_of_pairs_below() -> None:
    rng = np.random.default_rng(3)
    scores = rng.standard_normal((11, 3)).astype(np.float32)
    scores[4] = scores[9]
    company = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 9])
    unit = scores / np.linalg.norm(scores.astype(float), axis=1, keepdims=True)
    a, b = np.triu_indices(11, 1)
    every = np.einsum("mp,mp->m", unit[a], unit[b])
    for one in (None, company):
        pairs = every if one is None else every[one[a] != one[b]]
        asked = np.array([*every[::7], -1.0, 1.0, 0.2])
        expected = [(pairs < c - 1e-12).mean() for c in asked]
        # Of 15 cosines several lie within this of where a number of twelve digits ends.
        for rounding in (-4e-13, 0, 4e-13):
            assert share_below(scores, asked + rounding, one, cosine_bytes=100) == pytest.approx(expected)
            assert share_of_list_below(np.append(pairs, np.nan), asked + rounding) == pytest.approx(expected)


def test_a_year_before_and_after() -> None:
    reports = pd.DataFrame(
        {"year": [1, 1, 1, 2, 2, 2, 3], "company": [7, 8, 9, 7, 8, 5, 8]}, index=[10, 11, 12, 20, 21, 22, 31]
    ).rename_axis("report_id")
    peers = pd.DataFrame(
        {"report_id": [10, 20, 21, 20, 31], "year": [1, 2, 2, 2, 3], "peer_report_id": [11, 21, 20, 22, 31]}
    )
    near = near_last_year(peers, reports)
    # 20 and 21 were near as 10 and 11; 21 and 20 not in this direction; company 5 had no report; nor had anybody in 0.
    assert near.astype(object).where(near.notna(), None).tolist() == [None, True, False, None, False]
    assert next_report(peers["report_id"], reports)[[0, 2]].tolist() == [20, 31]
    assert np.isnan(next_report(peers["report_id"], reports)[[1, 4]]).all()


@pytest.mark.parametrize("end", ["report_id", "peer_report_id"])
def test_a_report_that_is_not_there_is_refused(peers: pd.DataFrame, end: str) -> None:
    year = 2000 + np.arange(N) % 2
    # Of the year of the last report, whose place a missing one must not take.
    row = peers.index[peers["year"] == year[-1]][0]
    broken = peers.copy()
    broken.loc[row, end] = 1
    with pytest.raises(ValueError, match="not compared, or of two years"):
        list(lists_by_year(broken, np.arange(N), 100 + np.arange(N), year, None, n_explained=4))
