import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.device import share_out
from compsim_assets_tests.science.strategies import examples


@examples(60)
@given(st.lists(st.integers(0, 1000), max_size=30), st.integers(1, 6))
def test_every_item_goes_to_one_share_and_no_share_is_overloaded(costs: list[int], n_shares: int) -> None:
    shares = share_out(costs, n_shares)
    assert len(shares) == n_shares
    assert sorted(item for share in shares for item in share) == list(range(len(costs)))
    assert all(share == sorted(share) for share in shares)
    # Graham: mean load plus one item bounds the largest share.
    loads = [sum(costs[item] for item in share) for share in shares]
    assert max(loads) <= sum(costs) / n_shares + max(costs, default=0)


def test_dear_items_come_first() -> None:
    assert share_out([1, 1, 1, 1, 4], 2) == [[4], [0, 1, 2, 3]]
    assert share_out([5, 4, 3, 3, 3], 2) == [[0, 3], [1, 2, 4]]


@pytest.mark.parametrize("n_shares", [1, 3])
def test_nothing_to_share(n_shares: int) -> None:
    assert share_out([], n_shares) == [[]] * n_shares
