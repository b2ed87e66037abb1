"""A universe's own feature files, streamed: flat or nested lists, unusable rows dropped and counted."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.resources.layout import ID, UniverseError

if TYPE_CHECKING:
    import numpy as np


class FeatureImport:
    """Streams a universe's feature files; `dropped` counts what was left out, by reason, once streamed."""

    def __init__(self, paths: list[Path], known_ids: "np.ndarray", batch_rows: int = 256) -> None:
        self.paths, self.batch_rows = paths, batch_rows
        self.known = set(known_ids.tolist())
        self.dropped: Counter[str] = Counter()
        self.n_latents = self._usual_length()

    def __iter__(self) -> Iterator[tuple["np.ndarray", "np.ndarray"]]:
        """(report ids, (b, D) float32 features) of usable rows.

        Raises:
            UniverseError: an id that occurs twice.
        """
        import numpy as np

        seen: set[int] = set()
        for path, ids, lists in self._batches():
            kept_ids, kept = [], []
            for report, values in zip(ids, lists, strict=True):
                reason = self._reason_to_drop(report, values)
                if reason:
                    self.dropped[reason] += 1
                elif report in seen:
                    raise UniverseError(
                        f"{path}: {ID} {report} occurs twice, expected one row of features a report"
                    )
                else:
                    seen.add(report)
                    kept_ids.append(report)
                    kept.append(values)
            if kept:
                yield np.array(kept_ids, dtype=np.int64), np.stack(kept)
        if missing := len(self.known - seen):
            self.dropped["report without features"] = missing

    def _reason_to_drop(self, report: int, values: "np.ndarray") -> str | None:
        import numpy as np

        if report not in self.known:
            return "features without a report"
        if len(values) != self.n_latents:
            return f"length is not {self.n_latents}"
        return None if np.isfinite(values).all() else "not finite"

    def _batches(self) -> Iterator[tuple[Path, list[int], list["np.ndarray"]]]:
        import pyarrow.parquet as pq

        for path in self.paths:
            file = pq.ParquetFile(path)
            if missing := {ID, "features"} - set(file.schema_arrow.names):
                raise UniverseError(
                    f"{path}: missing columns {sorted(missing)}, expected {ID} and features"
                )
            for batch in file.iter_batches(self.batch_rows, columns=[ID, "features"]):
                yield (
                    path,
                    batch.column(ID).to_pylist(),
                    [_flat(item) for item in batch.column("features")],
                )

    def _usual_length(self) -> int:
        for _, _, lists in self._batches():
            if lengths := Counter(len(values) for values in lists if len(values)):
                return lengths.most_common(1)[0][0]
        raise UniverseError(f"{self.paths[0]}: no row has features, expected lists of floats")


def _flat(item: Any) -> "np.ndarray":
    """Features of one report as float32, whether the list is flat or one level nested; empty for a null."""
    import numpy as np

    values = item.values
    if values is None:
        return np.empty(0, dtype=np.float32)
    while hasattr(values, "flatten") and values.type.num_fields:
        values = values.flatten()
    return values.to_numpy(zero_copy_only=False).astype(np.float32)
