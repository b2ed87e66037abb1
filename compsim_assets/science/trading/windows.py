"""Which years pairs are chosen on and which they are traded in: the same for every method."""

from dataclasses import dataclass

import numpy as np

# The paper's: clusters of 2011 to 2013, trades from 2014 to 2020.
PUBLISHED_YEARS = (2014, 2020)
CLUSTER_YEARS = 3


@dataclass(frozen=True)
class TradingWindows:
    """Calendar years, both ends included; estimation ends the day before trading starts.

    rule: what the years of trading were chosen by: "asked", "published" or "last third".
    """

    estimation: tuple[int, int]
    trading: tuple[int, int]
    rule: str

    @property
    def cluster_years(self) -> list[int]:
        """Years whose clusters pairs are from: the last three before trading."""
        return list(range(self.trading[0] - CLUSTER_YEARS, self.trading[0]))


def days_of(years: tuple[int, int]) -> tuple[np.datetime64, np.datetime64]:
    """First and last calendar day of a range of years."""
    return np.datetime64(f"{years[0]:04d}-01-01"), np.datetime64(f"{years[1]:04d}-12-31")


def trading_windows(
    years: list[int], first_estimation: int, first_trading: int = 0, last_trading: int = 0
) -> TradingWindows:
    """The windows of a universe.

    Args:
        years: the universe's years, at least one. first_estimation: first year of estimation; the universe's first one
            where it is not before trading. first_trading, last_trading: asked for; 0 chooses.

    Returns:
        As asked for; else the paper's windows, where the universe has the three years of clusters and years of trading;
        else the last third of the universe's years for trading.

    Raises:
        ValueError: trading would end before it starts.
    """
    present = set(years)
    needed = set(range(PUBLISHED_YEARS[0] - CLUSTER_YEARS, PUBLISHED_YEARS[0] + 1))
    if first_trading:
        first, last, rule = first_trading, max(years), "asked"
    elif needed <= present:
        first, last, rule = PUBLISHED_YEARS[0], min(max(years), PUBLISHED_YEARS[1]), "published"
    else:
        third = -(-len(present) // 3)
        first, last, rule = sorted(present)[-third], max(years), "last third"
    last = last_trading or last
    if last < first:
        raise ValueError(
            f"trading would end in {last}, before it starts in {first}: set first_trading_year and last_trading_year"
        )
    start = first_estimation if first_estimation < first else min(*years, first - CLUSTER_YEARS)
    return TradingWindows((start, first - 1), (first, last), rule)
