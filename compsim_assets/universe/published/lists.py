"""The published lists: cointegrated pairs (CSV) and tickers (JSON)."""

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.published.values import short, whole, year_of

if TYPE_CHECKING:
    import pandas as pd

_PAIR_COLUMNS = ("Company1", "Company2", "ClusterID", "Correlation", "ADFStat", "p-value")


def read_cointegrated_pairs(path: Path) -> "pd.DataFrame":
    """Pairs of `cointegrated_pairs_<METHOD>.csv`, in the file's order.

    Columns: cluster_id (text), year, report_a, report_b, correlation, adf_statistic, p_value. The ADF statistic of
    companies that move as one is minus infinity.

    Raises:
        UniverseError: no such columns; a line with an id, year or number that is none, or a company paired with itself.
    """
    import pandas as pd

    columns = [
        "cluster_id", "year", "report_a", "report_b", "correlation", "adf_statistic", "p_value",
    ]  # fmt: skip
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(_pairs(path, csv.reader(file, strict=True)))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise UniverseError(f"{path}: {problem}, expected a CSV of pairs") from None
    frame = pd.DataFrame(rows, columns=columns).astype({"cluster_id": "string"})
    return frame.astype(dict.fromkeys(columns[1:4], "int64") | dict.fromkeys(columns[4:], "float64"))


def _pairs(path: Path, lines: Any) -> Iterator[tuple]:
    header: list[str] = next(lines, [])
    if missing := [name for name in _PAIR_COLUMNS if name not in header]:
        raise UniverseError(f"{path}: line 1: no column {', '.join(missing)}")
    where = [header.index(name) for name in _PAIR_COLUMNS]
    for line in lines:
        place = f"{path}: line {lines.line_num}"
        if len(line) != len(header):
            raise UniverseError(f"{place}: {len(line)} values, expected {len(header)}")
        first, second, cluster, *figures = (line[position] for position in where)
        a, b = whole(first), whole(second)
        if a is None or b is None or a == b:
            raise UniverseError(f"{place}: companies {short(first)} and {short(second)}, expected two report ids")
        name, _, tail = cluster.rpartition("_")
        year = year_of(tail)
        if year is None or not name:
            raise UniverseError(f"{place}: ClusterID {short(cluster)}, expected like 6798_2012")
        numbers = (_number(text, f"{place}: {what}") for text, what in zip(figures, _PAIR_COLUMNS[3:], strict=True))
        yield (name, year, a, b, *numbers)


def _number(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value) or (math.isinf(value) and not place.endswith("ADFStat")):
        raise UniverseError(f"{place} {short(text)}, expected a number")
    return value


def read_tickers(path: Path) -> "pd.DataFrame":
    """`index_cik_ticker_map.json`: report_id, cik (text), ticker (the first, null without), tickers (joined by ";").

    Raises:
        UniverseError: no JSON object of entries with `cik` and `ticker`, a report id that is none or is there twice.
    """
    import pandas as pd

    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise UniverseError(f"{path}: {problem}, expected a JSON object of tickers") from None
    if not isinstance(entries, dict):
        raise UniverseError(f"{path}: holds a {type(entries).__name__}, expected a JSON object")
    rows: dict[int, tuple] = {}
    for key, entry in entries.items():
        place = f"{path}: entry {short(key)}"
        report = whole(key)
        if report is None or report in rows:
            raise UniverseError(f"{place}: expected a report id, each once")
        rows[report] = (report, *_tickers(entry, place))
    frame = pd.DataFrame(list(rows.values()), columns=["report_id", "cik", "ticker", "tickers"])
    return frame.astype({"report_id": "int64", "cik": "string", "ticker": "string", "tickers": "string"})


def _tickers(entry: Any, place: str) -> tuple[str | None, str | None, str]:
    if not isinstance(entry, dict) or not {"cik", "ticker"} <= entry.keys():
        raise UniverseError(f"{place}: expected cik and ticker")
    cik, ticker = entry["cik"], entry["ticker"]
    listed = ticker if isinstance(ticker, list) else [] if ticker is None else [ticker]
    if not isinstance(cik, str | int | None) or not all(isinstance(name, str) for name in listed):
        raise UniverseError(f"{place}: cik {short(cik)}, ticker {short(ticker)}, expected text")
    names = [name.strip() for name in listed if name.strip()]
    return (None if cik is None else str(cik)), (names[0] if names else None), ";".join(names)
