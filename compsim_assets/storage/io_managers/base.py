"""IO managers: what a step makes is validated, published atomically, noted with what it was made from and described in
the UI; what a step reads comes as a handle or a frame, and only if it fits what is there now.

A partitioned asset is a value per cutoff mode, always as a dict: what a run makes, and what it reads.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.settings import Settings
from compsim_assets.storage.lineage import Note, name_of
from compsim_assets.storage.results import MANIFESTS, Results, read_table

if TYPE_CHECKING:
    import pandas as pd


# Output metadata that says which version of a data set a table was made from; it becomes part of the data version.
REVISION = "revision"


def data_version(content: str, revision: str = "") -> dg.DataVersion:
    """A table's version: its content, and before it the revision that it comes from."""
    return dg.DataVersion(f"{revision}.{content}" if revision else content)


def origin(settings: Settings, path: Path) -> dict[str, Any]:
    """Metadata that every result has: where it lies, and what data it is made of."""
    return {"path": dg.MetadataValue.path(str(path)), "data": settings.data_name}


MATTERS = "compsim/settings"  # output metadata: names of the settings that take part


@lru_cache(maxsize=256)
def step_reads(run_id: str, step_key: str) -> dict[str, str]:
    """What a step has read so far, by name: the content of results, and what the universe's files held by `@asset`."""
    return {}


class ByMode(dict[str, Any]):
    """A table per cutoff mode, in the order of the modes; `left_out` says of the others why."""

    def __init__(self, tables: Mapping[str, Any], left_out: Mapping[str, str]) -> None:
        super().__init__(tables)
        self.left_out = dict(left_out)


class Lazy:
    """An input that is looked for when it is read, so that nothing is missed that is not needed."""

    def __init__(self, read: Callable[[], Any]) -> None:
        self.read = read


class ResultsFolder(dg.ConfigurableResource):
    """The results folder, for scratch files and for what a step makes itself when it is asked to."""

    settings: dg.ResourceDependency[Settings]

    @property
    def results(self) -> Results:
        """The folder of the configured source."""
        return Results.of(self.settings)

    def fresh(self, asset: str, mode: str | None = None) -> Path:
        """Path of a table, or folder of a large array, that was made from what is there now.

        Raises:
            StaleResult: it was made from something else.
        """
        self.results.require(name_of(asset, mode), self.settings.taking_part())
        return self.results.array_folder(asset) if asset in MANIFESTS else self.results.table(asset, mode)

    def read(self, asset: str, mode: str | None = None) -> "pd.DataFrame":
        """Such a table as a frame."""
        return read_table(self.fresh(asset, mode)).to_pandas()


class ResultsIOManager(dg.ConfigurableIOManager):
    """Common ground: modes, notes, versions, and what every materialization says about itself."""

    settings: dg.ResourceDependency[Settings]

    @property
    def results(self) -> Results:
        """The results folder of the configured source."""
        return Results.of(self.settings)

    @abstractmethod
    def publish(self, asset: str, mode: str | None, value: Any, note: Note) -> tuple[Path, str, dict[str, Any]]:
        """Publish one value; returns where it lies, its content and what is to be said about it."""

    @abstractmethod
    def open(self, asset: str, mode: str | None, wanted: Mapping[str, Any]) -> Any:
        """The handle or frame that a step gets."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Publish what a step made: one value, or one per cutoff mode of the run.

        Raises:
            ContractError: a table breaks its contract; the previous version stays.
        """
        asset, step = context.asset_key.path[-1], context.step_context
        modes = context.asset_partition_keys if context.has_asset_partitions else ()
        here: list[str | None] = [mode for mode in CUTOFF_MODES if mode in modes]
        for mode in here or [None]:
            note = self._note(context, asset, mode)
            path, content, described = self.publish(asset, mode, obj if mode is None else obj[mode], note)
            metadata = {**described, **origin(self.settings, path)}
            if mode is None:
                context.add_output_metadata(metadata)
            else:
                step.add_asset_metadata(metadata, context.asset_key, mode)
        if modes:
            # One version for the run's modes: made of all that exist, it is the same however modes share runs.
            every = "".join(self.results.content(name_of(asset, mode)) for mode in CUTOFF_MODES)
            content = blake2b(every.encode(), digest_size=16).hexdigest()
        given = context.output_metadata.get(REVISION, "")
        # Dagster wraps what an asset adds while it runs.
        step.set_data_version(context.asset_key, data_version(content, str(getattr(given, "value", given))))

    def _note(self, context: dg.OutputContext, asset: str, mode: str | None) -> Note:
        step, key = context.step_context, context.asset_key
        graph, reads = step.job_def.asset_layer.asset_graph, step_reads(step.run_id, step.step.key)
        inputs = {}
        for parent in sorted(graph.get(key).parent_keys):
            for name in self._names(parent.path[-1], graph.get(parent).partitions_def is not None, mode, reads):
                if content := reads.get(name) or self.results.content(name):
                    inputs[name] = content
        matter = (context.definition_metadata or {}).get(MATTERS, ())
        present = self.settings.taking_part()
        return Note(
            inputs=inputs,
            settings={name: present[name] for name in matter},
            config=step.op_config or {},
            code=graph.get(key).code_version or "",
            source=reads.get(f"@{asset}", ""),
        )

    @staticmethod
    def _names(parent: str, partitioned: bool, mode: str | None, reads: Mapping[str, str]) -> list[str]:
        """The results of a parent that took part: that of the same mode, or of the modes that were read."""
        if not partitioned:
            return [parent]
        return [name_of(parent, mode)] if mode else [n for m in CUTOFF_MODES if (n := name_of(parent, m)) in reads]

    def load_input(self, context: dg.InputContext) -> Any:
        """A handle or a frame; of a partitioned asset a dict mode -> frame of the modes that the run reads.

        For an asset that compares modes, those that do not exist or do not fit what is there now are left out and
        named. Input metadata {"columns": [...]} reads only these; {"arrow": True} gives the Arrow table; {"lazy": True}
        a `Lazy`.

        Raises:
            FileNotFoundError: not materialized yet.
            StaleResult: made from something else than what is there now.
        """
        wanted = context.definition_metadata or {}
        if wanted.get("lazy"):
            return Lazy(lambda: self._load(context, wanted))
        return self._load(context, wanted)

    def _load(self, context: dg.InputContext, wanted: Mapping[str, Any]) -> Any:
        asset, step = context.asset_key.path[-1], context.step_context
        reads, present = step_reads(step.run_id, step.step.key), self.settings.taking_part()
        lineage = self.results.lineage(present)

        def load(mode: str | None) -> Any:
            name = name_of(asset, mode)
            self.results.require(name, present, lineage)
            content = self.results.content(name)
            value = self.open(asset, mode, wanted)
            reads[name] = content
            return value

        if not context.has_asset_partitions:
            return load(None)
        modes = [mode for mode in CUTOFF_MODES if mode in context.asset_partition_keys]
        left_out = {}
        if step.assets_def is None or step.assets_def.partitions_def is None:
            for mode in modes:
                name = name_of(asset, mode)
                if not self.results.content(name):
                    there = self.results.table(asset, mode).exists()
                    left_out[mode] = "damaged" if there else "not materialized yet"
                elif why := lineage.why_unusable(name):
                    left_out[mode] = why
                else:
                    continue
                context.log.warning(f"{name} is left out, {left_out[mode]}: materialize it")
        return ByMode({mode: load(mode) for mode in modes if mode not in left_out}, left_out)
