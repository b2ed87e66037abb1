"""The cluster of a company in a year: who is in it, what they share, and where it comes from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.explore.companies import Companies, Company, names_of
from compsim_assets.explore.questions import Unanswerable
from compsim_assets.explore.tables import Tables

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Cluster:
    """A cluster.

    Attributes:
        company: whose. mode: of which cutoff mode.
        cluster_id: its number in the year.
        members: ticker, name, cik, report_id, sic_code: in the order of the profile, most central first.
        profile: its row of `cluster_profiles`; None where the company is alone.
    """

    company: Company
    mode: str
    cluster_id: int
    members: "pd.DataFrame"
    profile: "pd.Series | None"

    def as_json(self) -> dict[str, Any]:
        """For programs: columns of `cluster_profiles`; `members` are rows."""
        from compsim_assets.explore.records import company_record, plain_value, records

        profile = {} if self.profile is None else self.profile.drop(["members", "year", "cluster_id"]).to_dict()
        return {
            "company": company_record(self.company),
            "mode": self.mode,
            "year": self.company.year,
            "cluster_id": self.cluster_id,
            "n_members": len(self.members),
            **{str(name): plain_value(value) for name, value in profile.items() if name != "n_members"},
            "members": records(self.members),
        }


def cluster(tables: Tables, company: str, year: int | None = None, mode: str = "base") -> Cluster:
    """The cluster of a company; see `Cluster`.

    Args:
        company: see `Companies.find`.
        year: by default the company's newest.
        mode: base or rolling.

    Raises:
        Unanswerable: see `Companies.find`; a report that is in no cluster table.
        FileNotFoundError, StaleResult, DamagedResult: see `Tables.read`.
    """
    if mode not in CUTOFF_MODES:
        raise Unanswerable(f"there is no cutoff mode {mode!r}; there are: {', '.join(CUTOFF_MODES)}")
    everybody = Companies(tables)
    who = everybody.find(company, year)
    nothing = f"the {mode} clusters have no report of {who.title} in {who.year}: it was not compared, or has no cutoff"
    at = int(tables.one("clusters", [("report_id", "==", who.report_id)], nothing, mode)["cluster_id"])
    of_cluster = [("year", "==", who.year), ("cluster_id", "==", at)]
    ids = sorted(tables.read("clusters", ["report_id"], of_cluster, mode)["report_id"].tolist())
    members = names_of(everybody, ids).drop(columns="company").rename_axis("report_id").reset_index()
    if len(ids) < 2:
        return Cluster(who, mode, at, members, None)
    missing = f"cluster_profiles has no cluster {at} of {who.year}"
    profile = tables.one("cluster_profiles", of_cluster, missing, mode)
    place = {name.strip(): number for number, name in enumerate(str(profile["members"]).split(","))}
    order = members["ticker"].fillna(members["name"]).map(place).fillna(len(place))
    members = members.iloc[order.argsort(kind="stable")].reset_index(drop=True)
    return Cluster(who, mode, at, members, profile)
