"""A universe's own feature files, streamed: flat or nested lists, unusable rows dropped and counted."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.intake.lists import numbers_of
from compsim_assets.universe.intake.values import is_text, whole_numbers
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets.universe.table_files import TableFile, TableFiles

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

_USABLE = ""


class FeatureImport:
    """Rows of a universe's feature files that can be used, file by file.

    Args:
        files: where the features are.
        known_ids: the universe's reports.
        without_sic_code: those of them whose features are left out for want of a SIC code.
        without_text: those whose description says nothing, though others' do: such features are of no company.
        batch_bytes: features read at once, in bytes of their decoded lists; reading takes about three times as much.
    """

    def __init__(
        self,
        files: TableFiles,
        known_ids: "np.ndarray",
        without_sic_code: "np.ndarray",
        without_text: "np.ndarray | None" = None,
        batch_bytes: int = 64 << 20,
    ) -> None:
        self.files, self.batch_bytes = files, batch_bytes
        self.report_ids = set(known_ids.tolist())
        self.without_sic_code = set(without_sic_code.tolist())
        self.without_text = set() if without_text is None else set(without_text.tolist())

    @property
    def eligible(self) -> set[int]:
        """Reports that should have features."""
        return self.report_ids - self.without_sic_code - self.without_text

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

    def ids(self, number: int) -> list[int]:
        """The report ids of one file, those of no report, too; None for a null."""
        with self.files.open(number) as file:
            file.require([ID, "features"])
            _check_types(file)
            return _ids(file.table([ID]).column(0), file, 0)

    def first_rows(self, number: int, n_latents: int) -> Counter[str]:
        """Why the universe's reports at the beginning of one file cannot be used, counted; "" where they can."""
        for ids, lists in self._batches(number):
            rows = zip(ids, lists, strict=True)
            return Counter(self._reason_to_drop(i, v, n_latents) for i, v in rows if i in self.report_ids)
        return Counter()

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
        if report in self.without_text:
            return "report without a text"
        if len(values) != n_latents:
            return f"length is not {n_latents}"
        if not np.isfinite(values).all():
            return "not finite"
        # PCA would put it where everything without content is: all such reports would be one cluster.
        return _USABLE if values.any() else "no active latent"

    def _batches(self, number: int) -> Iterator[tuple[list[int], list["np.ndarray"]]]:
        names = [ID, "features"]
        with self.files.open(number) as file:
            file.require(names)
            _check_types(file)
            rows, read = max(1, self.batch_bytes // (8 * file.values_per_row("features"))), 0
            for batch in file.batches(names, rows):
                ids = _ids(batch.column(0), file, read)
                yield ids, [_flat(item, file, read + n) for n, item in enumerate(batch.column(1))]
                read += batch.num_rows


def _ids(column: Any, file: TableFile, before: int) -> list[int]:
    import pyarrow.types as kinds

    if kinds.is_integer(column.type) or kinds.is_floating(column.type) or kinds.is_null(column.type):
        return column.to_pylist()
    return whole_numbers(column, ID, partial(_place, file, before), "a report id").tolist()


def _place(file: TableFile, before: int, row: int) -> str:
    return f"{file.name}: {file.place(before + row)}"


def _check_types(file: TableFile) -> None:
    import pyarrow.types as kinds

    for column, nested, expected in ((ID, False, "whole numbers"), ("features", True, "lists of floats")):
        kind = leaf = file.type_of(column)
        while _is_list(leaf):
            leaf = leaf.value_type
        numeric = kinds.is_integer(leaf) or kinds.is_floating(leaf) or (kinds.is_decimal(leaf) and not nested)
        fits = numeric and (leaf is not kind) == nested
        # A column without any value has no type, and one of texts may hold lists or ids.
        if not fits and not kinds.is_null(leaf) and not is_text(kind) and (nested or not kinds.is_dictionary(kind)):
            raise UniverseError(f"{file.name}: column {file.column(column)} has {kind}, expected {expected}")


def _is_list(kind: "pa.DataType") -> bool:
    import pyarrow.types as kinds

    return any((kinds.is_list(kind), kinds.is_large_list(kind), kinds.is_fixed_size_list(kind)))


def _flat(item: Any, file: TableFile, row: int) -> "np.ndarray":
    """Features of one report as float32, whether the list is flat, one level nested or text; empty for a null."""
    import numpy as np

    if not item.is_valid:
        return np.empty(0, dtype=np.float32)
    if is_text(item.type):
        text = item.as_py()
        numbers = numbers_of(text) if text.strip() else []
        if numbers is None:
            place = f"{file.name}: {file.place(row)}"
            raise UniverseError(f"{place}: features {text[:40]!r}, expected a list of numbers like [0.0, 1.5]")
        return np.array(numbers, dtype=np.float32)
    values = item.values
    while _is_list(values.type):
        values = values.flatten()
    return values.to_numpy(zero_copy_only=False).astype(np.float32)
