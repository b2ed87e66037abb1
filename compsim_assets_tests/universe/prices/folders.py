"""Folders of prices written by hand, and what is read of them."""

from pathlib import Path

import pandas as pd

from compsim_assets.universe.folder import Universe
from compsim_assets.universe.prices.files import Prices


def read(folder: Path) -> Prices:
    """The folder's prices."""
    prices = Universe(folder).prices()
    assert prices is not None
    return prices


def rows(prices: Prices) -> list[tuple[str, str, float]]:
    """Ticker, day and price of every row, in order."""
    days = [str(day) for day in prices.day]
    return list(zip([prices.tickers[code] for code in prices.code], days, prices.close.tolist(), strict=True))


def decisions(folder: Path) -> list[tuple[str, str, str, int]]:
    """Grade, subject, what and count of everything that is decided on the folder's prices."""
    universe = Universe(folder)
    universe.prices()
    return [(row.grade, row.subject, row.what, row.count) for row in universe.decisions]


def of_grade(folder: Path, grade: str) -> dict[str, int]:
    """What was decided with this grade, and how often."""
    return {what: count for one, _, what, count in decisions(folder) if one == grade}


def write(folder: Path, text: str, name: str = "prices.csv") -> Path:
    """A file of this text."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def in_rows(wide: pd.DataFrame) -> list[tuple[str, str, float]]:
    """The same as `rows` of a frame with a row per day and a column per ticker, by pandas."""
    long = wide.rename_axis(index="day", columns="ticker").stack().dropna().rename("close").reset_index()
    long["day"] = pd.to_datetime(long["day"]).dt.strftime("%Y-%m-%d")
    return list(long.sort_values(["ticker", "day"])[["ticker", "day", "close"]].itertuples(index=False, name=None))
