"""What a company's description turned to between two years: themes and latents that rose and fell, peers that came and
went.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compsim_assets.explore.companies import Companies, Company, names_of
from compsim_assets.explore.decompose import standardised_features
from compsim_assets.explore.peers import stored
from compsim_assets.explore.questions import Unanswerable
from compsim_assets.explore.reasons import latent_labels, theme_activity, theme_labels, themes_of
from compsim_assets.explore.tables import Tables

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class Difference:
    """What changed.

    Attributes:
        before, after: the company and its two reports.
        themes: theme, label, before, after, change: standardised activation, the mean over the theme's latents; those
            that rose most, then those that fell most. Empty where companies are compared by pairs.
        latents: latent, label, before, after, change: standardised activation of single latents.
        within: what the peers are of. came, went: rank, ticker, name, cik: of the ten nearest, with the rank that they
            have after, or had before.
        same: whether the two reports have the same features.
    """

    before: Company
    after: Company
    themes: "pd.DataFrame"
    latents: "pd.DataFrame"
    within: str
    came: "pd.DataFrame"
    went: "pd.DataFrame"
    same: bool

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        from compsim_assets.explore.records import company_record, records

        tables = {name: records(getattr(self, name)) for name in ("themes", "latents", "came", "went")}
        companies = {"before": company_record(self.before), "after": company_record(self.after)}
        return {**companies, "same_features": self.same, "within": self.within, **tables}


def diff(tables: Tables, company: str, before: int, after: int, n: int = 5) -> Difference:
    """What changed between two years; see `Difference`.

    Args:
        n: how many themes and latents that rose, and as many that fell.

    Raises:
        Unanswerable: see `Companies.find`; one year twice; a report without features.
        FileNotFoundError, StaleResult, DamagedResult: see `Tables.read`.
    """
    import numpy as np

    if before == after:
        raise Unanswerable(f"say two years, not {before} twice")
    everybody = Companies(tables)
    old, new = (everybody.find(company, year) for year in (before, after))
    themes, latents, same = _changes(tables, np.array([old.report_id, new.report_id]), n)
    within = "industry" if old.industry and new.industry else "all"
    came, went = _peers(tables, everybody, old, new, within)
    return Difference(old, new, themes, latents, within, came, went, same)


def _changes(tables: Tables, ids: "np.ndarray", n: int) -> "tuple[pd.DataFrame, pd.DataFrame, bool]":
    """Themes and latents that rose and fell between two reports, and whether nothing changed at all."""
    import numpy as np
    import pandas as pd

    if tables.pairs_alone:
        columns = ["label", "before", "after", "change"]
        return pd.DataFrame(columns=["theme", *columns]), pd.DataFrame(columns=["latent", *columns]), False
    values = standardised_features(tables, ids)
    theme = themes_of(tables, values.shape[1])
    size = np.bincount(theme[theme >= 0])
    numbers = np.flatnonzero(size)
    themes = _extremes(numbers, theme_activity(values, theme, numbers) / size[numbers], n)
    latents = _extremes(np.arange(values.shape[1]), values, n)
    labels = theme_labels(tables).reindex(themes["number"]).to_numpy()
    of_latents = latent_labels(tables, latents["number"].tolist()).to_numpy()
    return (
        themes.rename(columns={"number": "theme"}).assign(label=labels)[["theme", "label", *_FIGURES]],
        latents.rename(columns={"number": "latent"}).assign(label=of_latents)[["latent", "label", *_FIGURES]],
        bool((values[0] == values[1]).all()),
    )


_FIGURES = ["before", "after", "change"]


def _extremes(numbers: "np.ndarray", values: "np.ndarray", n: int) -> "pd.DataFrame":
    """number, before, after, change of the n largest rises and the n largest falls; what stood still is neither."""
    import numpy as np
    import pandas as pd

    table = pd.DataFrame({"number": numbers, "before": values[0], "after": values[1], "change": values[1] - values[0]})
    order = np.argsort(-table["change"].to_numpy(), kind="stable")
    rose, fell = (some[:n] for some in (order, order[::-1]))
    rose, fell = rose[table["change"].to_numpy()[rose] > 0], fell[table["change"].to_numpy()[fell] < 0]
    return table.iloc[np.concatenate([rose, fell])].reset_index(drop=True)


def _peers(
    tables: Tables, everybody: Companies, old: Company, new: Company, within: str, n: int = 10
) -> "tuple[pd.DataFrame, pd.DataFrame]":
    """Who is among the ten nearest in one year and not in the other."""
    two = []
    for company in (old, new):
        rows = stored(tables, company, within).head(n)[["rank", "peer_report_id"]]
        names = names_of(everybody, rows["peer_report_id"].tolist()).reset_index(drop=True)
        two.append(rows[["rank"]].join(names[["ticker", "name", "cik", "company"]]))
    before, after = two
    came = after[~after["company"].isin(before["company"])]
    went = before[~before["company"].isin(after["company"])]
    came, went = (rows.drop(columns="company").reset_index(drop=True) for rows in (came, went))
    return came, went
