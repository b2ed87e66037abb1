"""Table 1 in two blocks: as it was published, and corrected."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from compsim_assets.evidence.methods import by_method, knows_later_years
from compsim_assets.evidence.robust_rows import robust_row

# One-way cost, in basis points, at which the corrected Sharpe ratio stands in the table.
SHARPE_COST = 10.0
_SHARPE = ("sharpe", "sharpe_low", "sharpe_high")
_PUBLISHED_NOTE = "every cluster counts once, on the method's own years"
_SHARPE_NOTE = "; Sharpe: closed positions are booked again, regression on the trading window itself, survivors only"
_IN_SAMPLE = "knows later years"


def two_blocks(
    mean_correlation: pd.DataFrame,
    years: list[int],
    n_reports: int,
    robustness: pd.DataFrame,
    backtest: pd.DataFrame,
    published: Mapping[str, Mapping[str, float]],
) -> pd.DataFrame:
    """Table 1 (method sections 5 to 7): a row per block and method.

    `as_published` is MeanCorr over the method's own years and the Sharpe ratio of the published trading loop, with what
    is wrong with them in `notes`. `honest` is MeanCorr and the pair-weighted correlation on the common years, with 95 %
    intervals over companies, and the Sharpe ratio of trading estimated beforehand, after costs.

    Args:
        mean_correlation: the table of that name.
        years: common years.
        n_reports: reports of the universe in the common years.
        robustness: intervals, of the common years.
        backtest: the `pairs_backtest` table.
        published: by column (`mean_correlation`, `mean_correlation_2001_2020`, `sharpe`): value by method.
    """
    rows = []
    for method, own in by_method(mean_correlation).items():
        common = own[own["year"].isin(years)]
        rows.append(
            {
                "block": "as_published",
                **_means(method, own, float("nan")),
                **_sharpe(backtest, "as_published", method, 0.0),
                "published": published["mean_correlation"].get(method, np.nan),
                "published_sharpe": published["sharpe"].get(method, np.nan),
                "notes": _PUBLISHED_NOTE + _said(method, backtest),
            }
        )
        rows.append(
            {
                "block": "honest",
                **_means(method, common, n_reports),
                **_interval(robustness, method, "mean_correlation", ("low", "high")),
                **_interval(robustness, method, "pair_weighted", ("pair_low", "pair_high")),
                **_sharpe(backtest, "honest", method, SHARPE_COST),
                "published": published["mean_correlation_2001_2020"].get(method, np.nan),
                "published_sharpe": np.nan,
                "notes": _IN_SAMPLE if knows_later_years(method) else "",
            }
        )
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("block", kind="stable", ignore_index=True)


COLUMNS = [
    "block", "method", "first_year", "last_year", "n_years", "mean_correlation", "low", "high", "pair_weighted",
    "pair_low", "pair_high", "coverage", "n_clusters", "largest_cluster", *_SHARPE, "published", "published_sharpe",
    "notes",
]  # fmt: skip


def _means(method: str, rows: pd.DataFrame, n_reports: float) -> dict[str, object]:
    """MeanCorr over some years, and what it hides; coverage of the method's own years where no number is given."""
    measured = rows.dropna(subset="mean_correlation")
    n_pairs = rows["n_pairs"].sum()
    pooled = (rows["pair_weighted"] * rows["n_pairs"]).sum() / n_pairs if n_pairs else np.nan
    reports = n_reports if not np.isnan(n_reports) else _reports_of(rows)
    return {
        "method": method,
        "first_year": int(measured["year"].min()) if len(measured) else None,
        "last_year": int(measured["year"].max()) if len(measured) else None,
        "n_years": len(measured),
        "mean_correlation": rows["mean_correlation"].mean(),
        "pair_weighted": pooled,
        "coverage": rows["n_reports"].sum() / reports if reports else np.nan,
        "n_clusters": int(rows["n_clusters"].sum()),
        "largest_cluster": int(rows["largest_cluster"].max()) if len(rows) else 0,
    }


def _reports_of(rows: pd.DataFrame) -> float:
    """Reports of the universe in a method's years: each year has its share of them in clusters."""
    some = rows[rows["coverage"] > 0]
    return float((some["n_reports"] / some["coverage"]).sum())


def _interval(robustness: pd.DataFrame, method: str, statistic: str, names: tuple[str, str]) -> dict[str, float]:
    row = robust_row(robustness, statistic, method)
    return dict(zip(names, (row["low"], row["high"]), strict=True))


def _sharpe(backtest: pd.DataFrame, variant: str, method: str, cost: float) -> dict[str, float]:
    rows = _traded(backtest, variant, method)
    rows = rows[rows["cost_bp"] == cost]
    return {name: float(rows[name].iloc[0]) if len(rows) else np.nan for name in _SHARPE}


def _traded(backtest: pd.DataFrame, variant: str, method: str) -> pd.DataFrame:
    return backtest[(backtest["variant"] == variant) & (backtest["method"] == method)]


def _said(method: str, backtest: pd.DataFrame) -> str:
    """What else is wrong with the published figures of a method."""
    known = f"; {_IN_SAMPLE}" if knows_later_years(method) else ""
    traded = len(_traded(backtest, "as_published", method)) > 0
    return known + (_SHARPE_NOTE if traded else "")
