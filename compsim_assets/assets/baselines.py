"""Other ways to group companies: industry codes, published cluster sets, embeddings of plain language models."""

import json
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import (
    HEAVY,
    ONE_RUN,
    SHARED,
    WHO,
    DataFrame,
    alone,
    cluster_counts,
    columns,
    default_device,
    explaining_memory,
    markdown_table,
    options,
    progress,
    table_options,
    universe_of,
)
from compsim_assets.assets.vintages import embed
from compsim_assets.contracts import TABLES
from compsim_assets.contracts.methods import METHODS
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.settings import Settings
from compsim_assets.storage.embeddings import FOLDER, MANIFEST, EmbeddingFolder, Embeddings, write_embeddings
from compsim_assets.storage.io_managers import ResultsFolder
from compsim_assets.universe.encoders import Encoders, EncoderSettings, encoders_of
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import ID, UniverseError

_SHOWN = [
    "name", "model", "max_tokens", "width", "n_reports", "n_unique", "n_truncated", "tokens_per_second", "device",
    "dtype", "difference",
]  # fmt: skip
# Clusters of ours: no published set may have such a name.
OWN_METHODS = {method.name for method in METHODS if method.clusters and method.reserved}


@dg.asset(**table_options("baseline_clusters", "baselines", "pandas"))
def baseline_clusters(context: dg.AssetExecutionContext, settings: Settings, descriptions: DataFrame) -> DataFrame:
    """Groups to compare ours with: SIC codes, SIC divisions, GICS sectors where the reports have them, and the
    universe's published cluster sets.

    Published rows are matched by report id (or company) and year; rows of reports that are not in this universe are
    dropped and counted, and noise (cluster -1) is in no cluster.
    """
    import pandas as pd

    from compsim_assets.science.correlation.groups import match_groups

    universe = universe_of(context, settings)
    published = universe.published_clusters()
    if doubled := sorted(OWN_METHODS & set(published)):
        file = next((universe.folder / "published_clusters").glob(f"{doubled[0]}.*")).name
        raise UniverseError(
            f"published_clusters/{file}: '{doubled[0]}' is a method of ours, expected another file name"
        )
    sets = {
        "sic_code": descriptions.rename(columns={"sic_code": "cluster_id"}),
        "sic_division": descriptions.rename(columns={"industry": "cluster_id"}),
        **_sectors(universe),
        **published,
    }
    tables, counts = [], []
    for method, groups in sets.items():
        named = groups[["year", "cluster_id", "report_id"]].dropna(subset="cluster_id")
        matched = match_groups(named, descriptions)
        counts.append(f"| {method} | {len(matched)} | {len(named) - len(matched)} |")
        tables.append(matched.assign(method=method))
    lines = ["| method | reports | dropped: not in this universe |", "|---|---|---|", *counts]
    context.add_output_metadata({"methods": dg.MetadataValue.md("\n".join(lines))})
    columns = TABLES["baseline_clusters"].names
    return pd.concat(tables, ignore_index=True)[columns].sort_values(columns, ignore_index=True)


def _sectors(universe: Universe) -> dict[str, DataFrame]:
    """GICS sectors of the reports, where the universe has them: today's, so with hindsight."""
    reports = universe.reports()
    if reports["gics_sector"].isna().all():
        return {}
    names = {ID: "report_id", "gics_sector": "cluster_id"}
    return {"gics_sector": reports.rename(columns=names).astype({"cluster_id": "string"})}


