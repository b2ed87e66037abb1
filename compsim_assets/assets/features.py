"""SAE features of every report: imported from the universe, or extracted from its texts."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from compsim_assets import checks
from compsim_assets.assets.common import (
    HEAVY,
    ONE_RUN,
    SHARED,
    WHO,
    DataFrame,
    alone,
    columns,
    keys,
    lazily,
    markdown_table,
    options,
    revision_of,
    table_outs,
    universe_of,
    wanted,
)
from compsim_assets.assets.training import texts_of, trained_sae
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import Lazy, ResultsFolder
from compsim_assets.storage.results import Results
from compsim_assets.storage.shards import FeatureShards, write_feature_shards
from compsim_assets.universe.extraction import ExtractionSettings
from compsim_assets.universe.feature_files import FeatureImport
from compsim_assets.universe.feature_import import finish_import, import_features
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.opening import similarity_of


@dg.multi_asset(
    name="sae_features",
    group_name="features",
    outs={
        "sae_features": dg.AssetOut(
            io_manager_key="folder_io_manager",
            is_required=False,
            description="Sparse-autoencoder features of each report: TopK activations at one layer of a language "
            "model, summed over the description's tokens. Imported where the universe has features, else extracted "
            "under torchrun as its extraction.toml says, with the windows of text in which each latent is most active. "
            "Empty where companies are compared by the universe's "
            "published pairs.",
            **options(
                SHARED, "torch", "huggingface", "arrow", "torchrun", settings=("similarity", "drop_without_sic_code")
            ),
        ),
        "control_features": dg.AssetOut(
            io_manager_key="folder_io_manager",
            is_required=False,
            description="What SAE features are held against, from the same activations of the same tokens: features "
            "by SAEs of random directions, and the activations themselves. A row for each different text. Empty where "
            "features are imported: there is no model to ask.",
            **options(
                SHARED, "torch", "huggingface", "arrow", "torchrun", settings=("similarity", "drop_without_sic_code")
            ),
        ),
        **table_outs(
            SHARED,
            "numpy",
            feature_distribution="Distribution of all feature values: exact zeros, 300 bins up to 7.5, and the share "
            "above.",
        ),
    },
    ins={"descriptions": columns(*WHO, "description", "sic_code"), **lazily("sparse_autoencoder")},
    internal_asset_deps={
        "sae_features": keys("descriptions", "sparse_autoencoder"),
        "control_features": keys("descriptions", "sparse_autoencoder"),
        "feature_distribution": {dg.AssetKey("sae_features")},
    },
    check_specs=[checks.spec("sae_features", checks.features_are_finite, blocking=True)],
    can_subset=True,
    pool="gpu",
    op_tags=HEAVY,
    backfill_policy=ONE_RUN,
)
@alone
def sae_features_assets(
    context: dg.AssetExecutionContext,
    settings: Settings,
    torchrun: Torchrun,
    folder: ResultsFolder,
    descriptions: DataFrame,
    sparse_autoencoder: Lazy,
):
    """Import or extract the features, and count their values."""
    from compsim_assets.science.latents.values import value_distribution

    names = wanted(context)
    if names & {"sae_features", "control_features"}:
        yield from _features(context, settings, torchrun, folder.results, descriptions, sparse_autoencoder)
    shards = FeatureShards(folder.fresh("sae_features"))
    if "sae_features" in names and (
        yield from checks.judge(context, "sae_features", checks.features_are_finite, shards)
    ):
        return
    if "feature_distribution" in names:
        yield dg.Output(value_distribution(shards.parts()), "feature_distribution")


def _features(
    context: dg.AssetExecutionContext,
    settings: Settings,
    torchrun: Torchrun,
    results: Results,
    descriptions: DataFrame,
    sparse_autoencoder: Lazy,
) -> Iterator[dg.Output]:
    """The features, in a folder that is published when the output is taken."""
    universe = universe_of(context, settings, "sae_features")
    published = similarity_of(settings, universe) == "pairs"
    without = descriptions["sic_code"].isna() & settings.without_sic_code_dropped
    ids = descriptions["report_id"].to_numpy()
    text = descriptions["description"]
    silent = text.isna() & bool(text.notna().any() and not universe.as_published)
    imported = None if published else universe.features(ids, ids[without], refresh=True, without_text=ids[silent])
    with results.scratch("sae_features") as scratch:
        aside = scratch / "shards"
        aside.mkdir()
        if published:
            described = _nothing(context, aside)
        elif imported is not None:
            described = _import(context, imported, aside, results) | revision_of(universe, "features")
        else:
            described = _extract(
                context, universe, aside, scratch, torchrun, descriptions[~without], sparse_autoencoder,
                descriptions["year"],
            )  # fmt: skip
        if "sae_features" in wanted(context):
            yield dg.Output(aside, "sae_features", metadata={**described, **_preview(aside)})
        if "control_features" in wanted(context):
            yield _controls(context, scratch / "out", ids[~without], scratch / "controls")
    if imported is not None:
        finish_import(imported, results)


def _controls(context: dg.AssetExecutionContext, output: Path, report_id: Any, folder: Path) -> dg.Output:
    """What an extraction of these reports left for controls in `output`; where there was none, that."""
    from compsim_assets.storage.controls import publish_extracted

    folder.mkdir()
    controls = publish_extracted(output, report_id, folder)
    if controls.note:
        context.log.info(controls.note)
    listed = controls.manifest["controls"]
    preview = markdown_table(listed, ["control", "seed", "width"])
    metadata: dict[str, Any] = {
        "controls": len(listed),
        "preview": preview,
        **({"note": controls.note} if controls.note else {}),
    }
    return dg.Output(folder, "control_features", metadata=metadata)


def _nothing(context: dg.AssetExecutionContext, folder: Path) -> dict[str, Any]:
    note = "companies are compared by the universe's pairs: features are not read"
    context.log.info(note)
    write_feature_shards(folder, [], 0, {"origin": "none", "hookpoint": None})
    return {"origin": "none", "note": note, **_shape(0, 0)}


def _import(
    context: dg.AssetExecutionContext, imported: FeatureImport, folder: Path, results: Results
) -> dict[str, Any]:
    made = import_features(imported, results, folder, {"origin": "imported", "hookpoint": None}, context.log.info)
    return {
        "origin": "imported",
        **_shape(made.n_reports, made.n_latents),
        "dropped": ", ".join(f"{n:,} {why}" for why, n in made.dropped.items()) or "none",
    }


def _extract(
    context: dg.AssetExecutionContext,
    universe: Universe,
    folder: Path,
    scratch: Path,
    torchrun: Torchrun,
    descriptions: DataFrame,
    sparse_autoencoder: Lazy,
    years: Any,
) -> dict[str, Any]:
    how = universe.folder / "extraction.toml"
    if not how.exists():
        raise UniverseError(
            f"{universe.folder} has neither features.parquet nor extraction.toml: give it features, or say in "
            "extraction.toml which model, sae, hookpoint and max_tokens turn descriptions into features; published "
            "pairs (pairs.parquet, COMPSIM_SIMILARITY=pairs or auto) need no features"
        )
    extraction, knowledge = ExtractionSettings.from_toml(how).of_newest(years)
    extraction = trained_sae(extraction, sparse_autoencoder)
    if not knowledge:
        return extract(context, extraction, universe, descriptions, folder, scratch, torchrun)
    note = "read by the newest vintage, as the PCA of all years needs: walk-forward reads each year by its own"
    context.log.info(f"{knowledge}: {note}")
    manifest = {"knowledge": knowledge}
    described = extract(context, extraction, universe, descriptions, folder, scratch, torchrun, manifest)
    return {**described, "vintage": note}


def extract(
    context: dg.AssetExecutionContext,
    extraction: ExtractionSettings,
    universe: Universe,
    descriptions: DataFrame,
    folder: Path,
    scratch: Path,
    torchrun: Torchrun,
    manifest: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The features of these reports by one model and SAE, as shards in `folder`; what is to be said about them.

    `manifest` is said in that of the shards, too.
    """
    import numpy as np
    import pandas as pd

    from compsim_assets.science.companies import company_codes, company_of

    texts, ids = texts_of(universe, descriptions), descriptions["report_id"].to_numpy()
    models = {key: getattr(extraction, key) for key in ("hookpoint", "model", "sae")}
    models |= {"origin": "extracted", **(manifest or {})}
    source, output = scratch / "texts.parquet", scratch / "out"
    texts.assign(company=company_codes(company_of(descriptions), ids)).to_parquet(source)
    extras = {"texts": str(source), "settings": extraction.to_dict(), "output": str(output)}
    ran = torchrun.run(context, "compsim_assets.workers.extract_features", extras, scratch)
    index = pd.read_parquet(output / "index.parquet")["row"].to_numpy()
    unique = np.load(output / "unique_features.npy", mmap_mode="r")
    silent: list[int] = []
    blocks = _expand(ids[index >= 0], index[index >= 0], unique, silent)
    n_reports = write_feature_shards(folder, blocks, unique.shape[1], models)
    if n_reports == 0:
        raise UniverseError(f"{universe.folder}/reports: no report has a description to extract features from")
    _add_windows(folder, output, ids, index)
    without = {"without_active_latent": f"{len(silent):,}, first report {silent[0]}"} if silent else {}
    return {"origin": "extracted", **_shape(n_reports, unique.shape[1]), **without, **(manifest or {}), **ran}


