"""What latents are called: terms of the windows of text that show them, or else of their top reports."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from compsim_assets.science.companies import names_of, report_companies
from compsim_assets.science.words.counts import TermCounts, count_terms
from compsim_assets.science.words.groups import GroupWords, describe_groups
from compsim_assets.science.words.places import Places

Progress = Callable[[int, int], None]

_EVIDENCE = {"extraction": "windows", "scores": "scores"}


def latent_words(
    n_latents: int,
    descriptions: pd.DataFrame,
    latent_reports: pd.DataFrame,
    latent_windows: pd.DataFrame,
    n_terms: int,
    seed: int,
    progress: Progress,
) -> pd.DataFrame:
    """label, terms, label_auc, evidence: a row per latent.

    A latent's windows name it, where they have terms in common that others lack: there it is active. Else its top
    reports do; of these an activation that is large in sum may be weak everywhere.

    Args:
        n_latents: a row for each.
        descriptions: report_id, description, and what names a company, of the reports with features.
        latent_reports: latent, rank, report_id.
        latent_windows: latent, rank, report_id (null: of nobody known), source, passage.
        n_terms: of a latent, at most.
        seed: of the halves of the companies that terms are chosen and judged on.
        progress: called with latents done and in all.
    """
    company = report_companies(descriptions, descriptions["report_id"].to_numpy())
    names = names_of(descriptions, company)
    texts = [text if isinstance(text, str) else None for text in descriptions["description"]]
    table = pd.DataFrame({"label": "", "terms": "", "label_auc": np.nan, "evidence": "none"}, index=range(n_latents))
    shown = latent_windows.groupby("latent")["source"].min().map(_EVIDENCE)
    table.loc[shown.index, "evidence"] = shown
    if len(latent_windows):
        counts, top, groups = _of_windows(latent_windows, texts, descriptions, names, company)
        latents = np.unique(latent_windows["latent"])
        named = describe_groups(counts, top, groups, n_terms=n_terms, seed=seed, by_company=False, progress=progress)
        _name(table, latents, named)
    nameless = np.flatnonzero(table["label"] == "")
    position = pd.Series(np.arange(len(texts)), index=descriptions["report_id"])
    top = _grid(latent_reports["latent"], latent_reports["rank"], position.loc[latent_reports["report_id"]], n_latents)
    counts = count_terms(texts, names)
    named = describe_groups(counts, top[nameless], company, n_terms=n_terms, seed=seed, progress=progress)
    _name(table, nameless, named)
    table.loc[nameless[[label != "" for label in named.label]], "evidence"] = "reports"
    return table


def _of_windows(
    latent_windows: pd.DataFrame,
    texts: list[str | None],
    descriptions: pd.DataFrame,
    names: list[tuple[str, ...]],
    company: np.ndarray,
) -> tuple[TermCounts, np.ndarray, np.ndarray]:
    """Terms of the windows, each latent's windows, and the windows' companies: one without a report is of its own."""
    # Windows may be in lower case: what is a place is seen in the whole texts.
    places = Places()
    places.read([text for text in dict.fromkeys(texts) if text])
    position = pd.Series(np.arange(len(texts)), index=descriptions["report_id"])
    row = position.reindex(latent_windows["report_id"]).fillna(-1).to_numpy(dtype=np.int64)
    alone = int(company.max(initial=-1)) + 1 + np.arange(len(row))
    companies = np.where(row >= 0, np.append(company, -1)[row], alone)
    # A window's number is a name that no text has.
    owners = [names[at] if at >= 0 else (str(i),) for i, at in enumerate(row.tolist())]
    counts = count_terms(latent_windows["passage"].tolist(), owners, places=places)
    latents, group = np.unique(latent_windows["latent"], return_inverse=True)
    return counts, _grid(group, latent_windows["rank"], np.arange(len(row)), len(latents)), companies


def _grid(group: Any, rank: Any, position: Any, n_groups: int) -> np.ndarray:
    """(n_groups, largest rank) positions by group and rank, -1 where there is none."""
    grid = np.full((n_groups, int(np.asarray(rank).max(initial=1))), -1, dtype=np.int64)
    grid[np.asarray(group), np.asarray(rank) - 1] = np.asarray(position)
    return grid


def _name(table: pd.DataFrame, latents: np.ndarray, named: GroupWords) -> None:
    table.loc[latents, "label"] = named.label
    table.loc[latents, "terms"] = [", ".join(some) for some in named.terms]
    table.loc[latents, "label_auc"] = named.auc
