"""What every asset definition says the same way."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from hashlib import blake2b
from inspect import isgeneratorfunction
from typing import TYPE_CHECKING, Any

import dagster as dg

from compsim_assets.contracts import TABLES
from compsim_assets.partitions import cutoff_modes
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import MATTERS, REVISION, ByMode, step_reads, table_schema
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.opening import open_universe

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

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
EVERY_MODE = dg.AllPartitionMapping()
ALL_MODES = dg.AssetIn(partition_mapping=EVERY_MODE)
NO_FEATURES = "there are no features: no PCA is made"


# A step of a run over both modes, and one of a run over one, are the same step.
ONE_RUN = dg.BackfillPolicy.single_run()
# Of the steps that carry it one runs at a time: in a run by the executor's limits, on a machine by `alone`.
HEAVY = {"compsim/memory": "heavy"}
WHO = ("report_id", "year", "cik", "ticker", "company_name")


def alone(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step that needs much memory: on this machine one of them runs at a time, whichever run it is of."""
    from compsim_assets.launch.turns import turn

    def turn_of(context: dg.AssetExecutionContext) -> "AbstractContextManager[None]":
        who = f"step {step.__name__} of run {context.run_id[:8]}"
        why = "steps that need much memory run one at a time on a machine"
        return turn("heavy", who, why, context.log.info)

    @wraps(step)
    def generating(context: dg.AssetExecutionContext, *inputs: Any, **more: Any) -> Iterator[Any]:
        with turn_of(context):
            yield from step(context, *inputs, **more)

    @wraps(step)
    def returning(context: dg.AssetExecutionContext, *inputs: Any, **more: Any) -> Any:
        with turn_of(context):
            return step(context, *inputs, **more)

    return generating if isgeneratorfunction(step) else returning


def columns(*names: str) -> dg.AssetIn:
    """An input of which only these columns are read."""
    return dg.AssetIn(metadata={"columns": list(names)})


def lazily(*names: str, mapping: dg.PartitionMapping | None = None, **metadata: Any) -> dict[str, dg.AssetIn]:
    """Inputs that are read when they are needed: where a step makes several assets, and is asked for one of them."""
    return {name: dg.AssetIn(metadata={"lazy": True, **metadata}, partition_mapping=mapping) for name in names}


def keys(*names: str) -> set[dg.AssetKey]:
    """Assets by name."""
    return {dg.AssetKey(name) for name in names}


def options(stage: str, *kinds: str, settings: tuple[str, ...] = ()) -> dict[str, Any]:
    """Owners, kinds and stage, and names of the settings that take part, for assets and outputs of multi-assets."""
    return {"owners": OWNERS, "kinds": set(kinds), "tags": {STAGE: stage}, "metadata": {MATTERS: list(settings)}}


def table_output(name: str, stage: str, *kinds: str, settings: tuple[str, ...] = ()) -> dict[str, Any]:
    """Options of an asset or an output whose value is the contract's table of that name."""
    described = options(stage, "parquet", *kinds, settings=settings)
    described["metadata"]["dagster/column_schema"] = table_schema(TABLES[name])
    return described


def table_outs(
    stage: str, *kinds: str, settings: tuple[str, ...] = (), io_manager_key: str | None = None, **descriptions: str
) -> dict[str, dg.AssetOut]:
    """Outputs of a multi-asset, a contract's table each, with what the UI says of them."""
    return {
        name: dg.AssetOut(
            is_required=False,
            description=description,
            io_manager_key=io_manager_key,
            **table_output(name, stage, *kinds, settings=settings),
        )
        for name, description in descriptions.items()
    }


def wanted(context: dg.AssetExecutionContext) -> set[str]:
    """Names of the assets of a multi-asset that the run selects: any can be asked for alone."""
    return {key.path[-1] for key in context.selected_asset_keys}


def no_rows(context: dg.AssetExecutionContext, note: str, key: str = "note") -> Iterator[dg.Output]:
    """The selected tables of a multi-asset without a row, and why."""
    context.log.info(note)
    for name in sorted(wanted(context) & set(TABLES)):
        yield dg.Output(TABLES[name].empty(), output_name=name, metadata={key: note})


def selected(context: dg.AssetExecutionContext, *outputs: dg.Output) -> Iterator[dg.Output]:
    """Those outputs of a multi-asset that the run selects: any asset can be asked for alone."""
    names = wanted(context)
    yield from (output for output in outputs if output.output_name in names)


