"""The peers of a company: the nearest of its year, in its industry or of all, and in what they are alike."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compsim_assets.explore.about import About, about_words
from compsim_assets.explore.companies import Companies, Company, names_of
from compsim_assets.explore.explain import LATER_YEARS, NO_REASONS
from compsim_assets.explore.questions import Unanswerable
from compsim_assets.explore.reasons import reasons_of
from compsim_assets.explore.tables import Tables

if TYPE_CHECKING:
    import pandas as pd

WITHIN = ("industry", "sector", "all")
FIGURES = ["cosine", "percentile", "confidence", "peer_last_year", "next_year_correlation"]


@dataclass(frozen=True)
class Peers:
    """The nearest reports of a report's year.

    Attributes:
        company: whose.
        within: industry (two-digit SIC code), sector (GICS) or all.
        note: what is to be said about `within`; empty where it is as asked for. caution: about the whole answer.
        table: rank, ticker, name, cik, report_id, year, cosine, percentile, confidence, peer_last_year,
            next_year_correlation; with `about` the cosine over these latents, too, which the rank is by.
        reasons: peer_report_id, theme, label, contribution, present (see `Explanation`), the largest first; None where
            they were not asked for.
        about: the words that the ranking is about, and the latents that they stand for.
    """

    company: Company
    within: str
    note: str
    caution: str
    table: "pd.DataFrame"
    reasons: "pd.DataFrame | None" = None
    about: About | None = None

    def covered(self, peer: int) -> float:
        """Share of a peer's cosine that the reasons add up to; NaN without any."""
        if self.reasons is None:
            return float("nan")
        parts = self.reasons.loc[self.reasons["peer_report_id"] == peer, "contribution"]
        cosine = float(self.table.loc[self.table["report_id"] == peer, "cosine"].iloc[0])
        return float(parts.sum() / cosine) if len(parts) and cosine else float("nan")

    def as_json(self) -> dict[str, Any]:
        """For programs; `reasons` and `covered` where they were asked for."""
        from compsim_assets.explore.records import company_record, plain_value, records

        rows = records(self.table)
        if self.reasons is not None:
            every = self.reasons
            for row in rows:
                of_peer = every[every["peer_report_id"] == row["report_id"]]
                row["reasons"] = records(of_peer[["theme", "label", "contribution", "present"]])
                row["covered"] = plain_value(self.covered(row["report_id"]))
        answer = {
            "company": company_record(self.company),
            "within": self.within,
            "note": f"{self.note} {self.caution}".strip(),
            "peers": rows,
        }
        return {**answer, "about": self.about.as_json()} if self.about else answer


def peers(
    tables: Tables,
    company: str,
    year: int | None = None,
    *,
    within: str | None = None,
    about: str | None = None,
    why: bool = False,
    n: int = 10,
    n_reasons: int = 3,
) -> Peers:
    """The peers of a company; see `Peers`.

    Args:
        company: see `Companies.find`.
        year: by default the company's newest.
        within: industry, sector or all; by default industry where the company has one, else all.
        about: words; the cosine is then that over the latents whose label or terms have them.
        why: with reasons.
        n: how many; 50 at most, as many as there are with `about`.
        n_reasons: how many per peer.

    Raises:
        Unanswerable: see `Companies.find`; no industry or sector, no latent with these words.
        FileNotFoundError, StaleResult, DamagedResult: see `Tables.read`.
    """
    everybody = Companies(tables)
    who = everybody.find(company, year)
    within, note = within_of(who, within)
    if about:
        others = _others(tables, everybody, who, within)
        subset, figures = about_words(tables, who, others, about)
        nearest = stored(tables, who, within).drop(columns=["cosine", "rank"])
        ranking = figures.merge(nearest, how="left", left_on="report_id", right_on="peer_report_id").head(n)
    else:
        subset, ranking = None, _nearest(tables, everybody, who, within).head(n)
        ranking = ranking.rename(columns={"peer_report_id": "report_id"}, errors="ignore")
    table = _table(everybody, who, ranking, ["about"] if about else [])
    reasons = reasons_of(tables, who.year, who.report_id, table["report_id"].tolist(), n_reasons) if why else None
    caution = NO_REASONS if tables.pairs_alone else LATER_YEARS
    return Peers(who, within, note, caution, table, reasons, subset)


def within_of(company: Company, within: str | None) -> tuple[str, str]:
    """What the peers are of, and what is to be said about that."""
    no_industry = f"{company.title} has no SIC code in {company.year}, and so no industry."
    offer = f" Its GICS sector is {company.sector}: --within sector." if company.sector else ""
    if within is None:
        return ("industry", "") if company.industry else ("all", f"{no_industry} These are of all companies.{offer}")
    if within not in WITHIN:
        raise Unanswerable(f"peers are within {', '.join(WITHIN)}, not within {within!r}")
    if within == "industry" and not company.industry:
        raise Unanswerable(f"{no_industry}{offer or ' --within all has its peers among all.'}")
    if within == "sector" and not company.sector:
        raise Unanswerable(f"the universe has no GICS sector of {company.title} in {company.year}")
    return within, ""


def stored(tables: Tables, company: Company, within: str) -> "pd.DataFrame":
    """Rows of `peers`: those of the scope, ascending by rank."""
    scope = "industry" if within == "industry" else "all"
    wanted = [("year", "==", company.year), ("report_id", "==", company.report_id), ("scope", "==", scope)]
    return tables.read("peers", ["rank", "peer_report_id", *FIGURES], wanted).sort_values("rank", ignore_index=True)


def _nearest(tables: Tables, everybody: Companies, company: Company, within: str) -> "pd.DataFrame":
    """The same; of a sector those among the nearest of all, ranked anew."""
    rows = stored(tables, company, within)
    if within != "sector":
        return rows
    of_sector = set(_others(tables, everybody, company, within).tolist())
    rows = rows[rows["peer_report_id"].isin(of_sector)].reset_index(drop=True)
    return rows.assign(rank=range(1, len(rows) + 1))


def _others(tables: Tables, everybody: Companies, company: Company, within: str) -> Any:
    """(m,) report ids of the year's other companies, within industry, sector or all; ascending."""
    reports = everybody.reports
    key = reports["company"].loc[company.report_id]
    of_year = reports[(reports["year"] == company.year) & (reports["company"] != key)]
    if within == "industry":
        of_year = of_year[of_year["sic_code"].str[:2] == company.industry]
    if within == "sector":
        wanted = [("method", "==", "gics_sector"), ("cluster_id", "==", company.sector)]
        sector = tables.read("baseline_clusters", ["report_id"], wanted)["report_id"]
        of_year = of_year[of_year["report_id"].isin(sector)]
    return of_year["report_id"].sort_values().to_numpy()


def _table(everybody: Companies, company: Company, ranking: "pd.DataFrame", more: list[str]) -> "pd.DataFrame":
    names = names_of(everybody, ranking["report_id"].tolist()).reset_index(drop=True)
    ranking = ranking.reset_index(drop=True)
    columns = ["rank", "ticker", "name", "cik", "report_id", "year", *more, *FIGURES]
    return names.join(ranking).assign(year=company.year)[columns]
