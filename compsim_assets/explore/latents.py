"""A latent in words: what it stands for, where it is active, and how far its label can be trusted."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compsim_assets.explore.companies import Companies, names_of
from compsim_assets.explore.reasons import latent_labels, theme_labels
from compsim_assets.explore.tables import Tables
from compsim_assets.explore.words import matching

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Latent:
    """What is there about one latent.

    Attributes:
        latent: its number.
        described: its row of `latents`.
        theme: label of its theme; empty without one. twin: label of its twin; empty without one.
        reports: rank, ticker, name, year, report_id, activation: where it is most active, one report per company.
        windows: rank, ticker, year, activation, tokens (list), activations (list): text around its largest activations.
    """

    latent: int
    described: "pd.Series"
    theme: str
    twin: str
    reports: "pd.DataFrame"
    windows: "pd.DataFrame"

    def as_json(self) -> dict[str, Any]:
        """For programs: the columns of `latents`, labels of theme and twin, reports and windows."""
        from compsim_assets.explore.records import plain_value, records

        row = {str(name): plain_value(value) for name, value in self.described.items()}
        labels = {"theme_label": self.theme or None, "twin_label": self.twin or None}
        return {**row, **labels, "reports": records(self.reports), "windows": records(self.windows)}


def latent(tables: Tables, number: int, n: int = 10) -> Latent:
    """What is there about one latent; see `Latent`.

    Args:
        n: how many reports and windows.

    Raises:
        Unanswerable: there is no such latent.
        FileNotFoundError, StaleResult, DamagedResult: see `Tables.read`.
    """
    row = tables.one("latents", [("latent", "==", number)], _none(tables, number))
    theme, twin = row["theme"], row["twin"]
    everybody = Companies(tables)
    return Latent(
        number,
        row,
        str(theme_labels(tables).get(int(theme), "")) if theme == theme and theme is not None else "",
        str(latent_labels(tables, [int(twin)]).iloc[0]) if twin == twin and twin is not None else "",
        _reports(tables, everybody, number, n),
        _windows(tables, everybody, number, n),
    )


def latents(tables: Tables, words: str | None = None) -> "pd.DataFrame":
    """All latents, or those whose label or terms have all of some words, the best first; columns of `latents`."""
    return tables.read("latents") if words is None else matching(tables, "latents", words)


def _none(tables: Tables, number: int) -> str:
    n = tables.count("latents")
    there = f"they are numbered 0 to {n - 1:,}" if n else "companies are not compared by features"
    return f"there is no latent {number}: {there}"


def _reports(tables: Tables, everybody: Companies, number: int, n: int) -> "pd.DataFrame":
    columns = ["rank", "report_id", "activation"]
    rows = tables.read("latent_reports", columns, [("latent", "==", number), ("rank", "<=", n)]).sort_values("rank")
    return _who(everybody, rows)[["rank", "ticker", "name", "year", "report_id", "activation"]]


def _windows(tables: Tables, everybody: Companies, number: int, n: int) -> "pd.DataFrame":
    columns = ["rank", "report_id", "activation", "tokens", "activations", "source"]
    wanted = [("latent", "==", number), ("rank", "<=", n)]
    rows = tables.read("latent_windows", columns, wanted).sort_values("rank")
    rows = rows.assign(tokens=rows["tokens"].map(json.loads), activations=rows["activations"].map(json.loads))
    return _who(everybody, rows)[["rank", "ticker", "year", "activation", "tokens", "activations", "source"]]


def _who(everybody: Companies, rows: "pd.DataFrame") -> "pd.DataFrame":
    ids = rows["report_id"].tolist()
    names = names_of(everybody, ids)[["ticker", "name"]].reset_index(drop=True)
    year = everybody.reports["year"].reindex(ids).astype("Int64").reset_index(drop=True)
    return rows.reset_index(drop=True).join(names).assign(year=year)
