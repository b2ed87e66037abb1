"""The paper's figures, and those of its follow-ups, as published (`published_figures.csv`), to show beside ours."""

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def published_figures() -> "pd.DataFrame":
    """Every published figure: figure (its name), kind (what is computed for it here), method (ours), key (theirs, or a
    year or share), published, source.
    """
    import pandas as pd

    path = files("compsim_assets.evidence") / "published_figures.csv"
    with path.open("rb") as file:
        return pd.read_csv(file, dtype={"method": "string", "key": "string"})


def published_by_method() -> dict[str, dict[str, float]]:
    """Published figures of each method, under our names and the published ones: `mean_correlation` (Table 1 of arXiv
    2412.02605, on the method's own years), `mean_correlation_2001_2020` and `sharpe`.
    """
    table = published_figures()
    rows_of = {
        "mean_correlation": table["figure"].str.startswith("MeanCorr, "),
        "mean_correlation_2001_2020": table["kind"] == "mean_correlation_2001_2020",
        "sharpe": table["kind"] == "sharpe",
    }
    return {name: _by_method(table[rows]) for name, rows in rows_of.items()}


def _by_method(rows: "pd.DataFrame") -> dict[str, float]:
    return {
        name: value
        for column in ("method", "key")
        for name, value in zip(rows[column], rows["published"], strict=True)
        if isinstance(name, str)
    }


def published_thetas(years: list[int]) -> dict[str, dict[int, float]]:
    """Published cutoffs of each cutoff mode, for those of the years that have one."""
    table = published_figures()
    table = table[table["kind"] == "theta"]
    base = float(table.loc[table["method"] == "base", "published"].iloc[0])
    rolling = table[table["method"] == "rolling"]
    by_year = dict(zip(rolling["key"].astype(int), rolling["published"], strict=True))
    return {"base": dict.fromkeys(years, base), "rolling": {year: by_year[year] for year in years if year in by_year}}
