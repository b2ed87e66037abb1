"""A universe's own feature files, streamed: flat or nested lists, unusable rows dropped and counted."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets.universe.table_files import TableFiles, reading

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

_USABLE = ""


class FeatureImport:
    """Rows of a universe's feature files that can be used, file by file.

    Args:
        files: where the features are.
        known_ids: the universe's reports.
        without_sic_code: those of them whose features are left out for want of a SIC code.
        batch_bytes: features read at once, in bytes of their decoded lists; reading takes about three times as much.
    """

    def __init__(
        self, files: TableFiles, known_ids: "np.ndarray", without_sic_code: "np.ndarray", batch_bytes: int = 64 << 20
    ) -> None:
        self.files, self.batch_bytes = files, batch_bytes
        self.report_ids = set(known_ids.tolist())
        self.without_sic_code = set(without_sic_code.tolist())

    @property
    def eligible(self) -> set[int]:
        """Reports that should have features."""
        return self.report_ids - self.without_sic_code

    def usual_length(self) -> int:
        """How many latents a report has: the most frequent length among the first rows.

        Raises:
            UniverseError: no row of any file has features.
        """
        for number in range(len(self.files)):
            for _, lists in self._batches(number):
                if lengths := Counter(len(values) for values in lists if len(values)):
                    return lengths.most_common(1)[0][0]
        raise UniverseError(f"{self.files.names[0]}: no row has features, expected lists of floats")

    def blocks(self, number: int, n_latents: int, dropped: Counter[str]) -> Iterator[tuple["np.ndarray", "np.ndarray"]]:
        """(report ids, (b, D) float32 features) of the usable rows of one file; others are counted in `dropped`."""
        import numpy as np

        for ids, lists in self._batches(number):
            usable, features = [], []
            for report, values in zip(ids, lists, strict=True):
                reason = self._reason_to_drop(report, values, n_latents)
                if reason == _USABLE:
                    usable.append(report)
                    features.append(values)
                else:
                    dropped[reason] += 1
            if usable:
                yield np.array(usable, dtype=np.int64), np.stack(features)

    def _reason_to_drop(self, report: int, values: "np.ndarray", n_latents: int) -> str:
        import numpy as np

        if report not in self.report_ids:
            return "features without a report"
        if report in self.without_sic_code:
            return "report without a SIC code"
        if len(values) != n_latents:
            return f"length is not {n_latents}"
        return _USABLE if np.isfinite(values).all() else "not finite"

    def _batches(self, number: int) -> Iterator[tuple[list[int], list["np.ndarray"]]]:
        self.files.require(number, [ID, "features"])
        ids, features = (self.files.column(name) for name in (ID, "features"))
        with reading(self.files, number) as file:
            self._check_types(number, file.schema_arrow, ids, features)
            for batch in file.iter_batches(_rows_of(self.batch_bytes, file, features), columns=[ids, features]):
                yield (batch.column(ids).to_pylist(), [_flat(item) for item in batch.column(features)])

    def _check_types(self, number: int, schema: "pa.Schema", ids: str, features: str) -> None:
        import pyarrow.types as kinds

        for column, nested, expected in ((ids, False, "whole numbers"), (features, True, "lists of floats")):
            kind = leaf = schema.field(column).type
            while _is_list(leaf):
                leaf = leaf.value_type
            fits = (kinds.is_integer(leaf) or kinds.is_floating(leaf)) and (leaf is not kind) == nested
            # A column without any value has no type.
            if not fits and not kinds.is_null(leaf):
                raise UniverseError(f"{self.files.names[number]}: column {column} has {kind}, expected {expected}")


def _is_list(kind: "pa.DataType") -> bool:
    import pyarrow.types as kinds

    return any((kinds.is_list(kind), kinds.is_large_list(kind), kinds.is_fixed_size_list(kind)))


def _rows_of(n_bytes: int, file: "pq.ParquetFile", column: str) -> int:
    """Rows whose features decode to so many bytes, by the number of values that the file says each row group has."""
    longest = 1
    for group in map(file.metadata.row_group, range(file.metadata.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            if f"{chunk.path_in_schema}.".startswith(f"{column}.") and group.num_rows:
                longest = max(longest, chunk.num_values // group.num_rows)
    return max(1, n_bytes // (8 * longest))


def _flat(item: Any) -> "np.ndarray":
    """Features of one report as float32, whether the list is flat or one level nested; empty for a null."""
    import numpy as np

    if not item.is_valid:
        return np.empty(0, dtype=np.float32)
    values = item.values
    while _is_list(values.type):
        values = values.flatten()
    return values.to_numpy(zero_copy_only=False).astype(np.float32)
