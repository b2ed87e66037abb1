"""Why two reports are alike, whichever two of a year: themes and latents, and what is left."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from compsim_assets.explore.companies import Companies, Company
from compsim_assets.explore.decompose import halves
from compsim_assets.explore.plain import plain
from compsim_assets.explore.reasons import (
    by_theme,
    largest,
    latent_labels,
    presence,
    theme_activity,
    theme_labels,
    themes_of,
)
from compsim_assets.explore.tables import Tables

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LATER_YEARS = "The axes that reports are compared on were fitted on all years, later ones too."
NO_REASONS = "Companies are compared by the universe's published pairs: there are no features, and so no reasons."


@dataclass(frozen=True)
class Explanation:
    """The cosine of two reports in parts.

    Attributes:
        first, second: the two companies, with the year.
        cosine: of their scores; NaN where published pairs have none of the two.
        themes: theme, label, contribution, present (in both reports, neither or one: above the average report), share
            (of the cosine), unusual (the contribution less its mean over the year's pairs, where `peer_explanations`
            has the pair): the largest ones, for or against.
        latents: latent, label, contribution, present, share, unusual: the same of single latents.
        rest_of_themes: what all other themes contribute together. rest: all other latents.
        note: what has to be said beside it.
        synthetic: whether the universe is generated.
    """

    first: Company
    second: Company
    cosine: float
    themes: "pd.DataFrame"
    latents: "pd.DataFrame"
    rest_of_themes: float
    rest: float
    note: str
    synthetic: bool = field(default=False, repr=False)

    @property
    def covered(self) -> tuple[float, float]:
        """Share of the cosine that the themes shown add up to, and the latents shown."""
        return _covered(self.themes, self.cosine), _covered(self.latents, self.cosine)

    def plot(self) -> "Figure":
        """The themes as bars: what speaks for the two being alike, and what against."""
        from compsim_assets.plots.reasons import why_alike

        return why_alike(
            self.themes.assign(label=self.themes["label"].map(plain))[["label", "contribution"]],
            names=(self.first.title, self.second.title),
            year=self.first.year,
            cosine=self.cosine,
            rest=self.rest_of_themes,
            synthetic=self.synthetic,
        )

    def as_json(self) -> dict[str, Any]:
        """For programs: latents and `rest` sum to the cosine, themes and `rest_of_themes` too."""
        from compsim_assets.explore.records import company_record, records

        of_themes, of_latents = self.covered
        return {
            "companies": [company_record(self.first), company_record(self.second)],
            "year": self.first.year,
            "cosine": self.cosine,
            "themes": records(self.themes),
            "rest_of_themes": self.rest_of_themes,
            "covered_by_themes": of_themes,
            "latents": records(self.latents),
            "rest": self.rest,
            "covered_by_latents": of_latents,
            "note": self.note,
        }


def explain(tables: Tables, first: str, second: str, year: int | None = None, n: int = 8) -> Explanation:
    """Why two companies are alike in a year, computed from their two reports; see `Explanation`.

    Args:
        first, second: see `Companies.find`.
        year: by default the newest in which both have a report.
        n: themes that are shown, and latents.

    Raises:
        Unanswerable: see `Companies.both`; a report without features.
        FileNotFoundError, StaleResult, DamagedResult: see `Tables.read`.

    Cost: see `halves`, of two reports.
    """
    companies = Companies(tables).both(first, second, year)
    if tables.pairs_alone:
        return _of_pairs(tables, *companies)
    return explain_reports(tables, *companies, n=n)


def explain_reports(tables: Tables, first: Company, second: Company, n: int = 8) -> Explanation:
    """The same of two companies that were found."""
    import numpy as np
    import pandas as pd

    names = theme_labels(tables)
    two = halves(tables, first.year, np.array([first.report_id, second.report_id]))
    cosine, parts, unusual = float(two.cosine[0, 1]), two.contributions(0, 1), _unusual(tables, first, second)
    theme = themes_of(tables, len(parts))
    sums = by_theme(parts, theme)
    some = largest(sums.to_numpy(), n)
    activity = theme_activity(two.standardised, theme, sums.index[some].to_numpy())
    themes = pd.DataFrame(
        {
            "theme": sums.index[some].astype("int64"),
            "label": names.reindex(sums.index[some]).to_numpy(),
            "contribution": sums.to_numpy()[some],
            "present": presence(*activity),
        }
    )
    top = largest(parts, n)
    latents = pd.DataFrame(
        {
            "latent": top,
            "label": latent_labels(tables, top).to_numpy(),
            "contribution": parts[top],
            "present": presence(*two.standardised[:, top]),
        }
    )
    return Explanation(
        first,
        second,
        cosine,
        _with_shares(themes, cosine, unusual.get("theme", {})),
        _with_shares(latents, cosine, unusual.get("latent", {})),
        cosine - float(themes["contribution"].sum()),
        cosine - float(latents["contribution"].sum()),
        LATER_YEARS,
        tables.synthetic,
    )


def _with_shares(table: "pd.DataFrame", cosine: float, unusual: Mapping[int, float]) -> "pd.DataFrame":
    nothing = float("nan")
    return table.assign(
        share=table["contribution"] / (cosine or nothing),
        unusual=[unusual.get(number, nothing) for number in table.iloc[:, 0].tolist()],
    )


def _unusual(tables: Tables, first: Company, second: Company) -> dict[str, dict[int, float]]:
    """By kind and number, of a pair that is stored, whichever of the two it is stored with."""
    if not tables.has("peer_explanations"):
        return {}
    for a, b in ((first.report_id, second.report_id), (second.report_id, first.report_id)):
        wanted = [("report_id", "==", a), ("peer_report_id", "==", b)]
        rows = tables.read("peer_explanations", ["kind", "number", "unusual"], wanted)
        if len(rows):
            return {
                str(kind): dict(zip(of["number"].tolist(), of["unusual"].tolist(), strict=True))
                for kind, of in rows.groupby("kind")
            }
    return {}


def _covered(table: "pd.DataFrame", cosine: float) -> float:
    return float(table["contribution"].sum() / cosine) if len(table) and cosine else float("nan")


def _of_pairs(tables: Tables, first: Company, second: Company) -> Explanation:
    import pandas as pd

    from compsim_assets.explore.questions import Unanswerable

    low, high = sorted((first.report_id, second.report_id))
    wanted = [("year", "==", first.year), ("report_a", "==", low), ("report_b", "==", high)]
    what = f"{first.title} and {second.title} are no published pair of {first.year}"
    pair = tables.read("published_pairs", ["cosine"], wanted)
    if pair.empty:
        raise Unanswerable(what)
    nothing = pd.DataFrame({"label": [], "contribution": [], "present": [], "share": [], "unusual": []})
    cosine = float(pair["cosine"].iloc[0])
    return Explanation(
        first,
        second,
        cosine,
        nothing.assign(theme=[])[["theme", *nothing]],
        nothing.assign(latent=[])[["latent", *nothing]],
        cosine,
        cosine,
        NO_REASONS,
        tables.synthetic,
    )
