"""Runs of the platform on small universes, for tests: own settings, own instance, nothing outside a folder."""

import fcntl
import os
import pickle
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

import compsim_assets.plots.style
import compsim_assets.sample
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.read import read_asset
from compsim_assets.sample import SampleSize, generate, is_current
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import ResultsFolder, managers
from compsim_assets.storage.results import Results
from compsim_assets_tests.worker_programs import InThisProcess

# Eight years: enough for three rolling ones. Years of about 33 reports: all pairs can be listed.
TINY = SampleSize(
    companies=40, years=8, first_year=2012, latents=160, lines=6, latents_per_line=10,
    scored_per_line=3, scored_latents=40, examples=20, cointegrated_pairs=2,
)  # fmt: skip
REPOSITORY = Path(__file__).parents[1]
MODES = ["base", "rolling"]
# The tags of a run over both.
BOTH_MODES = dict(zip(("dagster/asset_partition_range_start", "dagster/asset_partition_range_end"), MODES, strict=True))
# Groupings that MeanCorr is compared over, beside clusters of the cutoff modes.
OTHER_METHODS = (
    "baseline_clusters", "vintage_features", "walk_forward_scores", "walk_forward_cutoffs", "walk_forward_clusters",
    "embeddings", "embedding_clusters", "control_features", "control_scores", "control_clusters", "control_reasons",
)  # fmt: skip
# The sample has nothing published: no pairs, clusters, strong features, cointegrated pairs; no text encoder, no judge.
EMPTY_ON_SAMPLE = {
    "published_pairs", "published_replay", "published_strong_features", "published_cointegrated_pairs",
    "embedding_clusters", "judged_latents", "sae_training",
}  # fmt: skip
# Draws of the bootstrap, of permutations and of placebos, by op: tests need intervals, not narrow ones.
FEW_DRAWS: dict[str, dict[str, Any]] = {
    "control_reasons": {"halves": 3},
    "robustness": {"resamples": 200, "permutations": 100},
    "pairs_trading": {"placebo_pool": 150, "placebo_draws": 30, "bootstrap_draws": 60},
}
CHECKED = dg.DagsterEventType.ASSET_CHECK_EVALUATION
MONDAY = datetime(2024, 3, 4, 6, tzinfo=UTC)


def platform(settings: Settings, torchrun: Torchrun | None = None) -> dg.Definitions:
    """The platform as definitions.py puts it together, with other settings."""
    from compsim_assets.definitions import defs

    ours = {"settings": settings, "torchrun": torchrun or InThisProcess(), "folder": ResultsFolder(settings=settings)}
    return dg.Definitions(
        assets=defs.assets, jobs=defs.jobs, resources={**(defs.resources or {}), **managers(settings), **ours}
    )


def execute(
    defs: dg.Definitions,
    assets: Iterable[str | dg.AssetKey] | None = None,
    mode: str | None = "base",
    instance: dg.DagsterInstance | None = None,
    config: Mapping[str, Mapping[str, Any]] | None = None,
    **options: Any,
) -> dg.ExecuteInProcessResult:
    """Materialize assets (all without a choice) with their checks, in this process, for one cutoff mode or for both
    (None); `config` by op.
    """
    job = defs.resolve_job_def("rebuild")
    if assets is None:
        keys = list(job.asset_layer.executable_asset_keys)
    else:
        keys = [dg.AssetKey.from_coercible(asset) for asset in assets]
    ops = {job.asset_layer.get(key).assets_def.op.name for key in keys}
    few = {op: draws for op, draws in FEW_DRAWS.items() if op in ops}
    run_config = {
        "ops": {op: {"config": dict(values)} for op, values in {**few, **(config or {})}.items()},
        "loggers": {"console": {"config": {"log_level": "INFO"}}},
    }
    which = {"partition_key": mode} if mode else {"tags": BOTH_MODES}
    return job.execute_in_process(run_config, asset_selection=keys, instance=instance, **which, **options)


