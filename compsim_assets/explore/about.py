"""Alike in what: the cosine over the latents that some words stand for (method section 8)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compsim_assets.explore.companies import Company
from compsim_assets.explore.decompose import halves
from compsim_assets.explore.questions import Unanswerable, few
from compsim_assets.explore.tables import Tables
from compsim_assets.explore.words import matching, similar

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True)
class About:
    """Words, and what they stand for.

    Attributes:
        words: as they were asked.
        latents: latent, label: those whose label or terms have all of the words.
        undefined: companies that nothing can be said about, since these latents are no part of what their scores say.
    """

    words: str
    latents: "pd.DataFrame"
    undefined: int

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        from compsim_assets.explore.records import records

        return {"words": self.words, "latents": records(self.latents), "undefined": self.undefined}


def about_words(tables: Tables, company: Company, others: "np.ndarray", words: str) -> "tuple[About, pd.DataFrame]":
    """Rank, about (the cosine over the words' latents), cosine and report_id of other companies, the nearest first.

    Args:
        others: (m,) their reports, of the company's year; those without features are left out.

    Raises:
        Unanswerable: no latent has the words; or the company's own text says nothing about them.
        FileNotFoundError, StaleResult, DamagedResult: see `Tables.read`.

    Cost: the latents' values of these reports, and one pass over the axes.
    """
    import numpy as np
    import pandas as pd

    if tables.pairs_alone:
        raise Unanswerable("companies are compared by the universe's published pairs: there are no latents to choose")
    latents = matching(tables, "latents", words)[["latent", "label"]]
    if latents.empty:
        near = similar(tables, words)
        instead = f"did you mean {few(near)}?" if near else "`compsim search` shows what there is"
        raise Unanswerable(f"no latent has {words!r} in its label or terms: {instead}")
    shards = tables.features()
    ids = np.concatenate([[company.report_id], others[np.isin(others, shards.report_id)]]).astype(np.int64)
    every = halves(tables, company.year, ids, np.sort(latents["latent"].to_numpy()))
    about = every.cosines(0)
    if np.isnan(about[0]):
        raise Unanswerable(
            f"the {len(latents)} latents of {words!r} are no part of what the scores say of {company.title}: the "
            "cosine over them is not defined"
        )
    table = pd.DataFrame({"report_id": ids[1:], "about": about[1:], "cosine": every.cosine[0, 1:]})
    defined = table.dropna(subset="about").sort_values(["about", "report_id"], ascending=[False, True])
    ranked = defined.assign(rank=range(1, len(defined) + 1))
    return About(words, latents.reset_index(drop=True), len(table) - len(defined)), ranked
