"""Writes the folder: the page as it lies beside this file, its data as scripts, and what says what is in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.explore.page.atlas import FILE, write_atlas
from compsim_assets.explore.page.companies import Companies
from compsim_assets.explore.page.encoding import clean, script
from compsim_assets.explore.page.topics import latent_parts, latents_part, themes_part
from compsim_assets.explore.page.years import history_part, profiles_part, reasons_part, texts_part, year_part

if TYPE_CHECKING:
    import pandas as pd

MANIFEST, PAGE, DATA = "explorer.json", "index.html", "data"
FILES = (
    "index.html", "style.css", "minisearch.js", "minisearch-LICENSE.txt", "store.js", "dom.js", "search.js", "map.js",
    "reasons.js", "company.js", "topics.js", "app.js",
)  # fmt: skip


@dataclass(frozen=True)
class Tables:
    """What the page shows; tables by the contracts of their names. Those by cutoff mode may lack a mode, and any may be
    without a row: the page says so.

    Attributes:
        places: `company_map`. sectors: report_id and cluster_id, a sector's name.
        about: `data`, what the data are; `compared`, features or pairs.
    """

    descriptions: pd.DataFrame
    peers: pd.DataFrame
    explanations: pd.DataFrame
    themes: pd.DataFrame
    latent_themes: pd.DataFrame
    latents: pd.DataFrame
    latent_years: pd.DataFrame
    latent_windows: pd.DataFrame
    places: pd.DataFrame
    sectors: pd.DataFrame
    clusters: Mapping[str, pd.DataFrame]
    profiles: Mapping[str, pd.DataFrame]
    about: Mapping[str, str] = field(default_factory=dict)


def write_page(folder: Path, tables: Tables, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Write the page into an empty folder; returns its description, which is written, too.

    Args:
        progress: called with years done and years in all.

    Cost: one pass over the tables; memory for what is written of one year, beside the tables.
    """
    digest = blake2b(digest_size=16)
    sizes = dict[str, int]()

    def write(name: str, content: bytes) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        digest.update(f"{name} {len(content)} ".encode() + content)
        sizes[name] = len(content)

    for name in FILES:
        write(name, (Path(__file__).parent / name).read_bytes())
    companies = Companies(tables.descriptions)
    for name, value in _parts(companies, tables, progress):
        write(f"{DATA}/{name}.js", script(name, value).encode("ascii"))
    write_atlas(folder / FILE, companies, tables)
    digest.update((folder / FILE).read_bytes())
    newest = f"{DATA}/year-{companies.years[-1]}.js" if companies.years else ""
    described = {
        "content": digest.hexdigest(),
        "n_companies": len(companies.listed()["key"]) if companies.years else 0,
        "n_reports": len(companies.reports),
        "bytes": sum(sizes.values()),
        "bytes_before_first_use": sum(
            size for name, size in sizes.items() if not name.startswith(DATA) or name in (f"{DATA}/main.js", newest)
        ),
    }
    (folder / MANIFEST).write_text(json.dumps(described, indent=2))
    return described


def _parts(
    companies: Companies, tables: Tables, progress: Callable[[int, int], None] | None
) -> Iterator[tuple[str, Any]]:
    latents = tables.latents.sort_values("latent", ignore_index=True)
    yield "main", _main(companies, tables)
    yield "history", history_part(companies, tables.peers, tables.clusters)
    yield "latents", latents_part(latents, tables.latent_themes)
    for number, part in enumerate(latent_parts(companies, latents, tables.latent_years, tables.latent_windows)):
        yield f"latents-{number}", part
    peer_year = tables.peers["year"].to_numpy()
    explained_year = _years_of(companies, tables.explanations)
    for done, year in enumerate(companies.years, 1):
        clusters = {mode: table[table["year"] == year] for mode, table in tables.clusters.items()}
        more = {"clusters": clusters, "sectors": tables.sectors}
        yield f"year-{year}", year_part(year, companies, tables.peers[peer_year == year], tables.places, **more)
        yield f"texts-{year}", texts_part(year, companies)
        yield f"reasons-{year}", reasons_part(year, companies, tables.explanations[explained_year == year])
        profiles = {mode: table[table["year"] == year] for mode, table in tables.profiles.items()}
        yield f"clusters-{year}", profiles_part(profiles)
        if progress:
            progress(done, len(companies.years))


def _years_of(companies: Companies, explanations: pd.DataFrame) -> Any:
    """The year of each explanation; 0 where a report of it is not there."""
    import numpy as np

    if not len(companies.reports):
        return np.zeros(len(explanations), dtype=np.int64)
    year = companies.reports["year"].to_numpy()
    rows, peers = (companies.rows(explanations[c]) for c in ("report_id", "peer_report_id"))
    return np.where((rows >= 0) & (peers >= 0), year[rows], 0)


def _main(companies: Companies, tables: Tables) -> dict[str, Any]:
    """What the page knows before anything is looked at: companies, years, themes, and what there is not."""
    reports = companies.reports
    return {
        "about": {name: clean(text) for name, text in tables.about.items()},
        "years": companies.years,
        "companies": companies.listed() if companies.years else {"key": []},
        "themes": themes_part(tables.themes),
        "modes": list(tables.clusters),
        "has": {
            "peers": len(tables.peers) > 0,
            "industry": bool((tables.peers["scope"] == "industry").any()),
            "reasons": len(tables.explanations) > 0,
            "themes": len(tables.themes) > 0,
            "latents": len(tables.latents) > 0,
            "windows": len(tables.latent_windows) > 0,
            "sic": bool(reports["sic_code"].notna().any()),
            "sector": len(tables.sectors) > 0,
            "ticker": bool(reports["ticker"].notna().any()),
            "text": bool(reports["description"].notna().any()),
            "map": len(tables.places) > 0,
            "profiles": [mode for mode, table in tables.profiles.items() if len(table)],
        },
    }
