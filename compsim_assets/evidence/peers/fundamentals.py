"""The accounting yardstick: how much of a company's metrics its peers explain, for every method that has peers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from compsim_assets.contracts import TABLES
from compsim_assets.contracts.methods import knows_later_years
from compsim_assets.evidence.groups import company_of
from compsim_assets.evidence.peers.statistics import PeerMethod, Similar
from compsim_assets.science.companies import companies_of_rows
from compsim_assets.science.correlation.groups import members_of
from compsim_assets.science.peers.explained import Explained, Peers, Share, listed, members, shares_explained
from compsim_assets.science.peers.statistics import existing, peer_weights, same_group

ALL, INDUSTRY = SCOPES = "all", "industry"
# Years from the peers' metric to the company's.
AHEAD = 0, 1
# One group per year: it has no others to be held against.
_ONE_GROUP = "population"


class _Asked(NamedTuple):
    """The companies of one year, by their first reports; ids ascending."""

    year: int
    report_id: np.ndarray


@dataclass(frozen=True)
class Companies:
    """A row for each company and year, by its first report: report_id, year, company, sic2 (codes, -1: none); by year,
    then id. And the metrics.

    values: (n, M) of the row's year. targets: (H, n, M) of that many years later.
    """

    rows: pd.DataFrame
    metrics: list[str]
    values: np.ndarray
    targets: np.ndarray
    n_companies: int

    @classmethod
    def of(cls, descriptions: pd.DataFrame, fundamentals: pd.DataFrame, winsorised: float) -> "Companies":
        """The companies of the reports, with what is known of them.

        Args:
            descriptions: report_id, year, cik, ticker, company_name, sic_code.
            fundamentals: cik, ticker, year, metric, value, as the universe has them. Of several values of a company's
                metric in a year, by its share classes, the first counts.
            winsorised: see `standardised`.
        """
        reports = descriptions.sort_values(["year", "report_id"], ignore_index=True)
        keys, names = pd.factorize(company_of(reports))
        rows = reports[["report_id", "year"]].assign(company=keys)
        rows["sic2"] = pd.factorize(reports["sic_code"].astype("string").str.slice(0, 2))[0]
        rows = rows[~rows.duplicated(["company", "year"])].reset_index(drop=True)
        owner = pd.Index(names).get_indexer(companies_of_rows(fundamentals, reports).fillna(""))
        table = fundamentals.assign(company=owner)[owner >= 0].drop_duplicates(["company", "year", "metric"])
        wide = standardised(table, winsorised).pivot(index=["company", "year"], columns="metric", values="value")

        def at(years: int) -> np.ndarray:
            return wide.reindex(pd.MultiIndex.from_arrays([rows["company"], rows["year"] + years])).to_numpy()

        return cls(rows, wide.columns.to_list(), at(0), np.stack([at(years) for years in AHEAD]), len(names))

    def explained(self, at: np.ndarray, peers: Peers, scope: str) -> Explained:
        """What peers explain of the companies at these rows, beyond all of the year or beyond those of the industry."""
        year, sic2 = (self.rows[name].to_numpy()[at] for name in ("year", "sic2"))
        group = year if scope == ALL else _within(year, sic2)
        owner = self.rows["company"].to_numpy()[at]
        return Explained(peers, self.values[at], self.targets[:, at], group, owner, self.n_companies)


def standardised(table: pd.DataFrame, winsorised: float) -> pd.DataFrame:
    """Each metric's values in units of their year: winsorised at both ends, less the mean, by the deviation. A year
    knows nothing of others, and so nothing of later ones. A metric that does not vary in a year has no value there.

    Args:
        table: company, year, metric, value. winsorised: share of a year's values that is pulled in at either end.
    """
    by_year = table.groupby(["metric", "year"])["value"]
    low, high = (by_year.transform("quantile", end) for end in (winsorised, 1 - winsorised))
    value = table["value"].clip(low, high)
    by_year = value.groupby([table["metric"], table["year"]])
    centred, deviation = value - by_year.transform("mean"), by_year.transform("std", ddof=0)
    return table.assign(value=(centred / deviation).where(deviation > 1e-12 * value.abs()))


class _Way(NamedTuple):
    """A method with its peers, of the companies at these rows."""

    method: str
    level: int
    scope: str
    in_sample: bool
    at: np.ndarray
    peers: Peers


def by_similarity(companies: Companies, method: PeerMethod, counts: Sequence[int]) -> Iterator[_Way]:
    """A similarity's nearest peers, among all companies and within the industry.

    Cost: O(n^2) time and about 10 n^2 bytes for a year's n companies.
    """
    if method.of_year is None:
        return
    weights: dict[tuple[int, str], list[csr_array]] = {(k, scope): [] for k in counts for scope in SCOPES}
    report_id, sic2, of_row = (companies.rows[name].to_numpy() for name in ("report_id", "sic2", "year"))
    rows: list[np.ndarray] = [np.empty(0, dtype=np.int64)]
    for year in np.unique(of_row).tolist():
        at = np.flatnonzero(of_row == year)
        similar: Similar = method.of_year(_Asked(year, report_id[at]))
        if similar is None:
            continue
        similarity, positions = similar
        rows.append(at[positions])
        pool = existing(similarity, similarity)
        pools = {ALL: pool, INDUSTRY: same_group(pool, sic2[rows[-1]])}
        for scope, choice in pools.items():
            for k, of_year in peer_weights(similarity, choice, counts).items():
                weights[k, scope].append(of_year)
    at = np.concatenate(rows)
    for (k, scope), blocks in weights.items():
        if len(at):
            yield _Way(method.name, k, scope, method.in_sample, at, listed(blocks))


def by_groups(companies: Companies, groups: Mapping[str, pd.DataFrame]) -> Iterator[_Way]:
    """All others of a company's cluster or group; within the industry those of its two-digit SIC code alone.

    Args:
        groups: by method: year, report_id, cluster_id.
    """
    rows = companies.rows.assign(at=np.arange(len(companies.rows)))
    industries = rows.loc[rows["sic2"] >= 0, ["year", "report_id"]].assign(cluster_id=rows["sic2"])
    for method, table in {"sic2": industries, **groups}.items():
        if method == _ONE_GROUP:
            continue
        matched = members_of(table[["year", "report_id", "cluster_id"]], rows)
        cluster = _within(matched["year"].to_numpy(), pd.factorize(matched["cluster_id"])[0])
        inside = _within(cluster, matched["sic2"].to_numpy())
        for scope, group in ((ALL, cluster), (INDUSTRY, inside)):
            if len(matched) and not (method == "sic2" and scope == INDUSTRY):
                yield _Way(method, 0, scope, knows_later_years(method), matched["at"].to_numpy(), members(group))


def fundamentals_rows(
    companies: Companies,
    ways: Sequence[_Way],
    resamples: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """The `fundamentals_explained` table: a row for each method, metric and year ahead that some company has."""
    if not companies.metrics:
        return pd.DataFrame(columns=TABLES["fundamentals_explained"].names)
    explained = [companies.explained(way.at, way.peers, way.scope) for way in ways]
    shares = shares_explained(explained, companies.n_companies, resamples, seed, progress)
    rows = [row for way, share in zip(ways, shares, strict=True) for row in _rows(way, share, companies.metrics)]
    return pd.DataFrame(rows, columns=TABLES["fundamentals_explained"].names)


def _rows(way: _Way, share: Share, metrics: Sequence[str]) -> Iterator[dict[str, object]]:
    for number, metric in enumerate(metrics):
        for horizon, ahead in enumerate(AHEAD):
            of_cell = {name: values[horizon, number] for name, values in share._asdict().items()}
            n, n_companies = int(of_cell.pop("rows")), int(of_cell.pop("companies"))
            if n:
                names = {"method": way.method, "level": way.level, "scope": way.scope, "in_sample": way.in_sample}
                yield {**names, "metric": metric, "ahead": ahead, "n": n, "n_companies": n_companies, **of_cell}


def _within(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n,) codes of both together; -1 where the second, or the first, is none."""
    codes = pd.factorize(pd.MultiIndex.from_arrays([first, second]))[0]
    return np.where((first >= 0) & (second >= 0), codes, -1)
