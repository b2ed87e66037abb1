"""Groups of pairs against components found by hand: by joining until nothing changes."""

from itertools import pairwise

import numpy as np
import pytest

from compsim_assets.science.peers.pair_groups import pair_groups


def components(edges: set[tuple[int, int]]) -> list[list[int]]:
    """Connected companies, groups by their smallest one."""
    groups = [set(edge) for edge in edges]
    joined = True
    while joined:
        joined = False
        for one in groups:
            for other in groups:
                if one is not other and one & other:
                    one |= other
                    groups.remove(other)
                    joined = True
                    break
            if joined:
                break
    return sorted(sorted(group) for group in groups)


def by_group(companies: np.ndarray, group: np.ndarray) -> list[list[int]]:
    assert sorted(set(group.tolist())) == list(range(1, len(set(group.tolist())) + 1))
    return [companies[group == number].tolist() for number in range(1, group.max(initial=0) + 1)]


def drawn(seed: int) -> dict[tuple[int, int], float]:
    """Pairs of some of forty companies, with equal scores among them."""
    rng = np.random.default_rng(seed)
    ids = rng.permutation(1000)[:40]
    pairs = {tuple(sorted(rng.choice(ids, 2, replace=False).tolist())) for _ in range(45)}
    return {pair: float(rng.integers(0, 8)) / 10 for pair in sorted(pairs)}


def arrays(pairs: dict[tuple[int, int], float], both: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = [(*pair, score) for pair, score in pairs.items()]
    rows += [(b, a, score) for a, b, score in rows] if both else []
    order = np.random.default_rng(seed).permutation(len(rows))
    first, second, score = np.array(rows)[order].T
    return first.astype(np.int64), second.astype(np.int64), score


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("both", [True, False])
def test_every_company_joins_its_nearest_peer(seed: int, both: bool) -> None:
    pairs = drawn(seed)
    edges = set()
    for company in {company for pair in pairs for company in pair}:
        peers = [(-score, sum(pair) - company) for pair, score in pairs.items() if company in pair]
        edges.add((company, min(peers)[1]))
    assert by_group(*pair_groups(*arrays(pairs, both, seed))) == components(edges)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("cut", [0.0, 0.3, 0.7])
def test_pairs_of_at_least_the_cut_are_together(seed: int, cut: float) -> None:
    pairs = drawn(seed)
    edges = {pair for pair, score in pairs.items() if score >= cut}
    assert by_group(*pair_groups(*arrays(pairs, True, seed), cut=cut)) == components(edges)


def test_a_chain_of_nearest_peers_is_one_group_and_no_pair_is_none() -> None:
    chain = {pair: 0.9 - n / 10 for n, pair in enumerate(pairwise([7, 3, 5, 1]))}
    assert by_group(*pair_groups(*arrays(chain, True))) == [[1, 3, 5, 7]]
    assert by_group(*pair_groups(*arrays(chain, True), cut=0.85)) == [[3, 7]]
    nothing = np.empty(0, dtype=np.int64)
    assert by_group(*pair_groups(nothing, nothing, np.empty(0))) == []
    assert by_group(*pair_groups(*arrays(chain, True), cut=2.0)) == []