@contextmanager
def tiny_sample() -> Iterator[None]:
    """The embedded sample is a tiny one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compsim_assets.sample, "generate", partial(generate, size=TINY))
        patch.setattr(compsim_assets.sample, "is_current", partial(is_current, size=TINY))
        yield


@lru_cache
def weekly_requests() -> list[dg.RunRequest]:
    """The runs that the weekly schedule asks for on a Monday."""
    from compsim_assets.automation import weekly_rebuild
    from compsim_assets.definitions import defs

    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=MONDAY, repository_def=defs.get_repository_def()
        )
        return list(weekly_rebuild.evaluate_tick(context).run_requests or [])


def everything(figures: bool = True) -> list[str]:
    """All assets of the rebuild, with or without the figures."""
    from compsim_assets.definitions import defs

    graph = defs.resolve_asset_graph()
    keys = sorted(graph.get_all_asset_keys())
    return [key.to_user_string() for key in keys if figures or graph.get(key).group_name != "figures"]


def materialized(figures: bool = True) -> list[tuple[str, str | None]]:
    """Assets and cutoff modes (None for a table of all modes) that a rebuild makes."""
    from compsim_assets.definitions import defs

    graph = defs.resolve_asset_graph()
    pairs = [(name, graph.get(dg.AssetKey(name)).partitions_def) for name in everything(figures)]
    return [(name, mode) for name, by_mode in pairs for mode in (MODES if by_mode else [None])]


@dataclass(frozen=True)
class Run:
    """A data folder, what is in it, and the history of the runs that filled it."""

    folder: Path
    source: str = "sample"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def settings(self) -> Settings:
        return Settings(source=self.source, data=str(self.data))

    @property
    def results(self) -> Results:
        return Results.of(self.settings)

    @property
    def universe(self) -> Path:
        return self.results.array_folder("universe")

    def open_history(self) -> dg.DagsterInstance:
        return dg.DagsterInstance.ephemeral()

    @property
    def history(self) -> dg.DagsterInstance:
        return _opened(self)

    def run(
        self, assets: Iterable[str] | None = None, mode: str | None = "base", torchrun: Torchrun | None = None
    ) -> None:
        """Materialize assets with their checks, for one cutoff mode or both (None)."""
        assert execute(platform(self.settings, torchrun), assets, mode, self.history).success

    def rebuild(self, figures: bool = True) -> None:
        """The schedule's run, without the figures' previews."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compsim_assets.plots.style, "preview_png", lambda png: b"no preview")
            self.run(everything(figures), None)

    def read(self, asset: str, mode: str | None = None) -> pd.DataFrame:
        """What a reader gets whose environment is that of the run."""
        given = {name: str(value) for name, value in dict(self.settings).items() if value not in (None, "")}
        with pytest.MonkeyPatch.context() as patch:
            for name, value in given.items():
                patch.setenv(f"COMPSIM_{name.upper()}", value)
            return read_asset(asset, mode)

    def metadata(self, asset: str, mode: str | None = None) -> dict[str, Any]:
        """Metadata of the last materialization, unpacked."""
        wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[mode] if mode else None)
        (record,) = self.history.fetch_materializations(wanted, limit=1).records
        assert record.asset_materialization is not None
        return {k: v.value for k, v in record.asset_materialization.metadata.items()}

    def copy(self, folder: Path) -> "Run":
        """The same data in another folder, to be changed; without the history."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self.data, folder / "data", symlinks=True)
        return Run(folder, self.source)


@lru_cache
def _opened(run: Run) -> dg.DagsterInstance:
    return run.open_history()


class Local(Run):
    """Results of a local universe, which is the folder `universe` beside them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "local")

    @property
    def settings(self) -> Settings:
        universe = str(self.folder / "universe")
        return Settings(source="local", universe=universe, data=str(self.data))


class Rebuilt(Run):
    """A tiny sample rebuilt as the weekly schedule does it; what the runs said is kept for other test processes."""

    @cached_property
    def _said(self) -> dict[str, dict]:
        return pickle.loads((self.folder / "said.pickle").read_bytes())

    def metadata(self, asset: str, mode: str | None = None) -> dict[str, Any]:
        return self._said["metadata"][asset, mode]

    @property
    def checks(self) -> dict[tuple[str, str], list[bool]]:
        """Whether each check (asset, name) passed, each time it ran."""
        return self._said["checks"]

    def rebuild_sample(self, torchrun: Torchrun) -> None:
        """The schedule's run with all figures and previews; `torchrun` launches the workers."""
        with tiny_sample():
            self.run(everything(), None, torchrun)
        self.remember()

    def remember(self) -> None:
        """Write what the runs said."""
        (self.folder / "said.pickle").write_bytes(pickle.dumps(_what_was_said(self.history)))


def _what_was_said(history: dg.DagsterInstance) -> dict[str, dict]:
    """Metadata by asset and mode, and outcomes by asset and check."""
    said: dict[str, dict] = {"metadata": {}, "checks": {}}
    for run in history.get_runs():
        for entry in history.all_logs(run.run_id):
            event = entry.dagster_event
            if event is not None and event.is_step_materialization:
                made = event.step_materialization_data.materialization
                values = {name: value.value for name, value in made.metadata.items()}
                said["metadata"][made.asset_key.to_user_string(), made.partition] = values
            if event is not None and event.event_type == CHECKED:
                check = event.asset_check_evaluation_data
                key = (check.asset_key.to_user_string(), check.check_name)
                said["checks"].setdefault(key, []).append(check.passed)
    return said


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Any]) -> Path:
    """A folder that the first process to ask for it fills and that all processes of pytest-xdist share."""
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / name
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / ".made").touch()
    return folder
