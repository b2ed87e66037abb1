"""CSV files as tables of texts: what a text means is understood later, where errors can name its row."""

import csv
import gzip
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".csv", ".csv.gz")
_BLOCK = 16 << 20


class CsvTable:
    """One CSV file, plain or gzipped, UTF-8, separated by commas, semicolons, tabs or bars; every value is text.

    header: for files that may have more header lines than one: by the first three lines, names of columns and number of
        header lines; None where it is the usual one.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        header: Callable[[Sequence[Sequence[str]]], tuple[list[str], int] | None] | None = None,
    ) -> None:
        self.path, self.name = path, name
        csv.field_size_limit(1 << 30)  # a text of an annual report is longer than what Python's reader allows
        with _text(path) as file:
            try:
                lines = list(islice(file, 1 if header is None else 3)) or [""]
            except (UnicodeDecodeError, OSError, EOFError) as problem:
                raise UniverseError(f"{name}: {problem}, expected a CSV file in UTF-8: save it as UTF-8") from None
        self.delimiter = max(",;\t|", key=lines[0].count)
        rows = list(csv.reader((line.rstrip("\r\n") for line in lines), delimiter=self.delimiter))
        usual = [column.strip() for column in rows[0]] if rows else []
        self.columns, self.header_lines = (header(rows) if header is not None else None) or (usual, 1)
        if not any(self.columns):
            raise UniverseError(f"{name}: an empty first line, expected the names of columns")
        if doubled := sorted({column for column in self.columns if column and self.columns.count(column) > 1}):
            raise UniverseError(f"{name}: two columns are named {doubled[0]!r}, expected a name of its own for each")

    def batches(self, columns: Sequence[str]) -> "Iterator[pa.RecordBatch]":
        """Columns as texts, about 16 MB of the file at once.

        Raises:
            UniverseError: a line with another number of values, text that is not UTF-8.
        """
        import pyarrow as pa
        import pyarrow.csv as pc

        options = {
            "read_options": pc.ReadOptions(block_size=_BLOCK, column_names=self.columns, skip_rows=self.header_lines),
            "parse_options": pc.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
            "convert_options": pc.ConvertOptions(
                column_types=dict.fromkeys(self.columns, pa.string()),
                include_columns=list(columns),
                strings_can_be_null=False,
            ),
        }
        try:
            with pa.input_stream(self.path, compression="detect") as source, pc.open_csv(source, **options) as reader:
                yield from reader
        except (pa.ArrowInvalid, OSError) as problem:
            if "Empty CSV" in str(problem):
                return
            reason = " ".join(str(problem).split())[:200]
            expected = f"expected lines of {len(self.columns)} values in UTF-8"
            if isinstance(problem, OSError):
                expected = "expected a complete file: get it again"
            raise UniverseError(f"{self.name}: {self._ragged()}{reason}, {expected}") from None

    def _ragged(self) -> str:
        """The first line with another number of values, to begin a message with; empty where there is none."""
        try:
            with _text(self.path) as file:
                reader = csv.reader(file, delimiter=self.delimiter)
                for values in islice(reader, self.header_lines, None):
                    if values and len(values) != len(self.columns):
                        return f"line {reader.line_num}: "
        except (csv.Error, UnicodeDecodeError, OSError, EOFError):
            pass  # the reason says it
        return ""

    def numbered(self) -> bool:
        """Whether the first column has no name and holds row numbers, as pandas writes them."""
        with _text(self.path) as file:
            rows = list(islice(csv.reader(file, delimiter=self.delimiter), self.header_lines, self.header_lines + 2))
        return [values[0].strip() for values in rows if values] in (["0", "1"], ["0"])

    def line(self, row: int) -> int:
        """The line of the file on which a row ends, the first line is 1. Texts may hold line breaks."""
        with _text(self.path) as file:
            reader = csv.reader(file, delimiter=self.delimiter)
            rows = -self.header_lines
            for values in reader:
                rows += bool(values)
                if rows == row + 1:
                    break
            return reader.line_num

    def n_rows(self) -> int:
        """Rows, by reading the file."""
        return sum(batch.num_rows for batch in self.batches(self.columns[:1]))


def _text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
