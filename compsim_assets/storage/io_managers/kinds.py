"""An IO manager for each kind of result: how it is published, described and opened."""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg

from compsim_assets.contracts import TABLES, Column, Table, validate
from compsim_assets.settings import Settings
from compsim_assets.storage.controls import ControlFeatures, ControlScores
from compsim_assets.storage.embeddings import EmbeddingFolder
from compsim_assets.storage.io_managers.base import ResultsIOManager
from compsim_assets.storage.lineage import Note, name_of
from compsim_assets.storage.pairs import PairTable, content_of_pairs, write_pairs
from compsim_assets.storage.pca import Pca, write_pca
from compsim_assets.storage.previews import inline_image, markdown_preview
from compsim_assets.storage.results import MANIFESTS, read_table, seal, stamps
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.storage.vintages import VintageFeatures


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


class TableIOManager(ResultsIOManager):
    """Parquet tables: validated against their contract, then published atomically with a content hash."""

    compression: ClassVar[str] = "zstd"

    def publish(self, asset: str, mode: str | None, value: Any, note: Note) -> tuple[Path, str, dict[str, Any]]:
        """Write one table."""
        table = validate(TABLES[asset], value)
        path = self.results.table(asset, mode)
        content = self.results.write_table(path, table, note, self.compression)
        preview = dg.MetadataValue.md(markdown_preview(table))
        return path, content, {"dagster/row_count": table.num_rows, "preview": preview}

    def open(self, asset: str, mode: str | None, wanted: Mapping[str, Any]) -> Any:
        """A pandas frame, or the Arrow table."""
        table = read_table(self.results.table(asset, mode), columns=wanted.get("columns"))
        return table if wanted.get("arrow") else table.to_pandas()


class ScoresIOManager(TableIOManager):
    """Tables of scores: wide, and read only as far as they are needed. Floats that hardly shrink are not compressed."""

    compression: ClassVar[str] = "none"

    def open(self, asset: str, mode: str | None, wanted: Mapping[str, Any]) -> ScoreTable:
        """The table, not read yet."""
        return ScoreTable(self.results.table(asset, mode))


class FigureIOManager(ResultsIOManager):
    """Matplotlib figures as PNG files, shown inline in the UI."""

    def publish(self, asset: str, mode: str | None, value: Any, note: Note) -> tuple[Path, str, dict[str, Any]]:
        """Write one figure, with a preview small enough for any event store."""
        from compsim_assets.plots.style import preview_png, to_png

        path, image = self.results.figure(asset, mode), to_png(value)
        content = blake2b(image, digest_size=16).hexdigest()
        with self.results.noted(name_of(asset, mode), content, note), self.results.new_file(path) as aside:
            aside.write_bytes(image)
        preview = dg.MetadataValue.md(inline_image(preview_png(image), asset))
        return path, content, {"preview": preview, "bytes": len(image)}

    def open(self, asset: str, mode: str | None, wanted: Mapping[str, Any]) -> bytes:
        """The PNG file's bytes."""
        return self.results.figure(asset, mode).read_bytes()


# What opens a folder, by asset; of another asset it is where it lies.
_FOLDERS: Mapping[str, Callable[[Path], Any]] = {
    "sae_features": FeatureShards,
    "embeddings": EmbeddingFolder,
    "control_features": ControlFeatures,
    "control_scores": ControlScores,
    "vintage_features": VintageFeatures,
}


class FolderIOManager(ResultsIOManager):
    """Large arrays in a folder of their own: the value is a scratch folder that holds them, with their manifest."""

    def publish(self, asset: str, mode: str | None, value: Any, note: Note) -> tuple[Path, str, dict[str, Any]]:
        """Let the folder take the place of the last version."""
        path, content = self.results.array_folder(asset), seal(value, MANIFESTS[asset])
        with self.results.noted(asset, content, note), self.results.new_folder(path) as aside:
            aside.rmdir()
            value.rename(aside)
        return path, content, {}

    def open(self, asset: str, mode: str | None, wanted: Mapping[str, Any]) -> Any:
        """The folder, mapped or not read yet; of what is no array, where it lies."""
        folder = self.results.array_folder(asset)
        return _FOLDERS.get(asset, Path)(folder)


class PcaIOManager(ResultsIOManager):
    """The fitted PCA: `pca/pca.safetensors` and its description `pca/pca.json`."""

    def publish(self, asset: str, mode: str | None, value: Any, note: Note) -> tuple[Path, str, dict[str, Any]]:
        """Write the model, and show the first components."""
        from tabulate import tabulate

        path = self.results.array_folder(asset)
        with self.results.new_folder(path) as aside:
            description = write_pca(aside, value)
            self.results.write_note(asset, seal(aside, MANIFESTS[asset]), note)
        self.results.forget_notes(asset, description["content"])
        n_components, share = description["n_components"], value.explained_variance_ratio
        rows = [
            [i + 1, value.explained_variance[i], share[i], share[: i + 1].sum()] for i in range(min(10, len(share)))
        ]
        headers = ["component", "explained variance", "share", "cumulative share"]
        metadata = {
            **{key: what for key, what in description.items() if key != "content"},
            "dagster/row_count": n_components,
            "shape": f"{n_components} components x {description['n_latents']} latents",
            "preview": dg.MetadataValue.md(tabulate(rows, headers, "pipe", floatfmt=".4g")),
        }
        return path, description["content"], metadata

    def open(self, asset: str, mode: str | None, wanted: Mapping[str, Any]) -> Pca:
        """The model, its arrays not read yet."""
        return Pca.of(self.results)


class PairsIOManager(ResultsIOManager):
    """A universe's pairs: the value is its columns, arrays ordered by year."""

    def publish(self, asset: str, mode: str | None, value: Any, note: Note) -> tuple[Path, str, dict[str, Any]]:
        """Write the pairs, each year in row groups of its own."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path, content = self.results.table(asset), content_of_pairs(value)
        with self.results.noted(asset, content, note), self.results.new_file(path) as aside:
            columns = dict(value)
            write_pairs(aside, columns.pop("year"), columns, stamps(content))
        with pq.ParquetFile(path) as file:
            first = next(file.iter_batches(20), None)
            head = pa.Table.from_batches([] if first is None else [first], file.schema_arrow)
            metadata = {"dagster/row_count": file.metadata.num_rows}
        return path, content, {**metadata, "preview": dg.MetadataValue.md(markdown_preview(head))}

    def open(self, asset: str, mode: str | None, wanted: Mapping[str, Any]) -> PairTable:
        """The table, read a year at a time."""
        return PairTable(self.results.table(asset))


def managers(settings: Settings) -> dict[str, dg.ConfigurableIOManager]:
    """Every IO manager by the key that assets name."""
    return {
        "io_manager": TableIOManager(settings=settings),
        "scores_io_manager": ScoresIOManager(settings=settings),
        "figure_io_manager": FigureIOManager(settings=settings),
        "folder_io_manager": FolderIOManager(settings=settings),
        "pca_io_manager": PcaIOManager(settings=settings),
        "pairs_io_manager": PairsIOManager(settings=settings),
    }
