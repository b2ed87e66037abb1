"""What companies are alike in: themes, and latents with their words, reports and windows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from compsim_assets.explore.page.companies import Companies
from compsim_assets.explore.page.encoding import clean, packed

if TYPE_CHECKING:
    import pandas as pd

PART = 512  # latents of one script
_WINDOWS, _REPORTS = 6, 24  # of one latent, at most
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
    companies: Companies, latents: pd.DataFrame, reports: pd.DataFrame, windows: pd.DataFrame
) -> Iterator[list[Any]]:
    """What is shown of each latent, `PART` of them at a time.

    Args:
        latents: ascending. reports, windows: see the contracts of `latent_reports` and `latent_windows`.
    """
    reports = reports[reports["rank"] <= _REPORTS].sort_values(["latent", "rank"], ignore_index=True)
    windows = windows[windows["rank"] <= _WINDOWS].sort_values(["latent", "rank"], ignore_index=True)
    numbers = latents["latent"].to_numpy()
    who, seen = _Reports(companies), windows["latent"].to_numpy()
    top = reports["latent"].to_numpy()
    active = list(zip(reports["report_id"].tolist(), reports["activation"].tolist(), strict=True))
    for start in range(0, len(latents), PART):
        part = []
        for row in latents.iloc[start : start + PART].to_dict("records"):
            first, last = np.searchsorted(top, row["latent"]), np.searchsorted(top, row["latent"], side="right")
            mine = [(*who(int(report)), _rounded(size)) for report, size in active[first:last]]
            first, last = np.searchsorted(seen, row["latent"]), np.searchsorted(seen, row["latent"], side="right")
            shown = [_window(who, window) for window in windows.iloc[first:last].to_dict("records")]
            part.append(_latent(row, numbers) | {"top": [each for each in mine if each[0] >= 0], "windows": shown})
        yield part


class _Reports:
    """Company, year and position of a report."""

    def __init__(self, companies: Companies) -> None:
        reports = companies.reports
        positions = companies.positions(reports["report_id"])
        columns = (reports["company"].tolist(), reports["year"].tolist(), positions.tolist())
        self._of = dict(zip(reports["report_id"].tolist(), zip(*columns, strict=True), strict=True))

    def __call__(self, report: int) -> tuple[int, int, int]:
        return self._of.get(report, (-1, 0, -1))


def _latent(row: dict[Any, Any], numbers: np.ndarray) -> dict[str, Any]:
    quantiles, twin = row["quantiles"], row["twin"]
    return {
        "rate": _rounded(row["firing_rate"], 5),
        "quantiles": None if quantiles is None else [_rounded(q) for q in quantiles],
        "terms": clean(row["terms"]),
        "auc": _rounded(row["label_auc"]),
        "twin": None if twin is None or twin != twin else int(twin),
        "alike": _rounded(row["twin_cosine"]),
        "fuzz": _rounded(row["interpretability"], 1),
        "evidence": clean(row["evidence"]),
    }


def _window(who: _Reports, window: dict[Any, Any]) -> dict[str, Any]:
    """Tokens, and of each its activation as a digit, 9 for the largest of the window."""
    tokens = [clean(token) for token in json.loads(window["tokens"])]
    active = np.nan_to_num(np.asarray(json.loads(window["activations"]), dtype=float))
    largest = active.max(initial=0)
    digits = np.ceil(np.clip(active / (largest or 1), 0, 1) * _DIGITS).astype(int)
    report = window["report_id"]
    return {
        "tokens": tokens,
        "active": "".join(map(str, digits.tolist())),
        "largest": _rounded(window["activation"]),
        "of": None if report is None or report != report else list(who(int(report)))[:3],
        "judged": window["source"] == "scores",
    }


def _rounded(value: Any, digits: int = 3) -> float | None:
    return None if value is None or value != value else round(float(value), digits)
