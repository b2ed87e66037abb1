"""Nearest peers against full sorts within each year."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.linkage import near_lists, nearest
from compsim_assets.science.linkage.distance import unit_rows
from compsim_assets.science.linkage.nearest import nearest_peers
from compsim_assets_tests.science import oracles
from compsim_assets_tests.science.strategies import SCORES, Universe, examples, make_scores, universes


def peers(universe: Universe, **options) -> pd.DataFrame:
    blocks = nearest_peers(universe.scores, universe.year, universe.report_id, **options)
    frames = [pd.DataFrame(block) for block in blocks]
    columns = ["report_id", "year", "rank", "peer_id", "cosine"]
    return pd.concat(frames) if frames else pd.DataFrame(columns=columns)


@examples(40)
@given(universes(max_years=4, max_reports=9), st.integers(1, 10), st.integers(1, 5), st.sampled_from([0, 99]))
def test_nearest_peers_equal_a_full_sort(universe: Universe, n_peers: int, block: int, large: int) -> None:
    expected = []
    company = np.random.default_rng(n_peers).integers(len(universe.year), size=len(universe.year))
    for rows in universe.positions():
        rows = [row for row in rows if universe.scores[row].any()]  # at the origin: like nothing
        for a in rows:
            others = [
                (-round(oracles.cosine(universe.scores[a], universe.scores[b]), 9), universe.report_id[b])
                for b in rows
                if company[b] != company[a]
            ]
            for rank, (negative, peer) in enumerate(sorted(others)[:n_peers], start=1):
                expected.append((universe.report_id[a], universe.year[a], rank, peer, -negative))
    found = peers(universe, n_peers=n_peers, block=block, company=company, large=large)
    assert len(found) == len(expected)
    if expected:
        truth = pd.DataFrame(expected, columns=found.columns).sort_values(["report_id", "rank"])
        found = found.sort_values(["report_id", "rank"])
        for name in ("report_id", "year", "rank", "peer_id"):
            assert found[name].tolist() == truth[name].tolist()
        np.testing.assert_allclose(found["cosine"], truth["cosine"], rtol=0, atol=2e-9)
        assert found["cosine"].between(-1, 1).all()


def test_peers_are_of_the_same_year_and_never_the_report_itself() -> None:
    scores = np.tile([1.0, 2.0], (6, 1))
    universe = Universe(np.arange(6), np.array([1, 2, 1, 2, 1, 3]), scores, np.zeros((6, 12)))
    found = peers(universe)
    assert found.groupby("report_id")["peer_id"].apply(list).to_dict() == {
        0: [2, 4], 1: [3], 2: [0, 4], 3: [1], 4: [0, 2],
    }  # fmt: skip
    assert found["cosine"].tolist() == pytest.approx([1.0] * 8, abs=1e-15)


def test_identical_reports_rank_by_id_although_their_products_differ_by_rounding() -> None:
    text = np.arange(43) // 6
    scores = np.random.default_rng(0).normal(size=(8, 131))[text]
    universe = Universe(np.arange(43), np.zeros(43, int), scores, np.zeros((43, 12)))
    found = peers(universe, n_peers=42, block=7).set_index("report_id")
    for report in range(43):
        order = found.loc[report, "peer_id"].to_numpy()
        for copies in range(8):
            ranked = order[text[order] == copies]
            assert ranked.tolist() == sorted(ranked.tolist())


def by_cosine(cosine: np.ndarray, ids: np.ndarray) -> list[int]:
    """Ids, the largest cosine first, equal ones ascending, one after the other."""
    order, equal, last = list[int](), list[int](), np.inf
    for value, name in sorted(zip(cosine.tolist(), ids.tolist(), strict=True), reverse=True):
        if last - value > 1e-12:
            order, equal = order + sorted(equal), []
        equal.append(name)
        last = value
    return order + sorted(equal)


def sorted_peers(unit: np.ndarray, ids: np.ndarray, n_peers: int) -> np.ndarray:
    """Whole rows sorted: the rule that a partial selection must keep."""
    others = ~np.eye(len(unit), dtype=bool)
    return np.array([by_cosine(unit[there] @ unit[a], ids[there])[:n_peers] for a, there in enumerate(others)])


@pytest.mark.parametrize("kind", SCORES)
def test_a_partial_selection_gives_the_peers_of_a_sort(kind: str) -> None:
    """Also where the last peers tie with others that are left out: grids, copies, one-hot rows."""
    scores = make_scores(np.random.default_rng(2), 60, 4, kind)
    scores = scores[scores.any(axis=1)]
    n = len(scores)
    universe = Universe(np.arange(n) * 3, np.zeros(n, int), scores, np.zeros((n, 12)))
    for n_peers in (1, 5, 20, n - 1, 80):
        found = peers(universe, n_peers=n_peers)["peer_id"].to_numpy().reshape(n, -1)
        expected = sorted_peers(unit_rows(scores), universe.report_id, min(n_peers, n - 1))
        assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("kind", SCORES)
@pytest.mark.parametrize("beside", [0, 1, 16])
def test_lists_of_float32_products_give_the_peers_of_a_sort(
    kind: str, beside: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over several tiles, with and without places beside the wanted ones; copies and grids that no list settles."""
    monkeypatch.setattr(near_lists, "_TILE", 17)
    monkeypatch.setattr(nearest, "_BESIDE", beside)
    scores = make_scores(np.random.default_rng(2), 60, 4, kind)
    scores = scores[scores.any(axis=1)]
    n = len(scores)
    company = np.random.default_rng(3).integers(0, 50, n)
    universe = Universe(np.arange(n) * 3, np.zeros(n, int), scores, np.zeros((n, 12)))
    for n_peers in (1, 5, 20, n - 1):
        every, listed = (peers(universe, n_peers=n_peers, company=company, large=large) for large in (n + 1, n))
        listed = listed.sort_values(["report_id", "rank"], ignore_index=True)
        assert listed[["report_id", "rank", "peer_id"]].equals(
            every[["report_id", "rank", "peer_id"]].reset_index(drop=True)
        )
        np.testing.assert_allclose(listed["cosine"], every["cosine"], rtol=0, atol=1e-12)


