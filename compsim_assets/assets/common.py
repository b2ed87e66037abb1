"""What every asset definition says the same way."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from compsim_assets.contracts import TABLES
from compsim_assets.partitions import cutoff_modes
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import REVISION, data_version, origin, table_schema
from compsim_assets.storage.results import Results, read_manifest
from compsim_assets.storage.shards import MANIFEST
from compsim_assets.storage.similarity import PairSimilarity, ScoreSimilarity
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.opening import open_universe, similarity_of

if TYPE_CHECKING:
    import pandas as pd

    DataFrame = pd.DataFrame
else:
    # Dagster resolves annotations when definitions load, and that must not import pandas.
    DataFrame = Any

OWNERS = ["team:compsim"]

# When an asset is rebuilt: once for all modes, once per cutoff mode, or after all modes, to compare them.
STAGE = "compsim/stage"
SHARED, BY_MODE, COMPARISON = "shared", "mode", "comparison"

MODES = cutoff_modes.get_partition_keys()
ALL_MODES = dg.AssetIn(partition_mapping=dg.AllPartitionMapping())
NO_FEATURES = "there are no features: no PCA is made"


def columns(*names: str) -> dg.AssetIn:
    """An input of which only these columns are read."""
    return dg.AssetIn(metadata={"columns": list(names)})


def options(stage: str, *kinds: str) -> dict[str, Any]:
    """Owners, kinds, code version and stage, for assets and for outputs of multi-assets."""
    return {"owners": OWNERS, "kinds": set(kinds), "code_version": "1", "tags": {STAGE: stage}}


def table_output(name: str, stage: str, *kinds: str) -> dict[str, Any]:
    """Options of an asset or an output whose value is the contract's table of that name."""
    return {**options(stage, "parquet", *kinds), "metadata": {"dagster/column_schema": table_schema(TABLES[name])}}


def table_outs(stage: str, *kinds: str, **descriptions: str) -> dict[str, dg.AssetOut]:
    """Outputs of a multi-asset, a contract's table each, with what the UI says of them."""
    return {
        name: dg.AssetOut(is_required=False, description=description, **table_output(name, stage, *kinds))
        for name, description in descriptions.items()
    }


def no_rows(context: dg.AssetExecutionContext, note: str, key: str = "note") -> Iterator[dg.Output]:
    """The selected tables of a multi-asset without a row, and why."""
    context.log.info(note)
    for name in sorted(asset.path[-1] for asset in context.selected_asset_keys):
        if name in TABLES:
            yield dg.Output(TABLES[name].empty(), output_name=name, metadata={key: note})


def selected(context: dg.AssetExecutionContext, *outputs: dg.Output) -> Iterator[dg.Output]:
    """Those outputs of a multi-asset that the run selects: any asset can be asked for alone."""
    keys = context.selected_asset_keys
    yield from (output for output in outputs if dg.AssetKey(output.output_name) in keys)


def table_options(name: str, group: str, *kinds: str, stage: str = SHARED) -> dict[str, Any]:
    """Options of an asset whose value is the contract's table of that name."""
    return in_group(table_output(name, stage, *kinds), group, stage)


def in_group(asset: dict[str, Any], group: str, stage: str) -> dict[str, Any]:
    """The options with their group, and with a partition per cutoff mode where the stage has one."""
    grouped = {**asset, "group_name": group}
    return {**grouped, "partitions_def": cutoff_modes} if stage == BY_MODE else grouped


def progress(context: dg.AssetExecutionContext, what: str, seconds: float = 2.0) -> Callable[[int, int], None]:
    """A callback (done, total) that logs at most one line every few seconds, and the last one always."""
    due = time.monotonic()

    def log(done: int, total: int) -> None:
        nonlocal due
        if done == total or time.monotonic() >= due:
            due = time.monotonic() + seconds
            context.log.info(f"{what}: {done:,} of {total:,}")

    return log


def missing_modes(
    context: dg.AssetExecutionContext, by_mode: dict[str, DataFrame], settings: Settings, *assets: str
) -> None:
    """Say which cutoff modes are not used, of these assets' tables, and why; what is there and fresh is used."""
    results, reasons = Results.of(settings), dict[str, list[str]]()
    for mode in [mode for mode in MODES if mode not in by_mode]:
        paths = [results.table(asset, mode) for asset in assets]
        stale = [
            f"{asset} {why}" for asset, path in zip(assets, paths, strict=True)
            if path.exists() and results.belongs_to_universe(path) and (why := results.why_unusable(path))
        ]  # fmt: skip
        reasons.setdefault(stale[0] if stale else "not materialized yet for this universe", []).append(mode)
    if reasons:
        note = "; ".join(f"{why}, left out: {', '.join(modes)}" for why, modes in reasons.items())
        context.log.warning(note)
        context.add_output_metadata({"missing_cutoff_modes": note})


def say_left_out(context: dg.AssetExecutionContext, left_out: dict[str, str]) -> None:
    """Say which main methods the common years are not of, where there are any."""
    if left_out:
        note = "; ".join(f"{method}: {why}" for method, why in left_out.items())
        context.log.warning(f"left out of the common years: {note}")
        context.add_output_metadata({"left_out_of_common_years": note})


def open_similarity(settings: Settings) -> ScoreSimilarity | PairSimilarity:
    """What companies are compared by: scores or published pairs. It is decided here, once for all assets."""
    published = similarity_of(settings, open_universe(settings)) == "pairs"
    return (PairSimilarity if published else ScoreSimilarity)(Results.of(settings))


def usable_scores(settings: Settings, fuzz_scores: DataFrame) -> tuple[DataFrame, str]:
    """The fuzz scores that are of our features' latents, and what is to be said about the others."""
    from compsim_assets.evidence.table_two import scores_for

    manifest = read_manifest(Results.of(settings).array_folder("sae_features"), MANIFEST)
    return scores_for(fuzz_scores, manifest["hookpoint"], manifest["n_latents"])


def cluster_counts(clusters: DataFrame) -> dict[str, int]:
    """Metadata: how many clusters there are, singletons apart, and how large the largest is."""
    sizes = clusters.groupby(["year", "cluster_id"]).size()
    return {
        "clusters": int((sizes >= 2).sum()),
        "singletons": int((sizes == 1).sum()),
        "largest_cluster": int(sizes.max()) if len(sizes) else 0,
    }


def written(
    settings: Settings, path: Path, preview: str, content: str, metadata: dict[str, Any]
) -> dg.MaterializeResult:
    """What an asset says that writes its own files: a preview, where they lie, and as its version what they hold."""
    return dg.MaterializeResult(
        metadata={**metadata, "preview": dg.MetadataValue.md(preview), **origin(settings, path)},
        data_version=data_version(content, metadata.get(REVISION, "")),
    )


def revision_of(universe: Universe, name: str) -> dict[str, str]:
    """Metadata on the revision of one of the universe's tables, where it has one."""
    revision = universe.revision(name)
    return {REVISION: revision} if revision else {}


@contextmanager
def explaining_memory(stage: str, lower: str) -> Iterator[None]:
    """Turn running out of memory inside the block into a failure that says where, and what to lower."""
    try:
        yield
    except Exception as error:
        from compsim_assets.science.device import is_out_of_memory

        if not is_out_of_memory(error):
            raise
        raise dg.Failure(f"out of memory in {stage}. To need less: {lower}. {error}") from error


def default_device() -> str:
    """The device of products computed inside a step: the first GPU, else the CPU."""
    import torch

    from compsim_assets.science.device import compute_exactly

    compute_exactly()
    return "cuda" if torch.cuda.is_available() else "cpu"
