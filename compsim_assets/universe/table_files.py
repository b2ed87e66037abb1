"""The Parquet files of one table of a universe, wherever they are: fetched when they are read."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.parquet as pq


@dataclass(frozen=True)
class TableFiles:
    """Files in order, each fetched on demand.

    names: what each file is called in messages.
    fetch: position -> local path; a download where the file is not there yet.
    release: called with a position once the file's content is kept elsewhere.
    columns: the contract's column name -> the files' own, where they differ.
    version: names the content, so that an import can go on after a kill.
    """

    names: tuple[str, ...]
    fetch: Callable[[int], Path]
    release: Callable[[int], None]
    version: str
    columns: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def column(self, name: str) -> str:
        """The files' own name of a column."""
        return self.columns.get(name, name)

    def present(self, number: int) -> list[str]:
        """Columns of a file, under the contract's names where those are mapped.

        A column that has a contract's name while another one is mapped to it is not that column.
        """
        ours = {theirs: name for name, theirs in self.columns.items()}
        names = open_parquet(self, number).schema_arrow.names
        return [ours.get(name, name) for name in names if self.column(ours.get(name, name)) == name]

    def n_rows(self, number: int) -> int:
        """Rows of a file."""
        return int(open_parquet(self, number).metadata.num_rows)

    def require(self, number: int, names: Iterable[str]) -> None:
        """Check that a file has these columns.

        Raises:
            UniverseError: names the file, what is missing and what is there.
        """
        present = self.present(number)
        missing = [self.column(name) for name in names if name not in present]
        if missing:
            there = ", ".join(sorted(open_parquet(self, number).schema_arrow.names))
            raise UniverseError(f"{self.names[number]}: no column {', '.join(missing)}; found {there}")

    def read(self, number: int, names: Iterable[str]) -> "pd.DataFrame":
        """Columns of one file, under the contract's names; also those that pandas wrote as its index."""
        theirs = {self.column(name): name for name in names}
        with reading(self, number) as file:
            table = file.read(columns=list(theirs))
        return table.rename_columns([theirs[n] for n in table.column_names]).to_pandas(ignore_metadata=True)


def open_parquet(files: TableFiles, number: int) -> "pq.ParquetFile":
    """One file, opened.

    Raises:
        UniverseError: it is not a Parquet file, or a cut one.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = files.fetch(number)
    try:
        return pq.ParquetFile(path, memory_map=True)
    except pa.ArrowInvalid as problem:
        raise UniverseError(f"{files.names[number]}: not a complete Parquet file ({problem}): get it again") from None


@contextmanager
def reading(files: TableFiles, number: int) -> "Iterator[pq.ParquetFile]":
    """One file, opened for as long as the block lasts.

    Raises:
        UniverseError: as `open_parquet`, and content that cannot be decoded.
    """
    import pyarrow as pa

    with open_parquet(files, number) as file:
        try:
            yield file
        except (pa.ArrowException, OSError) as problem:
            reason = " ".join(str(problem).split())
            raise UniverseError(f"{files.names[number]}: damaged ({reason}): get it again") from None


def local_files(folder: Path, name: str) -> TableFiles | None:
    """`<name>.parquet`, else `<name>/*.parquet`; None where there is neither."""
    from hashlib import blake2b

    single = folder / f"{name}.parquet"
    paths = [single] if single.exists() else sorted((folder / name).glob("*.parquet"))
    if not paths:
        return None
    stats = [(str(path), path.stat()) for path in paths]
    seen = [(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats]
    return TableFiles(
        names=tuple(str(path) for path in paths),
        fetch=paths.__getitem__,
        release=lambda number: None,
        version=blake2b(repr(seen).encode(), digest_size=16).hexdigest(),
    )