def table_options(
    name: str, group: str, *kinds: str, stage: str = SHARED, settings: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Options of an asset whose value is the contract's table of that name."""
    asset = {**table_output(name, stage, *kinds, settings=settings), "group_name": group, "backfill_policy": ONE_RUN}
    return {**asset, "partitions_def": cutoff_modes} if stage == BY_MODE else asset


def progress(context: dg.AssetExecutionContext, what: str, seconds: float = 2.0) -> Callable[[int, int], None]:
    """A callback (done, total) that logs at most one line every few seconds, and the last one always."""
    due = time.monotonic()

    def log(done: int, total: int) -> None:
        nonlocal due
        if done == total or time.monotonic() >= due:
            due = time.monotonic() + seconds
            context.log.info(f"{what}: {done:,} of {total:,}")

    return log


def missing_modes(context: dg.AssetExecutionContext, *inputs: ByMode) -> dict[str, str]:
    """Say which cutoff modes are not used, and why; the same as metadata."""
    reasons = dict[str, list[str]]()
    for mode in MODES:
        if why := next((tables.left_out[mode] for tables in inputs if mode in tables.left_out), ""):
            reasons.setdefault(why, []).append(mode)
    if not reasons:
        return {}
    note = "; ".join(f"{why}, left out: {', '.join(modes)}" for why, modes in reasons.items())
    context.log.warning(note)
    return {"missing_cutoff_modes": note}


def say_left_out(context: dg.AssetExecutionContext, left_out: dict[str, str]) -> dict[str, str]:
    """Say which main methods the common years are not of, where there are any; the same as metadata."""
    if not left_out:
        return {}
    note = "; ".join(f"{method}: {why}" for method, why in left_out.items())
    context.log.warning(f"left out of the common years: {note}")
    return {"left_out_of_common_years": note}


def universe_of(context: dg.AssetExecutionContext, settings: Settings, *assets: str) -> Universe:
    """The configured universe; what its files hold now is noted with the assets that are made of them, all or these."""
    from compsim_assets.universe.fingerprint import fingerprints

    universe = open_universe(settings, context.log.info)
    reads = step_reads(context.run_id, str(context.op_handle))
    for asset, content in fingerprints(settings, assets or sorted(wanted(context))).items():
        reads[f"@{asset}"] = content
    return universe


def usable_scores(features: FeatureShards, fuzz_scores: DataFrame) -> tuple[DataFrame, str]:
    """The fuzz scores that are of our features' latents, and what is to be said about the others."""
    from compsim_assets.evidence.table_two import scores_for

    return scores_for(fuzz_scores, features.manifest["hookpoint"], features.n_latents)


def cluster_counts(clusters: DataFrame) -> dict[str, int]:
    """Metadata: how many clusters there are, singletons apart, and how large the largest is."""
    sizes = clusters.groupby(["year", "cluster_id"]).size()
    return {
        "clusters": int((sizes >= 2).sum()),
        "singletons": int((sizes == 1).sum()),
        "largest_cluster": int(sizes.max()) if len(sizes) else 0,
    }


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


def require_memory(context: dg.AssetExecutionContext, stage: str, needed: int, lower: str) -> None:
    """Say how much memory a stage needs; refuse it where this process may not use as much, before hours of work.

    Raises:
        Failure: says how much there is, and what to lower.
    """
    from compsim_assets.launch.limits import memory

    context.log.info(f"{stage} needs about {needed / 1e9:.1f} GB of memory")
    if default_device() == "cpu" and 0 < (limit := memory()) < needed:
        raise dg.Failure(
            f"{stage} needs about {needed / 1e9:.1f} GB of memory, and this process may use {limit / 1e9:.1f} GB (the "
            f"limit of its container, job or unit, else the machine's). Raise the limit, or, to need less: {lower}"
        )


def default_device() -> str:
    """The device of products computed inside a step: the first GPU, else the CPU."""
    import torch

    from compsim_assets.science.device import compute_exactly

    compute_exactly()
    return "cuda" if torch.cuda.is_available() else "cpu"


def key_of(context: dg.AssetExecutionContext, config: dg.Config, *what: str | bytes) -> str:
    """A name of all that decides bytes: the step's code, libraries, device, configuration, and what else is given."""
    from importlib.metadata import version

    code = [spec.code_version or "" for spec in context.assets_def.specs]
    of_run = [*code, version("torch"), version("numpy"), default_device(), config.model_dump_json()]
    digest = blake2b(digest_size=16)
    for each in (*of_run, *what):
        value = each.encode() if isinstance(each, str) else each
        digest.update(len(value).to_bytes(8, "little") + value)
    return digest.hexdigest()


def markdown_table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dg.MarkdownMetadataValue:
    """These columns of some rows; without a row "none"."""
    from tabulate import tabulate

    if not rows:
        return dg.MetadataValue.md("*none*")
    return dg.MetadataValue.md(tabulate([[row[name] for name in names] for row in rows], names, "pipe"))
