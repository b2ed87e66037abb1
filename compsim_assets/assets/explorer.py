"""Who is alike, to look at: a map of each year, and a page that opens from disk."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import (
    ALL_MODES,
    COMPARISON,
    HEAVY,
    ONE_RUN,
    WHO,
    DataFrame,
    alone,
    columns,
    explaining_memory,
    missing_modes,
    options,
    progress,
    table_options,
)
from compsim_assets.contracts import TABLES
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import ByMode, ResultsFolder
from compsim_assets.storage.pairs import PairTable
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.similarity import open_similarity

ARROW = dg.AssetIn(metadata={"arrow": True})


class MapConfig(dg.Config):
    """How the maps are drawn."""

    seed: int = Field(default=0, ge=0, description="Seed of t-SNE.")


@dg.asset(ins={"descriptions": columns(*WHO)}, **table_options("company_map", "explorer", "scikitlearn"))
def company_map(
    context: dg.AssetExecutionContext, config: MapConfig, pca_scores: ScoreTable, descriptions: DataFrame
) -> DataFrame:
    """A map of each year: t-SNE of the cosine distances between its reports' PCA scores, started from the map of the
    year before.

    What is near on it is near by cosine for most reports, and `near` says for how many; distances between groups, their
    sizes and the axes mean nothing. Empty where companies are compared by pairs.
    """
    import numpy as np
    import pandas as pd

    from compsim_assets.science.companies import company_of
    from compsim_assets.science.peers.year_map import year_maps

    ids, year, scores = pca_scores.read() if len(pca_scores) else (np.empty(0, np.int64),) * 2 + (np.empty((0, 1)),)
    if not len(ids):
        context.add_output_metadata({"note": "there are no scores: there is no map"})
        return TABLES["company_map"].empty().to_pandas()
    company = pd.factorize(company_of(descriptions).reindex(ids))[0]
    parts = [
        pd.DataFrame({"row": each.rows, "x": each.places[:, 0], "y": each.places[:, 1], "near": each.near})
        for each in year_maps(scores, year, company, config.seed, progress(context, "years on the map"))
    ]
    table = pd.concat(parts, ignore_index=True)
    context.add_output_metadata({"near": float(table["near"].mean())})
    return table.assign(report_id=ids[table["row"]], year=year[table["row"]]).drop(columns="row")


@dg.asset(
    group_name="explorer",
    io_manager_key="folder_io_manager",
    backfill_policy=ONE_RUN,
    op_tags=HEAVY,
    ins={**dict.fromkeys(("peers", "peer_explanations"), ARROW), "clusters": ALL_MODES},
    **options(COMPARISON, "html", "javascript"),
)
@alone
def explorer(
    context: dg.AssetExecutionContext,
    settings: Settings,
    folder: ResultsFolder,
    descriptions: DataFrame,
    peers: Any,
    peer_explanations: Any,
    themes: DataFrame,
    latent_themes: DataFrame,
    latents: DataFrame,
    latent_years: DataFrame,
    latent_windows: DataFrame,
    company_map: DataFrame,
    baseline_clusters: DataFrame,
    clusters: ByMode,
    cluster_profiles: ByMode,
    pca_scores: ScoreTable,
    published_pairs: PairTable,
) -> Iterator[dg.Output]:
    """The explorer: a folder with an `index.html` that opens from disk, without a server and without a network.

    Search by name, ticker or label; a company's peers, how sure they are, why, and what changed; themes, latents with
    their words and windows, clusters, a map of each year. `explorer.parquet` beside it is for embedding-atlas.
    """
    from compsim_assets.explore.page.build import PAGE, Tables, write_page

    missing = missing_modes(context, clusters, cluster_profiles)
    similarity = open_similarity(pca_scores, published_pairs, descriptions)
    tables = Tables(
        descriptions=descriptions,
        peers=peers.to_pandas(strings_to_categorical=True),
        explanations=peer_explanations.to_pandas(strings_to_categorical=True),
        themes=themes,
        latent_themes=latent_themes,
        latents=latents,
        latent_years=latent_years,
        latent_windows=latent_windows,
        places=company_map,
        sectors=_sectors(baseline_clusters),
        clusters=clusters,
        profiles=cluster_profiles,
        about=_about(settings, similarity.name),
    )
    with folder.results.scratch("explorer") as scratch, explaining_memory("the explorer", "fewer reports"):
        aside = scratch / "page"
        aside.mkdir()
        described = write_page(aside, tables, progress(context, "years written"))
        yield dg.Output(aside, metadata={**_metadata(folder, described, PAGE), **missing})


def _sectors(groups: DataFrame) -> DataFrame:
    """report_id and cluster_id: the name of the sector."""
    return groups.loc[groups["method"] == "gics_sector", ["report_id", "cluster_id"]].drop_duplicates("report_id")


def _about(settings: Settings, compared: str) -> dict[str, str]:
    about = {"data": settings.data_name, "compared": compared}
    if compared == "features":
        about["seen"] = "Cosines are those of one PCA of all years: an early year's has seen the later ones."
    if settings.synthetic:
        about["note"] = "The sample is generated: nothing here says anything about a real company."
    return about


def _metadata(folder: ResultsFolder, described: Mapping[str, Any], page: str) -> dict[str, Any]:
    """Where to open it, and how large it is."""
    path = folder.results.array_folder("explorer") / page
    return {
        "open": dg.MetadataValue.url(path.absolute().as_uri()),
        "preview": dg.MetadataValue.md(
            f"Open `{path.absolute().as_uri()}` in a browser of this machine: it needs no server. Search for one of "
            f"{described['n_companies']:,} companies; see its peers, how sure they are, and why."
        ),
        "page": dg.MetadataValue.path(str(path)),
        "shape": f"{described['n_companies']:,} companies, {described['n_reports']:,} reports",
        "megabytes": round(described["bytes"] / 1e6, 1),
        "megabytes_before_first_use": round(described["bytes_before_first_use"] / 1e6, 2),
    }
