"""How far clusters repeat a known classification: adjusted mutual information, year by year."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_mutual_info_score


def agreement_by_year(groups: pd.DataFrame, codes: pd.DataFrame) -> pd.DataFrame:
    """Adjusted mutual information of clusters and codes: 1 for the same groups, about 0 for unrelated ones.

    Args:
        groups: year, cluster_id (any type), report_id. Singletons are clusters of their own; a report without a
            cluster (null) is left out.
        codes: report_id, year, code (any type). A report without a code (null) is left out.

    Returns:
        year, value, n (reports with both); one row for each year of `groups`, ascending. The value is NaN for fewer
        than two reports.

    Cost: sklearn's, about (clusters x codes) per year.
    """
    columns = ["report_id", "year"]
    named = groups.dropna(subset="cluster_id")[[*columns, "cluster_id"]]
    coded = codes.dropna(subset="code")[[*columns, "code"]]
    both = named.merge(coded, on=columns, how="inner", validate="one_to_one")
    positions = both.groupby("year").indices
    rows = []
    for year in sorted(int(year) for year in groups["year"].unique()):
        of_year = both.iloc[positions.get(year, np.empty(0, dtype=np.int64))]
        value = np.nan
        if len(of_year) > 1:
            clusters, codes_of_year = (pd.factorize(of_year[name])[0] for name in ("cluster_id", "code"))
            value = float(adjusted_mutual_info_score(codes_of_year, clusters))
        rows.append((year, value, len(of_year)))
    return pd.DataFrame(rows, columns=["year", "value", "n"])


def classifications(reports: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    """Codes of each classification that the reports have, for `agreement_by_year`.

    Args:
        reports: report_id, year, sic_code (four digits of text), industry (SIC division), and gics_sector where it is
            known; nulls where a report has none.

    Returns:
        report_id, year, code by name: sic_code, sic2, sic_division, gics_sector.
    """
    codes = {
        "sic_code": reports["sic_code"],
        "sic2": reports["sic_code"].str.slice(0, 2),
        "sic_division": reports["industry"],
    }
    if "gics_sector" in reports:
        codes["gics_sector"] = reports["gics_sector"]
    named = {name: reports[["report_id", "year"]].assign(code=code) for name, code in codes.items()}
    return {name: table for name, table in named.items() if table["code"].notna().any()}
