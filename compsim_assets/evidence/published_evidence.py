"""Published figures of trading, intervals and peers: what this universe's evidence tables say of each."""

import numpy as np
import pandas as pd

from compsim_assets.evidence.methods import by_method
from compsim_assets.evidence.robust_rows import robust_row

# What the published groups measure here, what ours do, and why ours is missing if it is NaN.
Values = tuple[float, float, str]


def sharpe_ratio(backtest: pd.DataFrame, method: str, key: str) -> Values:
    """The Sharpe ratio of the published trading loop, traps included."""
    rows = backtest[backtest["variant"] == "as_published"].set_index("method")["sharpe"]
    replayed, ours = (float(rows.get(name, np.nan)) for name in (key, method))
    return replayed, ours, f"no pair of {method or key} clusters was traded"


def interval_end(robustness: pd.DataFrame, method: str, key: str, kind: str) -> Values:
    """One end of a 95 % interval of MeanCorr, or of its difference to SIC codes, on the common years."""
    what, end = kind.split("_")
    versus = ("SIC", "sic_code") if what == "difference" else ("", "")
    replayed, ours = (
        robust_row(robustness, "mean_correlation", name, other)[end]
        for name, other in zip((key, method), versus, strict=True)
    )
    return replayed, ours, f"no interval of {method}"


def peers(statistics: pd.DataFrame, method: str, key: str, judged: bool) -> Values:
    """Mean over years of a peer statistic.

    Args:
        statistics: the `peer_statistics` table.
        method: similarity.
        key: statistic, level, `value`, `random` or `lift`, and optionally first and last year.
        judged: only the years in which the supervised similarity is judged.
    """
    name, level, what, *years = key.split()
    rows = statistics[(statistics["statistic"] == name) & (statistics["level"] == float(level))]
    if years:
        rows = rows[rows["year"].between(int(years[0]), int(years[1]))]
    of_method = by_method(rows)
    own = of_method.get(method, rows.iloc[:0])
    if judged:
        own = own[own["year"].isin(judged_years(statistics))]
    value = own["value"] - own["random"] if what == "lift" else own[what]
    return np.nan, float(value.mean()), f"no such year, or no {method} similarity"


def judged_years(statistics: pd.DataFrame) -> list[int]:
    """The years in which the supervised similarity is judged."""
    return sorted(statistics.loc[statistics["method"] == "supervised", "year"].unique().tolist())
