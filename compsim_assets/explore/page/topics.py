"""What companies are alike in: themes, and latents with their words, reports and windows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from compsim_assets.explore.page.companies import Companies
from compsim_assets.explore.page.encoding import clean, packed

if TYPE_CHECKING:
    import pandas as pd

PART = 512  # latents of one script
_WINDOWS = 6  # of one latent, at most
_OF_YEAR = 3  # companies of one latent in a year, at most
_DIGITS = 9  # an activation in a window, as one digit


def themes_part(themes: pd.DataFrame) -> dict[str, Any]:
    """Every theme: its number, label, terms, latents and how well its terms tell its reports."""
    rows = themes.sort_values("theme")
    return {
        "number": [int(number) for number in rows["theme"]],
        "label": [clean(text) for text in rows["label"]],
        "terms": [clean(text) for text in rows["terms"]],
        "size": [int(size) for size in rows["n_latents"]],
        "auc": [_rounded(auc) for auc in rows["label_auc"]],
    }


def latents_part(latents: pd.DataFrame, latent_themes: pd.DataFrame) -> dict[str, Any]:
    """Every latent: its number, label, theme (-1 for none) and how many reports it is active in."""
    theme = latent_themes.drop_duplicates("latent").set_index("latent")["theme"].reindex(latents["latent"])
    return {
        "number": packed(latents["latent"], "i4"),
        "label": [clean(text) for text in latents["label"]],
        "theme": packed(theme.fillna(-1).astype("int64"), "i4"),
        "reports": packed(latents["n_reports"], "u4"),
        "part": PART,
    }


def latent_parts(
    companies: Companies, latents: pd.DataFrame, years: pd.DataFrame, windows: pd.DataFrame
) -> Iterator[list[Any]]:
    """What is shown of each latent, `PART` of them at a time.

    Args:
        latents: ascending. years, windows: see the contracts of `latent_years` and `latent_windows`.
    """
    years = years[years["rank"] <= _OF_YEAR].sort_values(["latent", "year", "rank"], ignore_index=True)
    windows = windows[windows["rank"] <= _WINDOWS].sort_values(["latent", "rank"], ignore_index=True)
    who = _Reports(companies)
    for start in range(0, len(latents), PART):
        part = latents.iloc[start : start + PART]
        top, shown = (_of_latents(table, part["latent"]) for table in (years, windows))
        yield [
            _latent(row)
            | {"years": _by_year(who, top.get(row["latent"], []))}
            | {"windows": [_window(who, each) for each in shown.get(row["latent"], [])]}
            for row in part.to_dict("records")
        ]


def _of_latents(table: pd.DataFrame, latents: pd.Series) -> dict[int, list[dict[Any, Any]]]:
    """Rows of a table, ordered by latent, of consecutive latents."""
    numbers = table["latent"].to_numpy()
    first, last = np.searchsorted(numbers, latents.iloc[0]), np.searchsorted(numbers, latents.iloc[-1], side="right")
    rows = dict[int, list[dict[Any, Any]]]()
    for row in table.iloc[first:last].to_dict("records"):
        rows.setdefault(row["latent"], []).append(row)
    return rows


def _by_year(who: _Reports, rows: list[dict[Any, Any]]) -> list[list[Any]]:
    """Of each year: the year, then company and activation, strongest first."""
    years = dict[int, list[Any]]()
    for row in rows:
        company, year, _ = who(int(row["report_id"]))
        if company >= 0:
            years.setdefault(year, [year]).extend([company, _rounded(row["activation"])])
    return list(years.values())


class _Reports:
    """Company, year and position of a report."""

    def __init__(self, companies: Companies) -> None:
        reports = companies.reports
        positions = companies.positions(reports["report_id"])
        columns = (reports["company"].tolist(), reports["year"].tolist(), positions.tolist())
        self._of = dict(zip(reports["report_id"].tolist(), zip(*columns, strict=True), strict=True))

    def __call__(self, report: int) -> tuple[int, int, int]:
        return self._of.get(report, (-1, 0, -1))


def _latent(row: dict[Any, Any]) -> dict[str, Any]:
    quantiles, twin = row["quantiles"], row["twin"]
    return {
        "rate": _rounded(row["firing_rate"], 5),
        "quantiles": None if quantiles is None else [_rounded(q) for q in quantiles],
        "terms": clean(row["terms"]),
        "auc": _rounded(row["label_auc"]),
        "twin": None if twin is None or twin != twin else int(twin),
        "alike": _rounded(row["twin_cosine"]),
        "fuzz": _rounded(row["interpretability"], 1),
        "judged": [clean(row["judge_label"]), clean(row["judge"])] if clean(row["judge_label"]) else None,
        "evidence": clean(row["evidence"]),
    }


def _window(who: _Reports, window: dict[Any, Any]) -> dict[str, Any]:
    """Tokens, and of each its activation as a digit, 9 for the largest of the window."""
    tokens = [clean(token) for token in json.loads(window["tokens"])]
    active = [float(value or 0) for value in json.loads(window["activations"])]
    largest = max(active, default=0)
    digits = [min(_DIGITS, ceil(_DIGITS * value / largest)) if value > 0 else 0 for value in active]
    report = window["report_id"]
    return {
        "tokens": tokens,
        "active": "".join(map(str, digits)),
        "largest": _rounded(window["activation"]),
        "of": None if report is None or report != report else list(who(int(report)))[:3],
        "judged": window["source"] == "scores",
    }


def _rounded(value: Any, digits: int = 3) -> float | None:
    return None if value is None or value != value else round(float(value), digits)
