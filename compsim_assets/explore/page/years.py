"""The parts of the data that belong to one year: its reports with peers, clusters and map; their texts; reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from compsim_assets.explore.page.companies import Companies, exact
from compsim_assets.explore.page.encoding import clean, packed, scaled, short, starts

if TYPE_CHECKING:
    import pandas as pd

SCOPES = ("industry", "all")
NONE_16, NONE_U8, NONE_I8, NONE_U16 = -32768, 255, -128, 65535
_EXCERPT = 700  # characters of a description
_HISTORY = 10  # peers of each year that a company's history has
_LAST = {False: 0, True: 1}  # 2: not known


def year_part(year: int, companies: Companies, peers: pd.DataFrame, places: pd.DataFrame, **more: Any) -> Any:
    """A year's reports: who they are, where they are on the map, their clusters and their nearest peers.

    Args:
        peers: those of the year. places: report_id, x, y, near.
        more: `clusters`, by cutoff mode report_id and cluster_id; `sectors`, report_id and cluster_id.
    """
    reports = companies.of_year(year)
    n, ids = len(reports), reports["report_id"]
    spot = places.set_index("report_id").reindex(ids) if len(places) else None
    sector = more["sectors"].set_index("report_id")["cluster_id"].reindex(ids)
    return {
        "n": n,
        "report": exact(ids),
        "company": packed(reports["company"], "u4"),
        "sic": [clean(code) for code in reports["sic_code"]],
        "industry": _listed(reports["industry"]),
        "sector": _listed(sector),
        "map": None
        if spot is None
        else {
            "x": scaled(spot["x"], 32767, "i2", NONE_16),
            "y": scaled(spot["y"], 32767, "i2", NONE_16),
            "near": scaled(spot["near"], 100, "u1", NONE_U8),
        },
        "clusters": {mode: _clusters(table, ids) for mode, table in more["clusters"].items()},
        "peers": {scope: _peers(rows, companies, n) for scope, rows in by_scope(peers)},
    }


def by_scope(peers: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The peers within the industry, and among all."""
    for scope in SCOPES:
        yield scope, peers[peers["scope"] == scope]


def _listed(values: pd.Series) -> dict[str, Any]:
    """Few different texts of many reports: the texts, and which of them each report has."""
    texts = [clean(text) for text in values.astype(object)]
    different = sorted(set(texts))
    number = {text: i for i, text in enumerate(different)}
    return {"names": different, "of": packed([number[text] for text in texts], "u2")}


def _clusters(table: pd.DataFrame, ids: pd.Series) -> dict[str, str]:
    """The cluster of each report, 0 for one that is in none."""
    number = table.drop_duplicates("report_id").set_index("report_id")["cluster_id"].reindex(ids)
    return packed(number.fillna(0).astype("int64"), "u4")


def _peers(rows: pd.DataFrame, companies: Companies, n: int) -> dict[str, Any]:
    position, peer = companies.positions(rows["report_id"]), companies.positions(rows["peer_report_id"])
    order = np.lexsort((rows["rank"].to_numpy(), position))
    order = order[(position[order] >= 0) & (peer[order] >= 0)]
    rows, position, peer = rows.iloc[order], position[order], peer[order]
    last = rows["peer_last_year"].astype(object).map(_LAST).fillna(2)
    return {
        "start": packed(starts(position, n), "u4"),
        "peer": packed(peer, "u2" if n <= NONE_U16 else "u4"),
        "cosine": scaled(rows["cosine"], 10_000, "i2", NONE_16),
        "percentile": scaled(rows["percentile"], 10_000, "u2", NONE_U16),
        "confidence": scaled(rows["confidence"], 100, "u1", NONE_U8),
        "last": packed(last.astype("int64"), "u1"),
        "next": scaled(rows["next_year_correlation"], 100, "i1", NONE_I8),
    }


