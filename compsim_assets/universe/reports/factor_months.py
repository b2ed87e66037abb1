"""Whether a universe's factors are of the months of its returns."""

from typing import TYPE_CHECKING

from compsim_assets.universe.intake.decisions import Notes

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def compare_months(factors: "pd.DataFrame", year: "np.ndarray", matrix: "np.ndarray", notes: Notes) -> None:
    """Name the months of returns that have no factors, and factors that do not move with the returns.

    Args:
        factors: year, month and one column per factor. year: (n,) of the reports. matrix: (n, 12) log returns.
    """
    import numpy as np
    import pandas as pd

    from compsim_assets.science.correlation.factors import check_alignment

    there = np.isfinite(matrix)
    if not there.any():
        return
    month = (12 * year[:, None] + np.arange(12))[there]
    complete = factors[factors.notna().all(axis=1)]
    without = np.setdiff1d(month, 12 * complete["year"] + complete["month"] - 1)
    if len(without):
        years = np.unique(without // 12)
        what = f"months of returns without factors, in {years[0]} to {years[-1]}: reports of these years are in no "
        example = f"{without[0] // 12}-{without[0] % 12 + 1:02d}"
        notes.missing("factors", f"{what}factor-adjusted correlation", len(without), example, "give later factors, too")
    returns = pd.DataFrame({"report_id": np.arange(len(year)), "year": year, "returns": list(matrix)})
    try:
        check_alignment(returns, factors)
    except ValueError as problem:
        notes.suspicious("factors", f"robustness cannot be made: {problem}", 1)
