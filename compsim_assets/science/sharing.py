"""Handing work out to processes by cost."""

import heapq
from collections.abc import Sequence


def share_out(costs: Sequence[float], n_shares: int) -> list[list[int]]:
    """Positions of the items each share gets: the dearest first, always to the share with the least so far.

    Deterministic, at most 4/3 of the best possible largest share (Graham 1969). Within a share, ascending positions.
    O(n log n).
    """
    shares: list[list[int]] = [[] for _ in range(n_shares)]
    loads = [(0.0, share) for share in range(n_shares)]
    for item in sorted(range(len(costs)), key=lambda item: (-costs[item], item)):
        load, share = heapq.heappop(loads)
        shares[share].append(item)
        heapq.heappush(loads, (load + costs[item], share))
    return [sorted(share) for share in shares]
