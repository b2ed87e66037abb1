"""Looking up rows of the `robustness` table."""

import pandas as pd


def robust_row(table: pd.DataFrame, statistic: str, method: str, versus: str = "", level: str = "") -> dict[str, float]:
    """Value and 95 % interval, `value`, `low` and `high`, of one row; NaN where there is none."""
    names = ["value", "low", "high"]
    rows = table[
        (table["statistic"] == statistic)
        & (table["method"] == method)
        & (table["versus"] == versus)
        & (table["level"] == level)
    ]
    if rows.empty:
        return dict.fromkeys(names, float("nan"))
    return {name: float(rows[name].iloc[0]) for name in names}
