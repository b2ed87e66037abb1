"""The files of one table of a universe, wherever they are, Parquet or CSV: fetched when they are read."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.csv_files import SUFFIXES, CsvTable
from compsim_assets.universe.intake.columns import ALIASES, Names
from compsim_assets.universe.intake.values import one_a_row
from compsim_assets.universe.layout import ID, RETURNS, UniverseError
from compsim_assets.universe.parquet_files import index_range, open_parquet

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq


# Columns of lists.
_LISTS = frozenset({RETURNS, "features", "input_ids"})


@dataclass(frozen=True)
class TableFiles:
    """Files in order, each fetched on demand.

    names: what each file is called in messages.
    fetch: position -> local path; a download where the file is not there yet.
    release: called with a position once the file's content is stored elsewhere.
    spelling: how the columns may be named.
    version: names the content, so that an import can go on after a kill.
    """

    names: tuple[str, ...]
    fetch: Callable[[int], Path]
    release: Callable[[int], None]
    version: str
    spelling: Names = field(default_factory=Names)

    def __len__(self) -> int:
        return len(self.names)

    @contextmanager
    def open(self, number: int) -> "Iterator[TableFile]":
        """One file, for as long as the block lasts.

        Raises:
            UniverseError: no Parquet file, a cut or damaged one; see `CsvTable`.
        """
        import pyarrow as pa

        path, name = self.fetch(number), self.names[number]
        if path.name.endswith(SUFFIXES):
            table = CsvTable(path, name)
            names = self.spelling.of(table.columns, name)
            if ID in ALIASES.get(self.spelling.table, {}) and ID not in names and not table.columns[0]:
                # What pandas calls __index_level_0__ in Parquet has no name in CSV.
                names |= {} if table.numbered() else {ID: ""}
            yield TableFile(name, table.columns, names, csv=table, spelling=self.spelling)
            return
        with open_parquet(path, name) as file:
            index = index_range(file)
            columns = [*file.schema_arrow.names, *index]
            try:
                names = self.spelling.of(columns, name)
                yield TableFile(name, columns, names, parquet=file, spelling=self.spelling, index=index)
            except (pa.ArrowException, OSError) as problem:
                reason = " ".join(str(problem).split())
                raise UniverseError(f"{name}: damaged ({reason}): get it again") from None

    def present(self, number: int) -> list[str]:
        """Columns of a file, under the contract's names where it has them.

        A column that has a contract's name while another one is mapped to it is not that column.
        """
        with self.open(number) as file:
            return file.present()

    def n_rows(self, number: int) -> int:
        """Rows of a file."""
        with self.open(number) as file:
            return file.n_rows()

    def read(self, number: int, names: Iterable[str]) -> "pd.DataFrame":
        """Columns of one file, under the contract's names; also those that pandas wrote as its index."""
        with self.open(number) as file:
            return file.table(names).to_pandas(ignore_metadata=True)

    def place(self, row: int) -> str:
        """File, and row in it, of a position in all files' rows, for error messages: the line of a CSV file, else the
        number that pandas gives the row of this file.
        """
        for number, name in enumerate(self.names):
            n_rows = self.n_rows(number)
            if row < n_rows:
                with self.open(number) as file:
                    return f"{name}: {file.place(row)}"
            row -= n_rows
        raise IndexError(row)


