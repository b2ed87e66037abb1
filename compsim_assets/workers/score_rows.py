"""Rows by report id: the scores of some reports, read in batches from the table of all of them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from compsim_assets.science.linkage.pairs import positions_of
from compsim_assets.storage.matrices import matrix_of
from compsim_assets.storage.reading import reading
from compsim_assets.storage.sealed import verify_parquet

_BATCH_BYTES = 32 << 20


class RowOf:
    """The row of each report, by id; -1 for one that has none."""

    def __init__(self, report_id: np.ndarray) -> None:
        order = np.argsort(report_id)
        self._report_id, self._row = report_id[order], np.append(order, -1)

    def __call__(self, wanted: np.ndarray) -> np.ndarray:
        row: np.ndarray = self._row[positions_of(self._report_id, wanted)]
        return row


def score_batches(path: str, rows: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Report ids (b,) and scores (b, P) of all reports, so many at a time, or 32 MB."""
    with reading(Path(path), "pca_scores"):
        verify_parquet(Path(path), "pca_scores")
    opened = pq.ParquetFile(path, memory_map=True, page_checksum_verification=True)
    with reading(Path(path), "pca_scores"), opened as table:
        kind = table.schema_arrow.field("scores").type
        fitting = max(1, _BATCH_BYTES // (kind.list_size * kind.value_type.bit_width // 8))
        for batch in table.iter_batches(rows or fitting, columns=["report_id", "scores"]):
            yield batch.column("report_id").to_numpy(), matrix_of(batch.column("scores"))


def read_scores(path: str, report_id: np.ndarray) -> np.ndarray:
    """(n, P) scores of these n different reports, in their order. Memory: these, and a batch.

    Raises:
        ValueError: a report without scores.
    """
    row_of, seen = RowOf(report_id), np.zeros(len(report_id), dtype=bool)
    scores = np.empty((0, 0), dtype=np.float32)
    for ids, values in score_batches(path) if len(report_id) else ():
        if not len(scores):
            scores = np.empty((len(report_id), values.shape[1]), dtype=values.dtype)
        row = row_of(ids)
        there = row >= 0
        scores[row[there]] = values if there.all() else values[there]
        seen[row[there]] = True
    if not seen.all():
        raise ValueError(f"report {report_id[~seen][0]} has no scores in {path}: materialize 'clustered_reports' again")
    return scores
