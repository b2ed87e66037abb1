"""Table 1 in two blocks: as it was published, and corrected."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from compsim_assets.contracts import TABLES
from compsim_assets.contracts.methods import knows_later_years
from compsim_assets.evidence.groups import by_method
from compsim_assets.evidence.robustness import robust_row

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
    *,
    apart: Mapping[str, Sequence[int]] | None = None,
    rows_as_published: pd.DataFrame | None = None,
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
        apart: years of the methods that have no common ones; they stand in the honest block on these.
        rows_as_published: where companies have several reports in a year: `mean_correlation` with their pairs among
            themselves, as in published rows. It is what the first block is made from then.
    """
    published_rows, honest_rows = [], []
    with_own = {} if rows_as_published is None else by_method(rows_as_published)
    for method, rows in by_method(mean_correlation).items():
        traded = _traded(backtest, "as_published", method)
        notes = [_PUBLISHED_NOTE]
        notes += [f"; {_IN_SAMPLE}"] if knows_later_years(method) else []
        notes += [_SHARPE_NOTE] if len(traded) else []
        counted = with_own.get(method, rows)
        if (n_pairs := int(counted["n_pairs"].sum())) > (n_of_two := int(rows["n_pairs"].sum())):
            notes.append(f"; {n_pairs:,} pairs, {n_pairs - n_of_two:,} of them of a company with itself")
        published_rows.append(
            {
                "block": "as_published",
                "method": method,
                **_means(counted, _reports_of(counted)),
                **_sharpe(traded, 0.0),
                "published": published["mean_correlation"].get(method, np.nan),
                "published_sharpe": published["sharpe"].get(method, np.nan),
                "notes": "".join(notes),
            }
        )
        ends, pair_ends = (robust_row(robustness, name, method) for name in ("mean_correlation", "pair_weighted"))
        measured, n_there = rows[rows["year"].isin(years)], float(n_reports)
        notes = [_IN_SAMPLE] if knows_later_years(method) else []
        if apart and method in apart:
            measured = rows[rows["year"].isin(apart[method])]
            n_there = _reports_of(measured)
            notes.append("on its own years: it has none of the common ones")
        honest_rows.append(
            {
                "block": "honest",
                "method": method,
                **_means(measured, n_there),
                "low": ends["low"],
                "high": ends["high"],
                "pair_low": pair_ends["low"],
                "pair_high": pair_ends["high"],
                **_sharpe(_traded(backtest, "honest", method), SHARPE_COST),
                "published": published["mean_correlation_2001_2020"].get(method, np.nan),
                "notes": "; ".join(notes),
            }
        )
    return pd.DataFrame(published_rows + honest_rows, columns=TABLES["table_1"].names)


def _means(rows: pd.DataFrame, n_reports: float) -> dict[str, object]:
    """MeanCorr over some years with `n_reports` reports, and what it hides."""
    measured = rows.dropna(subset="mean_correlation")
    n_pairs = rows["n_pairs"].sum()
    pooled = (rows["pair_weighted"] * rows["n_pairs"]).sum() / n_pairs if n_pairs else np.nan
    return {
        "first_year": int(measured["year"].min()) if len(measured) else None,
        "last_year": int(measured["year"].max()) if len(measured) else None,
        "n_years": len(measured),
        "mean_correlation": rows["mean_correlation"].mean(),
        "pair_weighted": pooled,
        "coverage": rows["n_reports"].sum() / n_reports if n_reports else np.nan,
        "n_clusters": int(rows["n_clusters"].sum()),
        "largest_cluster": int(rows["largest_cluster"].max()) if len(rows) else 0,
    }


def _reports_of(rows: pd.DataFrame) -> float:
    """Reports of the universe in a method's years: each year has its share of them in clusters."""
    some = rows[rows["coverage"] > 0]
    return float((some["n_reports"] / some["coverage"]).sum())


def _traded(backtest: pd.DataFrame, variant: str, method: str) -> pd.DataFrame:
    return backtest[(backtest["variant"] == variant) & (backtest["method"] == method)]


def _sharpe(traded: pd.DataFrame, cost: float) -> dict[str, float]:
    rows = traded[traded["cost_bp"] == cost]
    return {name: float(rows[name].iloc[0]) if len(rows) else np.nan for name in _SHARPE}
