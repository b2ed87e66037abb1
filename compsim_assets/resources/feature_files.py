"""A universe's own feature files, streamed: flat or nested lists, unusable rows dropped and counted."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from compsim_assets.resources.layout import ID, UniverseError
from compsim_assets.resources.table_files import TableFiles, open_parquet

if TYPE_CHECKING:
    import numpy as np

_USABLE = ""


class FeatureImport:
    """Rows of a universe's feature files that can be used, file by file.

    Args:
        files: where the features are.
        known_ids: the universe's reports.
        without_sic_code: those of them whose features are left out for want of a SIC code.
        batch_rows: rows read at once; memory is about 20 bytes a row and latent.
    """

    def __init__(
        self,
        files: TableFiles,
        known_ids: "np.ndarray",
        without_sic_code: "np.ndarray",
        batch_rows: int = 256,
    ) -> None:
        self.files, self.batch_rows = files, batch_rows
        self.known = set(known_ids.tolist())
        self.without_sic_code = set(without_sic_code.tolist())

    @property
    def eligible(self) -> set[int]:
        """Reports that should have features."""
        return self.known - self.without_sic_code

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

    def blocks(
        self, number: int, n_latents: int, dropped: Counter[str]
    ) -> Iterator[tuple["np.ndarray", "np.ndarray"]]:
        """(report ids, (b, D) float32 features) of the usable rows of one file; others are counted in `dropped`."""
        import numpy as np

        for ids, lists in self._batches(number):
            kept_ids, kept = [], []
            for report, values in zip(ids, lists, strict=True):
                reason = self._reason_to_drop(report, values, n_latents)
                if reason == _USABLE:
                    kept_ids.append(report)
                    kept.append(values)
                else:
                    dropped[reason] += 1
            if kept:
                yield np.array(kept_ids, dtype=np.int64), np.stack(kept)

    def _reason_to_drop(self, report: int, values: "np.ndarray", n_latents: int) -> str:
        import numpy as np

        if report not in self.known:
            return "features without a report"
        if report in self.without_sic_code:
            return "report without a SIC code"
        if len(values) != n_latents:
            return f"length is not {n_latents}"
        return _USABLE if np.isfinite(values).all() else "not finite"

    def _batches(self, number: int) -> Iterator[tuple[list[int], list["np.ndarray"]]]:
        self.files.require(number, [ID, "features"])
        ids, features = (self.files.column(name) for name in (ID, "features"))
        with open_parquet(self.files, number) as file:
            for batch in file.iter_batches(self.batch_rows, columns=[ids, features]):
                yield (
                    batch.column(ids).to_pylist(),
                    [_flat(item) for item in batch.column(features)],
                )


def _flat(item: Any) -> "np.ndarray":
    """Features of one report as float32, whether the list is flat or one level nested; empty for a null."""
    import numpy as np

    values = item.values
    if values is None:
        return np.empty(0, dtype=np.float32)
    while hasattr(values, "flatten") and values.type.num_fields:
        values = values.flatten()
    return values.to_numpy(zero_copy_only=False).astype(np.float32)