@examples(40)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from(SCORES), st.integers(2, 50), st.integers(1, 6), st.integers(1, 12),
    st.integers(0, 3), st.integers(2, 40), st.integers(1, 60),
)  # fmt: skip
def test_drawn_lists_give_the_peers_of_a_sort_ties_by_id(
    seed: int, kind: str, n: int, n_axes: int, n_peers: int, beside: int, tile: int, companies: int
) -> None:
    """Few places beside the wanted ones, small tiles, many ties: much that no list settles, and some that it does."""
    rng = np.random.default_rng(seed)
    scores = make_scores(rng, n, n_axes, kind).astype(np.float32)
    scores[rng.random(n) < 0.1] = 0
    ids, company = rng.permutation(1000)[:n], rng.integers(companies, size=n)
    universe = Universe(ids, np.zeros(n, int), scores, np.zeros((n, 12)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_lists, "_TILE", tile)
        patch.setattr(nearest, "_BESIDE", beside)
        table = peers(universe, n_peers=n_peers, company=company, large=0, block=7)
    cosine = unit_rows(scores) @ unit_rows(scores).T
    expected = []
    for a in np.flatnonzero(scores.any(axis=1)):
        others = [b for b in np.flatnonzero(scores.any(axis=1)) if company[b] != company[a]]
        order = by_cosine(cosine[a, others], ids[others])[:n_peers]
        expected += [(ids[a], rank, peer) for rank, peer in enumerate(order, start=1)]
    found = table.sort_values(["report_id", "rank"])[["report_id", "rank", "peer_id"]]
    assert [tuple(row) for row in found.itertuples(index=False)] == sorted(expected)


def test_a_list_settles_what_lies_beyond_rounding_and_nothing_within(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two peers whose cosines differ by less than a float32 product can tell, the nearer one comes first."""
    monkeypatch.setattr(nearest, "_BESIDE", 1)
    compared = list[int]()
    original = nearest._Year._compared

    def counted(year: nearest._Year, positions: np.ndarray):  # type: ignore[no-untyped-def]
        compared.extend(positions.tolist())
        return original(year, positions)

    monkeypatch.setattr(nearest._Year, "_compared", counted)
    angle = np.array([0.0, 0.3, -0.3 + 1e-9, 2.0])
    scores = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    universe = Universe(np.arange(4), np.zeros(4, int), scores, np.zeros((4, 12)))
    table = peers(universe, n_peers=1, large=0).set_index("report_id")["peer_id"]
    assert table.to_dict() == {0: 2, 1: 0, 2: 0, 3: 1}
    assert 0 in compared
    assert 3 not in compared


@examples(30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.floats(-3, 3))
def test_float32_cosines_are_no_further_off_than_said(seed: int, n_axes: int, spread: float) -> None:
    rows = np.random.default_rng(seed).normal(size=(20, n_axes)) * np.exp(spread * np.arange(n_axes) / n_axes)
    unit = unit_rows(rows)
    single = unit.astype(np.float32)
    for order in (slice(None), slice(None, None, -1)):
        off = np.abs((single[:, order] @ single[:, order].T).astype(np.float64) - unit @ unit.T).max()
        assert off <= near_lists.rounding(n_axes)


def test_large_years_take_memory_for_lists_and_not_for_the_square() -> None:
    """18,000 reports: all float64 cosines would be 2,592 MB, and four times those of 9,000. The process may grow by
    128 MB for either: its lists are 5 MB.
    """
    code = (
        "import resource, numpy as np, torch\n"
        "from compsim_assets.science.linkage.nearest import nearest_peers\n"
        "torch.set_num_threads(1)\n"
        "scores = np.random.default_rng(0).normal(size=(18_000, 16)).astype(np.float32)\n"
        "torch.rand(64, 64) @ torch.rand(64, 64)\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 128 * 2**20, resource.RLIM_INFINITY))\n"
        "for n in (9_000, 18_000):\n"
        "    args = scores[:n], np.zeros(n, int), np.arange(n)\n"
        "    print(sum(len(block['rank']) for block in nearest_peers(*args, n_peers=20, cosine_bytes=1 << 25)))\n"
        "try:\n"
        "    np.ones((18_000, 18_000), dtype=np.float32)\n"
        "except MemoryError:\n"
        "    print('the square does not fit')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout.splitlines() == ["180000", "360000", "the square does not fit"], ran.stderr


def test_large_years_are_compared_in_smaller_blocks() -> None:
    scores = np.random.default_rng(1).normal(size=(50, 4))
    blocks = list(nearest_peers(scores, np.zeros(50, int), np.arange(50), n_peers=3, cosine_bytes=8 * 50 * 12))
    assert [len(block["rank"]) for block in blocks] == [36, 36, 36, 36, 6]


def test_blocks_do_not_change_the_answer() -> None:
    rng = np.random.default_rng(0)
    universe = Universe(rng.permutation(200), rng.integers(3, size=200), rng.normal(size=(200, 6)), np.zeros((200, 12)))
    whole, blocked = peers(universe), peers(universe, block=7)
    order = ["report_id", "rank"]
    assert whole.sort_values(order)["peer_id"].tolist() == blocked.sort_values(order)["peer_id"].tolist()
    assert whole.groupby("report_id").size().tolist() == [20] * 200


def test_no_reports_have_no_peers() -> None:
    assert peers(Universe(np.empty(0, int), np.empty(0, int), np.empty((0, 4)), np.empty((0, 12)))).empty