def _add_windows(folder: Path, output: Path, ids: Any, index: Any) -> None:
    """The windows that the extraction left, each with the first report of its text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from compsim_assets.science.companies import first_of_each
    from compsim_assets.storage.windows import add_windows

    table = pq.read_table(output / "windows.parquet")
    report = pa.array(ids[first_of_each(index)][table.column("row").to_numpy()])
    add_windows(folder, table.set_column(table.column_names.index("row"), "report_id", report))


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


def _preview(folder: Path, rows: int = 8, top: int = 4) -> dict[str, Any]:
    """The first reports' active latents and strongest ones, as a Markdown table."""
    import numpy as np
    from tabulate import tabulate

    shards = FeatureShards(folder)
    first = shards.rows(np.arange(min(rows, shards.shape[0])))
    strongest = np.argsort(-first, axis=1, kind="stable")[:, :top]
    body = [
        [report, int((row > 0).sum()), ", ".join(f"{latent} ({row[latent]:.2f})" for latent in best)]
        for report, row, best in zip(shards.report_id, first, strongest, strict=False)
    ]
    table = tabulate(body, ["report_id", "active latents", "strongest latents (value)"], "pipe")
    return {"preview": dg.MetadataValue.md(table)}


def _shape(n_reports: int, n_latents: int) -> dict[str, Any]:
    return {
        "dagster/row_count": n_reports,
        "latents": n_latents,
        "shape": f"{n_reports} reports x {n_latents} latents, float32",
    }
