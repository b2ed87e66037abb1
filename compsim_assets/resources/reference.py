"""The paper's figures, and those of its follow-ups, as published, to show beside ours."""

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def published_figures() -> "pd.DataFrame":
    """Every published figure: figure (its name), kind (what is computed for it here), method (ours), key (theirs, or a
    year or share), published, source.
    """
    import pandas as pd

    path = files("compsim_assets") / "reference" / "published_figures.csv"
    with path.open("rb") as file:
        return pd.read_csv(file, dtype={"method": "string", "key": "string"})


def published_mean_correlation() -> dict[str, float]:
    """Published MeanCorr by method (Table 1 of arXiv 2412.02605), under our names and the published ones."""
    table = published_figures()
    of_table_1 = table[table["figure"].str.startswith("MeanCorr, ")]
    return {
        name: value
        for column in ("method", "key")
        for name, value in zip(of_table_1[column], of_table_1["published"], strict=True)
        if isinstance(name, str)
    }


def published_thetas(years: list[int]) -> dict[str, dict[int, float]]:
    """Published cutoffs of each cutoff mode, for those of the years that have one."""
    table = published_figures()
    table = table[table["kind"] == "theta"]
    base = float(table.loc[table["method"] == "base", "published"].iloc[0])
    rolling = table[table["method"] == "rolling"]
    by_year = dict(zip(rolling["key"].astype(int), rolling["published"], strict=True))
    return {
        "base": dict.fromkeys(years, base),
        "rolling": {year: by_year[year] for year in years if year in by_year},
    }
