"""A small platform in which everything can happen that a command must cope with; TOY_<ASSET> says what.

As a program it does to this platform what `compsim materialize` does to the real one::

    TOY=FOLDER TOY_SECOND='sleep 60' python -m compsim_assets_tests.running.toy [ASSET ...]
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import dagster as dg

from compsim_assets.assets.common import HEAVY, alone
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.partitions import cutoff_modes
from compsim_assets.running.executor import _create, executor

ONE_RUN = dg.BackfillPolicy.single_run()
USUAL = ("first", "second", "left", "right", "last")
# What no step should load for itself.
COSTLY = ("sqlalchemy", "alembic", "pandas", "torch", "matplotlib.figure", "dagster._core.instance.factory")


def folder() -> Path:
    return Path(os.environ["TOY"])


def asked(name: str) -> str:
    """What the step is asked to do: by the environment, or from outside while the platform is there."""
    with suppress(FileNotFoundError):
        return (folder() / f"{name}.asked").read_text()
    return os.environ.get(f"TOY_{name.upper()}", "")


def behave(context: dg.AssetExecutionContext, name: str) -> str:
    """Do what is asked of the step, and leave a note of when and where it was."""
    note = {"pid": os.getpid(), "begun": time.time(), "cpu": time.process_time()}
    note["loaded"] = [module for module in COSTLY if module in sys.modules]
    note["waits"] = os.environ.get("OMP_WAIT_POLICY")
    (folder() / f"{name}.json").write_text(json.dumps(note))
    what, _, seconds = asked(name).partition(" ")
    print("printed by", name, file=sys.stderr)
    print("printed by", name)
    if what == "fail":
        raise ValueError(f"{name} has no numbers\nin column a\n\nand a page of details")
    if what == "kill":
        os.kill(os.getpid(), 9)
    if what == "warn":
        context.log.warning(f"{name} is made of little")
    end = time.monotonic() + float(seconds or 0)
    while time.monotonic() < end:
        time.sleep(0.05)
        if what == "talk":
            context.log.info(f"linked reports: {end - time.monotonic():.0f} left")
    (folder() / f"{name}.json").write_text(json.dumps({**note, "ended": time.time()}))
    return what


@dg.asset(backfill_policy=ONE_RUN)
def first(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    behave(context, "first")
    return dg.MaterializeResult(metadata={"dagster/row_count": 1234})


@dg.asset(
    backfill_policy=ONE_RUN, deps=[first], pool="press", check_specs=[dg.AssetCheckSpec("all_right", asset="second")]
)
def second(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    right = behave(context, "second") != "wrong"
    check = dg.AssetCheckResult(passed=right, severity=dg.AssetCheckSeverity.WARN, description="two are missing")
    return dg.MaterializeResult(metadata={"shape": "2 x 3"}, check_results=[check])


BY_MODE = dg.AssetOut(is_required=False, io_manager_key="by_mode")


@dg.multi_asset(
    outs={"left": BY_MODE, "right": BY_MODE},
    deps=[second],
    partitions_def=cutoff_modes,
    backfill_policy=ONE_RUN,
    can_subset=True,
)
def third(context: dg.AssetExecutionContext) -> Iterator[dg.Output]:
    behave(context, "third")
    for name in sorted(context.selected_output_names):
        yield dg.Output({mode: len(mode) for mode in context.partition_keys}, name)


class ByMode(dg.ConfigurableIOManager):
    def handle_output(self, context: dg.OutputContext, obj: dict[str, int]) -> None:
        (folder() / "writing.json").touch()
        time.sleep(float(asked("writing") or 0))
        for mode in sorted(context.asset_partition_keys):
            rows = {"dagster/row_count": obj[mode]}
            context.step_context.add_asset_metadata(rows, context.asset_key, mode)

    def load_input(self, context: dg.InputContext) -> None:
        raise NotImplementedError


@dg.asset(backfill_policy=ONE_RUN, deps=[dg.AssetDep("left", partition_mapping=dg.AllPartitionMapping())])
def last(context: dg.AssetExecutionContext) -> None:
    behave(context, "last")


@dg.asset(backfill_policy=ONE_RUN, op_tags=HEAVY)
@alone
def heavy_a(context: dg.AssetExecutionContext) -> None:
    behave(context, "heavy_a")


@dg.asset(backfill_policy=ONE_RUN, op_tags=HEAVY)
@alone
def heavy_b(context: dg.AssetExecutionContext) -> None:
    behave(context, "heavy_b")


@dg.asset(backfill_policy=ONE_RUN)
def ranks(context: dg.AssetExecutionContext, torchrun: Torchrun) -> dg.MaterializeResult:
    """Two ranks that compute for hours inside one C call."""
    behave(context, "ranks")
    started = folder() / "ranks"
    started.mkdir()
    extras = {"started": str(started), "actions": ["compute", "compute"]}
    torchrun.run(context, "compsim_assets_tests.launch.programs.idle", extras, folder() / "scratch")
    return dg.MaterializeResult()


# The same, but that its steps inherit little: a run under a code server starts in a third of the time.
light = dg.ExecutorDefinition(
    "multiprocess",
    config_schema=dg.multiprocess_executor.config_schema,
    requirements=dg.multiple_process_executor_requirements(),
    executor_creation_fn=_create,
).configured({"start_method": {"forkserver": {"preload_modules": ["compsim_assets_tests.running.light"]}}})

defs = dg.Definitions(
    assets=[first, second, third, last, heavy_a, heavy_b, ranks],
    jobs=[dg.define_asset_job("rebuild")],
    executor=light if os.environ.get("TOY_LIGHT") else executor,
    resources={"by_mode": ByMode(), "torchrun": Torchrun(nproc="2")},
)


def everything() -> dg.JobDefinition:
    return defs.resolve_job_def("rebuild")


if __name__ == "__main__":
    from compsim_assets.running.steps import start_server

    start_server(silent=True)
    from compsim_assets.running.make import make
    from compsim_assets_tests.running import toy

    keys = [dg.AssetKey(name) for name in sys.argv[1:] or USUAL]
    with dg.DagsterInstance.get() as instance:
        modes, verbose = cutoff_modes.get_partition_keys(), bool(os.environ.get("TOY_VERBOSE"))
        outcome = make(instance, toy.everything, keys, modes, print, verbose=verbose)
    print("made:", *sorted(outcome.progress.made))
    sys.exit(128 + outcome.signal if outcome.signal else int(not outcome.success))
