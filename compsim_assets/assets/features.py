"""SAE features of every report: imported from the universe, or extracted from its texts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from compsim_assets.assets.common import SHARED, DataFrame, columns, options, revision_of, table_options, written
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.settings import Settings
from compsim_assets.storage.results import Results, read_manifest
from compsim_assets.storage.shards import MANIFEST, write_feature_shards
from compsim_assets.universe.extraction import ExtractionSettings
from compsim_assets.universe.feature_files import FeatureImport
from compsim_assets.universe.feature_import import finish_import, import_features
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.opening import open_universe, similarity_of


@dg.asset(
    group_name="features",
    ins={"descriptions": columns("report_id", "description", "sic_code")},
    pool="gpu",
    **options(SHARED, "torch", "huggingface", "arrow", "torchrun"),
)
def sae_features(
    context: dg.AssetExecutionContext, settings: Settings, torchrun: Torchrun, descriptions: DataFrame
) -> dg.MaterializeResult:
    """Sparse-autoencoder features of each report: TopK activations at one layer of a language model, summed over
    the description's tokens.

    Imported where the universe has features, else extracted under torchrun as its extraction.toml says. Empty where
    companies are compared by the universe's published pairs.
    """
    universe, results = open_universe(settings, context.log.info), Results.of(settings)
    published = similarity_of(settings, universe) == "pairs"
    without = descriptions["sic_code"].isna() & settings.without_sic_code_dropped
    ids = descriptions["report_id"].to_numpy()
    text = descriptions["description"]
    silent = text.isna() & bool(text.notna().any() and not universe.as_published)
    imported = None if published else universe.features(ids, ids[without], refresh=True, without_text=ids[silent])
    with results.new_folder(results.array_folder("sae_features")) as aside:
        if published:
            described = _nothing(context, aside, results)
        elif imported is not None:
            described = _import(context, imported, aside, results)
        else:
            eligible = descriptions[~without]
            described = _extract(context, universe, aside, results, torchrun, eligible)
    if imported is not None:
        finish_import(imported, results)
    path = results.array_folder("sae_features")
    metadata = described if published else {**described, **revision_of(universe, "features")}
    return written(settings, path, _preview(path), read_manifest(path, MANIFEST)["content"], metadata)


def _nothing(context: dg.AssetExecutionContext, folder: Path, results: Results) -> dict[str, Any]:
    note = "companies are compared by the universe's pairs: features are not read"
    context.log.info(note)
    manifest = {"origin": "none", "hookpoint": None, "universe": results.universe_stamp()}
    write_feature_shards(folder, [], 0, manifest)
    return {"origin": "none", "note": note, **_shape(0, 0)}


def _import(
    context: dg.AssetExecutionContext, imported: FeatureImport, folder: Path, results: Results
) -> dict[str, Any]:
    manifest = {"origin": "imported", "hookpoint": None, "universe": results.universe_stamp()}
    made = import_features(imported, results, folder, manifest, context.log.info)
    return {
        "origin": "imported",
        **_shape(made.n_reports, made.n_latents),
        "dropped": ", ".join(f"{n:,} {why}" for why, n in made.dropped.items()) or "none",
    }


def _extract(
    context: dg.AssetExecutionContext,
    universe: Universe,
    folder: Path,
    results: Results,
    torchrun: Torchrun,
    descriptions: DataFrame,
) -> dict[str, Any]:
    import numpy as np
    import pandas as pd

    how = universe.folder / "extraction.toml"
    if not how.exists():
        raise UniverseError(
            f"{universe.folder} has neither features.parquet nor extraction.toml: give it features, or say in "
            "extraction.toml which model, sae, hookpoint and max_tokens turn descriptions into features; published "
            "pairs (pairs.parquet, COMPSIM_SIMILARITY=pairs or auto) need no features"
        )
    extraction = ExtractionSettings.from_toml(how)
    texts = universe.token_ids(descriptions["report_id"].to_numpy())
    texts = descriptions[["description"]].rename(columns={"description": "text"}) if texts is None else texts
    ids = descriptions["report_id"].to_numpy()
    models = {key: getattr(extraction, key) for key in ("hookpoint", "model", "sae")}
    manifest = {"origin": "extracted", **models, "universe": results.universe_stamp()}
    with results.scratch("extraction") as scratch:
        source, output = scratch / "texts.parquet", scratch / "out"
        texts.to_parquet(source)
        extras = {"texts": str(source), "settings": extraction.to_dict(), "output": str(output)}
        ran = torchrun.run(context, "compsim_assets.workers.extract_features", extras, scratch)
        index = pd.read_parquet(output / "index.parquet")["row"].to_numpy()
        unique = np.load(output / "unique_features.npy", mmap_mode="r")
        silent: list[int] = []
        blocks = _expand(ids[index >= 0], index[index >= 0], unique, silent)
        n_reports = write_feature_shards(folder, blocks, unique.shape[1], manifest)
    if n_reports == 0:
        raise UniverseError(f"{universe.folder}/reports: no report has a description to extract features from")
    without = {"without_active_latent": f"{len(silent):,}, first report {silent[0]}"} if silent else {}
    return {"origin": "extracted", **_shape(n_reports, unique.shape[1]), **without, **ran}


def _expand(ids: Any, rows: Any, unique: Any, silent: list[int], block: int = 512) -> Iterator[tuple[Any, Any]]:
    """Features of every report from those of the different texts, a block at a time; without an active latent a report
    has none, and is listed in `silent`.
    """
    for start in range(0, len(ids), block):
        some, features = ids[start : start + block], unique[rows[start : start + block]]
        active = features.any(axis=1)
        silent += some[~active].tolist()
        if active.any():
            yield some[active], features[active]


def _preview(folder: Path, rows: int = 8, top: int = 4) -> str:
    """The first reports' active latents and strongest ones, as a Markdown table."""
    import numpy as np
    from tabulate import tabulate

    from compsim_assets.storage.shards import FeatureShards

    shards = FeatureShards(folder)
    first = shards.rows(np.arange(min(rows, shards.shape[0])))
    strongest = np.argsort(-first, axis=1, kind="stable")[:, :top]
    body = [
        [report, int((row > 0).sum()), ", ".join(f"{latent} ({row[latent]:.2f})" for latent in best)]
        for report, row, best in zip(shards.report_id, first, strongest, strict=False)
    ]
    return tabulate(body, ["report_id", "active latents", "strongest latents (value)"], "pipe")


def _shape(n_reports: int, n_latents: int) -> dict[str, Any]:
    return {
        "dagster/row_count": n_reports,
        "latents": n_latents,
        "shape": f"{n_reports} reports x {n_latents} latents, float32",
    }


@dg.asset(deps=[sae_features], **table_options("feature_distribution", "features", "numpy"))
def feature_distribution(settings: Settings) -> DataFrame:
    """Distribution of all feature values: exact zeros, 300 bins up to 7.5, and the share above."""
    from compsim_assets.science.latents.values import value_distribution
    from compsim_assets.storage.shards import FeatureShards

    shards = FeatureShards(Results.of(settings).array_folder("sae_features"))
    return value_distribution(shards.parts())