def texts_part(year: int, companies: Companies) -> list[str]:
    """The beginning of each description."""
    return [short(text, _EXCERPT) for text in companies.of_year(year)["description"]]


def reasons_part(year: int, companies: Companies, explanations: pd.DataFrame) -> Any:
    """The explained pairs of a year: contributions of themes and of latents, the largest first, -1 for the others.

    Args:
        explanations: those of the year.
    """
    n = len(companies.of_year(year))
    position, peer = (companies.positions(explanations[c]) for c in ("report_id", "peer_report_id"))
    pairs, pair = np.unique(position * n + peer, return_inverse=True)
    part: dict[str, Any] = {
        "start": packed(starts(pairs // n, n), "u4"),
        "peer": packed(pairs % n, "u2" if n <= NONE_U16 else "u4"),
    }
    for kind in ("theme", "latent"):
        rows = np.flatnonzero((explanations["kind"] == kind).to_numpy())
        table, of = explanations.iloc[rows], pair[rows]
        number, value = table["number"].to_numpy(), table["contribution"].to_numpy(dtype=float)
        order = np.lexsort((number, -np.abs(np.nan_to_num(value)), number < 0, of))
        part[kind] = {
            "start": packed(starts(of, len(pairs)), "u4"),
            "number": packed(number[order], "i4"),
            "value": scaled(value[order], 10_000, "i2", NONE_16),
            "unusual": scaled(table["unusual"].to_numpy(dtype=float)[order], 10_000, "i2", NONE_16),
        }
    return part


def profiles_part(profiles: Mapping[str, pd.DataFrame]) -> dict[str, list[list[Any]]]:
    """The profiles of a year's clusters by cutoff mode; what they hold and in which order: `PROFILE`."""
    return {
        mode: [[_plain(row[c]) for c in PROFILE] for row in table.sort_values("cluster_id").to_dict("records")]
        for mode, table in profiles.items()
    }


PROFILE = (
    "cluster_id", "n_members", "strong_latents", "themes", "sic_mix", "mean_correlation", "low", "high",
    "from_cluster", "overlap", "entered", "left",
)  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if value is None or value != value:
        return None
    return int(value) if float(value).is_integer() else round(float(value), 4)


def history_part(companies: Companies, peers: pd.DataFrame, clusters: Mapping[str, pd.DataFrame]) -> Any:
    """Every report of every company: its nearest peers as companies, and its clusters with their sizes.

    Rows are ordered by company and year.
    """
    reports = companies.reports
    order = np.lexsort((reports["year"].to_numpy(), reports["company"].to_numpy()))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    numbers = reports["company"].to_numpy()
    part: dict[str, Any] = {
        "start": packed(starts(numbers, int(numbers.max(initial=-1)) + 1), "u4"),
        "year": packed(np.searchsorted(companies.years, reports["year"].to_numpy()[order]), "u1"),
    }
    for scope, rows in by_scope(peers[peers["rank"] <= _HISTORY]):
        row, peer = companies.rows(rows["report_id"]), companies.rows(rows["peer_report_id"])
        inside = np.flatnonzero((row >= 0) & (peer >= 0))
        inside = inside[np.lexsort((rows["rank"].to_numpy()[inside], rank[row[inside]]))]
        part[scope] = {
            "start": packed(starts(rank[row[inside]], len(order)), "u4"),
            "company": packed(numbers[peer[inside]], "u4"),
        }
    for mode, table in clusters.items():
        sizes = table.groupby(["year", "cluster_id"])["report_id"].transform("size")
        cluster = table.assign(size=sizes).drop_duplicates("report_id").set_index("report_id")
        ours = cluster.reindex(reports["report_id"].to_numpy()[order])
        part[f"cluster-{mode}"] = {
            "number": packed(ours["cluster_id"].fillna(0).astype("int64"), "u4"),
            "size": packed(ours["size"].fillna(0).astype("int64"), "u4"),
        }
    return part
