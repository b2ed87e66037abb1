"""Whose cluster and whose nearest peers are others than before.

Clusters have numbers that mean nothing from one version to the next, so a report's cluster is held against its old one
by the reports that share it: 1 less the Jaccard index |B and A| / |B or A| of its co-members B before and A after. Two
empty sets are equal. Peers are held against each other by the share of the longer list that is not in both.
"""

import numpy as np
import pandas as pd

from compsim_assets.science.companies import company_of

_NAMED = 3  # companies in one sentence
_LONGEST = 80  # characters of a name


def cluster_moves(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """report_id, year, before and after (co-members), size (0: the same ones, 1: none of them), by report in both.

    Args:
        before, after: year, cluster_id, report_id; one row per report.
    """
    sized = [_with_size(clusters, name) for clusters, name in ((before, "before"), (after, "after"))]
    both = sized[0].merge(sized[1].drop(columns="year"), on="report_id")
    together = both.groupby(["cluster_before", "cluster_after"])["report_id"].transform("size") - 1
    either = both["before"] + both["after"] - together
    size = 1 - np.where(either == 0, 1.0, together / np.maximum(either, 1))
    return both[["report_id", "year", "before", "after"]].assign(size=size)


def _with_size(clusters: pd.DataFrame, name: str) -> pd.DataFrame:
    """report_id, year, the number of its cluster among those of all years, and how many others are in it."""
    grouped = clusters.groupby(["year", "cluster_id"])
    return pd.DataFrame(
        {
            "report_id": clusters["report_id"],
            "year": clusters["year"],
            f"cluster_{name}": grouped.ngroup(),
            name: grouped["report_id"].transform("size") - 1,
        }
    )


def peer_moves(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """report_id, year, before and after (peers), size (share of the peers that are others), by report in both.

    Args:
        before, after: report_id, year, peer_id; one row per report and peer.
    """
    n_before, n_after = (peers.groupby("report_id").size() for peers in (before, after))
    both = pd.DataFrame({"before": n_before, "after": n_after}).dropna().astype("int64")
    pairs = ["report_id", "peer_id"]
    together = before[pairs].merge(after[pairs], on=pairs).groupby("report_id").size().reindex(both.index, fill_value=0)
    year = after.drop_duplicates("report_id").set_index("report_id")["year"].reindex(both.index)
    both = both.assign(year=year, size=1 - together / both[["before", "after"]].max(axis=1))
    return both.reset_index()[["report_id", "year", "before", "after", "size"]]


def by_company(moves: pd.DataFrame, companies: pd.DataFrame, most: int) -> pd.DataFrame:
    """The companies that moved most: label, before, after, size (mean over years), report_id and year of the largest.

    Args:
        moves: of `cluster_moves` or `peer_moves`.
        companies: of `named`.
    """
    joined = moves.merge(companies, on="report_id")
    joined = joined.sort_values(["size", "year", "report_id"], ascending=[False, True, True], kind="stable")
    grouped = joined.groupby("company", sort=False)
    first = grouped[["label", "report_id", "year"]].first()
    summed = grouped.agg(before=("before", "sum"), after=("after", "sum"), size=("size", "mean"))
    table = first.join(summed).reset_index()
    table = table.sort_values(["size", "label", "company"], ascending=[False, True, True], kind="stable")
    return table[table["size"] > 0].head(most).reset_index(drop=True)


def named(descriptions: pd.DataFrame) -> pd.DataFrame:
    """report_id, company (its key), label (name and ticker, as its first report has them).

    Args:
        descriptions: report_id, cik, company_name, ticker; of both versions, the present one first.
    """
    reports = descriptions.drop_duplicates("report_id").reset_index(drop=True)
    company = company_of(reports).reset_index(drop=True)
    name = reports["company_name"].astype("string").fillna(company)
    ticker = reports["ticker"].astype("string")
    label = name.str.slice(0, _LONGEST)
    label = label.where(ticker.isna(), label + " (" + ticker.str.slice(0, _LONGEST) + ")")
    first = label.groupby(company.to_numpy()).transform("first")
    return pd.DataFrame({"report_id": reports["report_id"], "company": company.to_numpy(), "label": first.to_numpy()})


def comings_and_goings(before: set[int], after: set[int], labels: pd.Series) -> str:
    """Who is no longer beside a report, and who is now; `labels` by report id."""
    parts = [("without", before - after), ("with", after - before)]
    return "; ".join(f"{word} {_listed(reports, labels)}" for word, reports in parts if reports)


def _listed(reports: set[int], labels: pd.Series) -> str:
    names = sorted(str(labels.get(report, f"report {report}")) for report in reports)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
