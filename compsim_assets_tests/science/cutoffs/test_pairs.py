"""Published cutoffs applied to pairs: against the published way, a spanning tree whose long edges are dropped."""

from collections.abc import Mapping

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.cutoffs.pairs import YearCut, cut_pairs
from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.pairs import YearPairs, pair_graph, spanning_forest
from compsim_assets_tests.published_code import clusters_at, partition, standardised
from compsim_assets_tests.science.linkage.pair_graphs import link_years_of_pairs
from compsim_assets_tests.science.strategies import examples

THETAS = [-4.2, -3.13, -2.5, -1.5, -1.0, -0.3, 0.0, 0.6, 2.5]


def random_year(seed: int, n: int, share: float, missing: float) -> YearPairs:
    """Pairs of reports in groups that are alike."""
    rng = np.random.default_rng(seed)
    ids = rng.choice(1000, n, replace=False)
    group = rng.integers(0, max(n // 3, 1), n)
    a, b = np.triu_indices(n, 1)
    kept = rng.random(len(a)) < share
    a, b = a[kept], b[kept]
    cosine = np.where(group[a] == group[b], 0.6, 0.0) + rng.uniform(-0.3, 0.3, len(a))
    correlation = rng.uniform(-1, 1, len(a))
    correlation[rng.random(len(a)) < missing] = np.nan
    return YearPairs(ids[a], ids[b], cosine, correlation)


@st.composite
def years_of_pairs(draw: st.DrawFn) -> dict[int, YearPairs]:
    return {
        2001 + year: random_year(
            draw(st.integers(0, 2**32 - 1)),
            draw(st.integers(2, 14)),
            draw(st.sampled_from([0.3, 1.0])),
            draw(st.sampled_from([0.0, 0.3])),
        )
        for year in range(draw(st.integers(1, 4)))
    }


def cuts(pairs: Mapping[int, YearPairs], thetas: Mapping[str, Mapping[int, float]]) -> list[YearCut]:
    return list(cut_pairs(list(pairs), pairs.__getitem__, thetas))


def rows(pairs: Mapping[int, YearPairs]) -> list[tuple[int, int, int, float, float]]:
    return [
        (a, b, year, cosine, correlation)
        for year, own in pairs.items()
        for a, b, cosine, correlation in zip(
            *(getattr(own, n).tolist() for n in ("report_a", "report_b", "cosine", "correlation")), strict=True
        )
    ]


@examples(30)
@given(pairs=years_of_pairs())
def test_cuts_are_the_components_of_a_tree_without_its_long_edges(pairs: dict[int, YearPairs]) -> None:
    wanted = {str(theta): dict.fromkeys(pairs, theta) for theta in THETAS}
    published = standardised(rows(pairs))
    for found in cuts(pairs, wanted):
        own = [(a, b, delta) for a, b, year, delta, _ in published if year == found.year]
        expected = clusters_at(own, found.theta)
        assert partition(found.report_id.tolist(), found.cluster.tolist()) == expected
        assert (np.diff(found.report_id) > 0).all()


def test_a_cut_is_that_of_the_cutoffs_scale() -> None:
    pairs = {year: random_year(year, 12, 1.0, 0.2) for year in (2001, 2002, 2003)}
    _, scale = link_years_of_pairs(pairs)
    (found,) = cuts(pairs, {"GCD": {2002: -1.5}})
    graph = pair_graph(pairs[2002])
    tree = spanning_forest(graph.a, graph.b, graph.distance, len(graph.report_id))
    expected = cut(tree, float(scale.distance(-1.5)))
    assert expected.max() < len(expected)
    np.testing.assert_array_equal(found.cluster, expected)


def test_each_name_has_its_own_years_and_thetas() -> None:
    pairs = {year: random_year(year, 8, 1.0, 0.0) for year in (2001, 2002)}
    wanted = {"GCDR": {2002: -2.5}, "GCD": {2001: -3.13, 2002: -3.13}, "none": {}}
    found = [(cut.name, cut.year, cut.theta) for cut in cuts(pairs, wanted)]
    assert found == [("GCDR", 2002, -2.5), ("GCD", 2001, -3.13), ("GCD", 2002, -3.13)]


def test_nothing_is_read_where_nothing_is_wanted() -> None:
    def read(year: int) -> YearPairs:
        raise AssertionError(year)

    assert list(cut_pairs([2001], read, {"GCD": {}})) == []
    assert list(cut_pairs([2001], read, {})) == []


def test_a_year_without_existing_pairs_has_no_reports() -> None:
    pairs = {2001: random_year(0, 8, 1.0, 0.0), 2002: random_year(1, 8, 1.0, 1.0)}
    found = cuts(pairs, {"GCD": {2001: 0.0, 2002: 0.0}})
    assert [len(cut.report_id) for cut in found] == [8, 0]
    assert found[1].cluster.shape == (0,)