@dg.asset(
    group_name="baselines",
    ins={"descriptions": columns("report_id", "year", "description", "sic_code")},
    io_manager_key="folder_io_manager",
    pool="gpu",
    op_tags=HEAVY,
    backfill_policy=ONE_RUN,
    **options(SHARED, "torch", "huggingface", "torchrun", settings=("drop_without_sic_code",)),
)
@alone
def embeddings(
    context: dg.AssetExecutionContext,
    settings: Settings,
    torchrun: Torchrun,
    folder: ResultsFolder,
    descriptions: DataFrame,
) -> Iterator[dg.Output]:
    """Embeddings of the descriptions by ordinary language models, to compare the SAE features with: the mean of the
    last hidden states over a description's tokens.

    The models are those of the universe's embedding.toml; without one, the language model of its extraction.toml.
    """
    universe, reports = universe_of(context, settings), descriptions
    if settings.without_sic_code_dropped:
        reports = descriptions[descriptions["sic_code"].notna()]
    encoders = _usable(encoders_of(universe.folder), universe, reports)
    context.log.info(encoders.note)
    with folder.results.scratch(FOLDER) as scratch:
        aside = scratch / "tables"
        aside.mkdir()
        rows = _embed_all(context, encoders.settings, reports, aside, scratch, torchrun)
        metadata: dict[str, Any] = {"note": encoders.note, "encoders": len(rows)}
        yield dg.Output(aside, metadata={**metadata, "preview": markdown_table(rows, _SHOWN)})


def _usable(encoders: Encoders, universe: Universe, reports: DataFrame) -> Encoders:
    """The encoders; none, and why, where there is no text to read."""
    if not encoders.settings or reports["description"].fillna("").str.strip().any():
        return encoders
    if universe.token_ids(reports["report_id"].to_numpy()) is not None:
        why = "token ids of one model and no texts for another to read"
    else:
        why = "no descriptions"
    note = f"there are no embeddings: {universe.folder} has {why}. To have some, give the reports texts (section_1)"
    return Encoders([], note)


def _embed_all(
    context: dg.AssetExecutionContext,
    encoders: list[EncoderSettings],
    reports: DataFrame,
    folder: Path,
    scratch: Path,
    torchrun: Torchrun,
) -> list[dict[str, Any]]:
    """Embed with one encoder after the other; the manifest is written last. Returns what each one's program said."""
    reports = reports.sort_values("report_id")
    content, rows, listed = blake2b(digest_size=16), [], []
    for encoder in encoders:
        made = embed(context, encoder, reports, scratch / encoder.name, torchrun)
        content.update(encoder.name.encode())
        path = folder / f"{encoder.name}.parquet"
        write_embeddings(path, made.report_id, made.year, made.unique, made.row, content)
        settings = {key: getattr(encoder, key) for key in ("name", "model", "max_tokens")}
        shape = {"width": made.ran["width"], "n_reports": len(made.report_id)}
        listed.append({**settings, **shape, **({"vintages": made.vintages} if made.vintages else {})})
        rows.append({**made.ran, **listed[-1]})
    (folder / MANIFEST).write_text(json.dumps({"encoders": listed, "content": content.hexdigest()}, indent=2))
    return rows


class EmbeddingClustersConfig(dg.Config):
    """How many clusters KMeans makes."""

    kmeans_clusters: int = Field(
        default=0,
        ge=0,
        description="Clusters of every year by KMeans; 0 takes the rounded square root of the year's reports.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of KMeans' starts, with the year.")


