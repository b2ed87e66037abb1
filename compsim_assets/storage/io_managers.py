"""IO managers: validated tables, figures and the PCA model, published atomically, described in the UI."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from compsim_assets.contracts import TABLES, Column, Table, validate
from compsim_assets.settings import Settings
from compsim_assets.storage.previews import inline_image, markdown_preview
from compsim_assets.storage.results import Results, read_table

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


def table_schema(table: Table) -> dg.TableSchema:
    """A contract as Dagster shows it."""
    columns = [
        dg.TableColumn(
            column.name,
            column.type,
            column.description,
            dg.TableColumnConstraints(
                nullable=column.nullable, unique=table.key == (column.name,), other=_limits(column)
            ),
        )
        for column in table.columns
    ]
    return dg.TableSchema(columns, dg.TableConstraints(other=[f"one row per ({', '.join(table.key)})"]))


def _limits(column: Column) -> list[str]:
    low = [] if column.at_least is None else [f">= {column.at_least:g}"]
    return low + ([] if column.at_most is None else [f"<= {column.at_most:g}"])


def _mode_of(context: dg.OutputContext | dg.InputContext) -> str | None:
    return context.asset_partition_key if context.has_asset_partitions else None


class _ResultsIOManager(dg.ConfigurableIOManager):
    """Common ground: where results are, and what every materialization says about itself."""

    settings: dg.ResourceDependency[Settings]

    @property
    def results(self) -> Results:
        """The results folder of the configured source."""
        return Results.of(self.settings)

    def describe(self, context: dg.OutputContext, path: Path, metadata: dict[str, Any]) -> None:
        """Add path, origin and the asset's own metadata to the materialization."""
        context.add_output_metadata({**metadata, **origin(self.settings, path)})


class TableIOManager(_ResultsIOManager):
    """Parquet tables: validated against their contract, then published atomically with a content hash."""

    def handle_output(self, context: dg.OutputContext, obj: "pd.DataFrame") -> None:
        """Write one table.

        Raises:
            ContractError: the table breaks its contract; the previous version stays.
        """
        name = context.asset_key.path[-1]
        table = validate(TABLES[name], obj)
        path = self.results.table(name, _mode_of(context))
        content = self.results.write_table(path, table)
        if context.step_context is not None:
            given = context.output_metadata.get(REVISION, "")
            # Dagster wraps what an asset adds while it runs.
            revision = str(getattr(given, "value", given))
            version = data_version(content, revision)
            context.step_context.set_data_version(context.asset_key, version)
        shown = {
            "dagster/column_schema": table_schema(TABLES[name]),
            "preview": dg.MetadataValue.md(markdown_preview(table)),
        }
        self.describe(context, path, {"dagster/row_count": table.num_rows, **shown})

    def load_input(self, context: dg.InputContext) -> Any:
        """A table as a pandas frame, or for a partitioned asset read by an unpartitioned one a dict mode -> frame.

        Modes that do not exist yet, or that were made from other descriptions, features, pairs or returns than the
        present ones, are left out of the dict and named in the log. Input metadata {"columns": [...]} reads only these;
        {"arrow": True} gives the Arrow table.

        Raises:
            StaleResult: a single table was made from other features, pairs or returns than the present ones.
        """
        name = context.asset_key.path[-1]
        wanted = context.definition_metadata or {}
        if not context.has_asset_partitions:
            return self._read(self.results.fresh_table(name), wanted)
        if context.has_partition_key and len(context.asset_partition_keys) == 1:
            return self._read(self.results.fresh_table(name, context.asset_partition_key), wanted)
        by_mode = {}
        for mode in sorted(context.asset_partition_keys):
            path = self.results.table(name, mode)
            if not path.exists():
                context.log.warning(f"{name}/{mode} is not materialized yet: left out")
            elif why := self.results.why_unusable(path):
                context.log.warning(f"{name}/{mode} was {why}: left out, materialize it again")
            else:
                by_mode[mode] = self._read(path, wanted)
        return by_mode

    def _read(self, path: Path, wanted: Any) -> Any:
        table = read_table(path, columns=wanted.get("columns"))
        return table if wanted.get("arrow") else table.to_pandas()


class FigureIOManager(_ResultsIOManager):
    """Matplotlib figures as PNG files, shown inline in the UI."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write one figure and add a preview small enough for any event store."""
        from compsim_assets.plots.style import preview_png, to_png

        name = context.asset_key.path[-1]
        path = self.results.figure(name, _mode_of(context))
        image = to_png(obj)
        with self.results.new_file(path) as aside:
            aside.write_bytes(image)
        metadata = {"preview": dg.MetadataValue.md(inline_image(preview_png(obj), name)), "bytes": len(image)}
        self.describe(context, path, metadata)

    def load_input(self, context: dg.InputContext) -> bytes:
        """The PNG file's bytes."""
        return self.results.figure(context.asset_key.path[-1], _mode_of(context)).read_bytes()


class PcaIOManager(_ResultsIOManager):
    """The fitted PCA: `pca/pca.safetensors` and its description `pca/pca.json`."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write the model, and show the first components."""
        from tabulate import tabulate

        from compsim_assets.storage.pca import write_pca

        description = write_pca(self.results, obj)
        shown = {key: value for key, value in description.items() if key != "universe"}
        n_components, share = description["n_components"], obj.explained_variance_ratio
        rows = [[i + 1, obj.explained_variance[i], share[i], share[: i + 1].sum()] for i in range(min(10, len(share)))]
        headers = ["component", "explained variance", "share", "cumulative share"]
        metadata = {
            **shown,
            "dagster/row_count": n_components,
            "shape": f"{n_components} components x {description['n_latents']} latents",
            "preview": dg.MetadataValue.md(tabulate(rows, headers, "pipe", floatfmt=".4g")),
        }
        self.describe(context, self.results.array_folder("pca"), metadata)

    def load_input(self, context: dg.InputContext) -> Any:
        """Not read whole: name the arrays with `load_pca`."""
        raise NotImplementedError("read arrays of the PCA with compsim_assets.storage.pca.load_pca")