@dataclass(frozen=True)
class TableFile:
    """One open file.

    columns: its own names. names: the contract's name -> its own.
    index: a column of evenly spaced ids that pandas wrote as start and step alone, by its name; empty without one.
    """

    name: str
    columns: list[str]
    names: Mapping[str, str]
    parquet: "pq.ParquetFile | None" = None
    csv: CsvTable | None = None
    spelling: Names = field(default_factory=Names)
    index: Mapping[str, range] = field(default_factory=dict)

    def present(self) -> list[str]:
        """Its columns, under the contract's names where it has them."""
        ours = {theirs: name for name, theirs in self.names.items()}
        return [ours.get(column, column) for column in self.columns if column in ours or column not in self.names]

    def column(self, name: str) -> str:
        """The file's own name of a column."""
        return self.names.get(name, name)

    def require(self, names: Iterable[str]) -> None:
        """Check that the file has these columns.

        Raises:
            UniverseError: names the file, what is missing and what is there.
        """
        present = self.present()
        missing = [self.spelling.given.get(name, name) for name in names if name not in present]
        if missing:
            there = ", ".join(sorted(self.columns))
            raise UniverseError(f"{self.name}: no column {', '.join(missing)}; found {there}")

    def type_of(self, name: str) -> "pa.DataType":
        """The type of a column; all of a CSV file's are text."""
        import pyarrow as pa

        if self.column(name) in self.index:
            return pa.int64()
        return self.parquet.schema_arrow.field(self.column(name)).type if self.parquet else pa.string()

    def n_rows(self) -> int:
        """Its rows; a CSV file is read for it."""
        return int(self.parquet.metadata.num_rows) if self.parquet else self._csv().n_rows()

    def table(self, names: Iterable[str]) -> "pa.Table":
        """Columns, under the contract's names."""
        import pyarrow as pa

        names = list(names)
        theirs = [self.column(name) for name in names]
        different = [name for name in dict.fromkeys(theirs) if name not in self.index]
        if self.parquet:
            table = self._indexed(self.parquet.read(columns=different), theirs, 0)
        else:
            schema = pa.schema([(name, pa.string()) for name in different])
            table = pa.Table.from_batches(self._csv().batches(different), schema)
        return one_a_row(table.select(theirs).rename_columns(names), _LISTS, self.name)

    def batches(self, names: Iterable[str], rows: int = 1 << 20) -> "Iterator[pa.RecordBatch]":
        """The same, some rows at a time."""
        names = list(names)
        theirs = [self.column(name) for name in names]
        stored, read = [name for name in theirs if name not in self.index], 0
        file = self.parquet
        batches: Any = file.iter_batches(rows, columns=stored) if file else self._csv().batches(stored)
        for batch in batches:
            rows_read = self._indexed(batch, theirs, read).select(theirs).rename_columns(names)
            yield one_a_row(rows_read, _LISTS, self.name)
            read += batch.num_rows

    def _indexed(self, rows: Any, columns: Iterable[str], first: int) -> Any:
        """A table or batch from row `first` on, with the column that stands in the metadata alone."""
        import numpy as np
        import pyarrow as pa

        for name in self.index.keys() & set(columns):
            numbers = self.index[name]
            ids = numbers.start + numbers.step * np.arange(first, first + rows.num_rows)
            rows = rows.append_column(name, pa.array(ids))
        return rows

    def values_per_row(self, name: str) -> int:
        """Values that a column's lists hold in a row, by what the file says of its row groups; 1 for a CSV file."""
        longest = 1
        if self.parquet is None:
            return longest
        metadata, column = self.parquet.metadata, self.column(name)
        for group in map(metadata.row_group, range(metadata.num_row_groups)):
            for chunk in map(group.column, range(group.num_columns)):
                if f"{chunk.path_in_schema}.".startswith(f"{column}.") and group.num_rows:
                    longest = max(longest, chunk.num_values // group.num_rows)
        return longest

    def place(self, row: int) -> str:
        """A row, as messages name it."""
        return f"row {row}" if self.parquet else f"line {self._csv().line(row)}"

    def _csv(self) -> CsvTable:
        if self.csv is None:
            raise TypeError("neither Parquet nor CSV")
        return self.csv


def one_file(path: Path, spelling: Names | None = None) -> TableFiles:
    """A table of one file."""
    return _table_of([path], spelling or Names())


def local_files(folder: Path, name: str, spelling: Names | None = None) -> TableFiles | None:
    """`<name>.parquet`, else `<name>.csv` or `<name>.csv.gz`, else such files in a folder `<name>`, else in a folder
    `<name>.parquet` as Spark and others write it, in the order of their names; None where there are none.

    Raises:
        UniverseError: a link to a file that is not there.
    """
    suffixes = (".parquet", *SUFFIXES)
    for path in (folder / f"{name}{suffix}" for suffix in suffixes):
        if path.is_symlink() and not path.exists():
            raise UniverseError(f"{path}: a link to {path.readlink()}, which is not there")
    singles = [path for suffix in suffixes if (path := folder / f"{name}{suffix}").is_file()]
    inside = (
        sorted(path for path in (folder / place).glob("[!._]*") if path.name.endswith(suffixes) and path.is_file())
        for place in (name, f"{name}.parquet")
    )
    paths = singles[:1] or next(filter(None, inside), [])
    return _table_of(paths, spelling or Names(name)) if paths else None


def _table_of(paths: list[Path], spelling: Names) -> TableFiles:
    from hashlib import blake2b

    stats = [(str(path), path.stat()) for path in paths]
    seen = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]
    return TableFiles(
        names=tuple(str(path) for path in paths),
        fetch=paths.__getitem__,
        release=lambda number: None,
        version=blake2b(repr(seen).encode(), digest_size=16).hexdigest(),
        spelling=spelling,
    )