@dg.asset(
    ins={"descriptions": columns(*WHO)},
    pool="gpu",
    op_tags=HEAVY,
    **table_options("embedding_clusters", "baselines", "torch", "scikitlearn", settings=("drop_without_returns",)),
)
@alone
def embedding_clusters(
    context: dg.AssetExecutionContext,
    config: EmbeddingClustersConfig,
    settings: Settings,
    embeddings: EmbeddingFolder,
    returns: DataFrame,
    descriptions: DataFrame,
) -> DataFrame:
    """Clusters of every encoder's embeddings: single linkage, cut as ours (`_base`, `_rolling`), and KMeans
    (`_kmeans`), which needs no returns.
    """
    import pandas as pd

    from compsim_assets.science.companies import repeated_companies

    columns, company = TABLES["embedding_clusters"].names, repeated_companies(descriptions)
    tables = []
    for name, encoded in embeddings:
        if settings.without_returns_dropped:
            encoded = with_returns(encoded, returns)
        clusters = _clusters_of(context, config, name, encoded, returns, company, name in embeddings.by_vintages)
        tables += [table.assign(method=f"{name}_{kind}") for kind, table in clusters.items()]
    if not tables:
        note = "there are no embeddings: the note of 'embeddings' says why"
        context.log.info(note)
        context.add_output_metadata({"note": note})
        return TABLES["embedding_clusters"].empty()
    table = pd.concat(tables, ignore_index=True)[columns]
    context.add_output_metadata({"methods": dg.MetadataValue.md(_counts(table))})
    # In the order of methods and cluster numbers, which as texts would be another.
    return table.sort_values(columns, ignore_index=True).astype({"cluster_id": str})


def unit_returns(encoded: Embeddings, returns: DataFrame) -> tuple[Any, Any]:
    """Normalised returns of the embedded reports, and which of them are defined."""
    import numpy as np

    from compsim_assets.science.correlation.returns import normalise_returns

    monthly = returns.set_index("report_id")["returns"].loc[encoded.report_id].to_list()
    return normalise_returns(np.array(monthly, dtype=np.float64).reshape(len(monthly), -1))


def with_returns(encoded: Embeddings, returns: DataFrame) -> Embeddings:
    """Of the reports with defined returns alone."""
    defined = unit_returns(encoded, returns)[1]
    return Embeddings(*(array[defined] for array in encoded))


def _clusters_of(
    context: dg.AssetExecutionContext,
    config: EmbeddingClustersConfig,
    name: str,
    encoded: Embeddings,
    returns: DataFrame,
    company: Any,
    by_vintages: bool,
) -> dict[str, DataFrame]:
    """Clusters of one encoder by each way: year, cluster_id, report_id. A cutoff compares distances of several years:
    of vintages there is none.
    """
    import numpy as np

    from compsim_assets.science.cutoffs.kmeans import kmeans_clusters

    ids, year, matrix = encoded
    context.log.info(f"{name}: KMeans of {len(np.unique(year))} years")
    clusters = {"kmeans": kmeans_clusters(matrix, year, ids, config.kmeans_clusters, config.seed)}
    if by_vintages:
        context.log.info(f"{name}: a cutoff would compare distances of different vintages: KMeans alone")
        return clusters
    return {**clusters, **cut_as_ours(context, name, encoded, returns, company)}


def cut_as_ours(
    context: dg.AssetExecutionContext, name: str, encoded: Embeddings, returns: DataFrame, company: Any
) -> dict[str, DataFrame]:
    """Single linkage of vectors, cut by both modes' choice of a cutoff: year, cluster_id, report_id of each; none where
    no report has returns.
    """
    from compsim_assets.science.companies import company_codes
    from compsim_assets.science.cutoffs.choice import cut_clusters
    from compsim_assets.science.linkage.years import link_years

    unit, defined = unit_returns(encoded, returns)
    ids, year, matrix = encoded
    if not defined.any():
        context.log.warning(f"{name}: no report has returns to choose a cutoff by")
        return {}
    with explaining_memory(f"single linkage of {name}", "use a machine with more memory"):
        linked = link_years(matrix, year, default_device(), progress(context, f"{name}: linked reports"))
    return cut_clusters(linked, unit, defined, ids, company_codes(company, ids))


def _counts(table: DataFrame) -> str:
    """Reports, years and clusters of each method, as a Markdown table."""
    from tabulate import tabulate

    rows = [
        [method, len(groups), groups["year"].nunique(), *cluster_counts(groups).values()]
        for method, groups in table.groupby("method")
    ]
    headers = ["method", "reports", "years", "clusters", "singletons", "largest"]
    return tabulate(rows, headers, "pipe")
