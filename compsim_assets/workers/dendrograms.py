"""Torchrun program: single linkage of every year, and the scale of all their distances.

Ranks share the years out by cost. All of them work off the tiles of a year whose distances do not fit, one such year
after the other, and rank 0 merges their trees. Both tables have the same bytes for any number of processes.

Extras: reports (Parquet with report_id, year: the reports to link), output (folder of its own to write
dendrograms.parquet and distance_scale.parquet into: the scores lie beside them meanwhile, as a matrix that ranks map),
and what reports are compared by: scores (Parquet with report_id, year, scores), or pairs (Parquet of `storage.pairs`).
Optional, with scores: dense_bytes (years that need more go in tiles), block (rows of a tile).
"""

from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from compsim_assets.contracts import TABLES
from compsim_assets.launch.worker import Worker, run
from compsim_assets.science.device import share_out
from compsim_assets.science.linkage.blocked import merge_shares, spanning_tree_of_share
from compsim_assets.science.linkage.dendrogram import Dendrogram
from compsim_assets.science.linkage.pairs import pair_graph, positions_of
from compsim_assets.science.linkage.scale import Moments, fit_scale
from compsim_assets.science.linkage.trees import merges_of, rows_by_year
from compsim_assets.science.linkage.years import DENSE_BYTES, YearLinkage
from compsim_assets.storage.matrices import matrix_of
from compsim_assets.storage.pairs import PairTable
from compsim_assets.workers.without_pandas import refuse_pandas

_BATCH_BYTES = 32 << 20

# One year: its number among the years, its tree, and the moments of its distances.
Linked = tuple[int, Dendrogram, Moments]


def main(worker: Worker) -> None:
    """Link the years and let rank 0 write all merges, ordered by year and height, and the scale."""
    reports = pq.read_table(worker.extras["reports"], columns=["report_id", "year"])
    years, rows = rows_by_year(reports["year"].to_numpy())
    ids = [np.sort(reports["report_id"].to_numpy()[members]) for members in rows]
    link = _link_pairs if "pairs" in worker.extras else _link_scores
    gathered = worker.gather(list(link(worker, years.tolist(), ids)))
    if gathered is not None:
        linked = sorted((year for part in gathered for year in part), key=itemgetter(0))
        _write(Path(worker.extras["output"]), years, ids, linked)
        worker.result({"processes": worker.world_size, "device": str(worker.device)})


def _write(folder: Path, years: np.ndarray, ids: list[np.ndarray], linked: list[Linked]) -> None:
    table = TABLES["dendrograms"]
    merges = [merges_of(tree, ids[number]) for number, tree, _ in linked]
    columns: dict[str, np.ndarray] = {"year": np.repeat(years, [len(rows["step"]) for rows in merges])}
    for name in table.names[1:]:
        columns[name] = np.concatenate([np.empty(0, dtype=np.int64), *(rows[name] for rows in merges)])
    pq.write_table(table.typed(columns), folder / "dendrograms.parquet")
    scale = {name: [value] for name, value in vars(fit_scale(moments for *_, moments in linked)).items()}
    pq.write_table(TABLES["distance_scale"].typed(scale), folder / "distance_scale.parquet")


def _years_of_rank(worker: Worker, costs: list[int]) -> Iterator[int]:
    """Numbers of the years that this rank links, with their progress."""
    mine = share_out(costs, worker.world_size)[worker.rank]
    for done, index in enumerate(mine, start=1):
        yield index
        worker.progress(done, len(mine), "linked years of rank 0")


def _link_pairs(worker: Worker, years: list[int], ids: list[np.ndarray]) -> Iterator[Linked]:
    """This rank's years from their pairs; points are the reports, ids ascending."""
    pairs = PairTable(Path(worker.extras["pairs"]))
    for index in _years_of_rank(worker, [len(members) ** 2 for members in ids]):
        graph = pair_graph(pairs.of_year(years[index]), without_returns=True)
        if not np.array_equal(graph.report_id, ids[index]):
            raise ValueError(
                f"{worker.extras['pairs']}: the pairs of {years[index]} are of other reports than "
                f"{worker.extras['reports']}: materialize clustered_reports again"
            )
        yield index, graph.forest(), graph.moments()


def _link_scores(worker: Worker, years: list[int], ids: list[np.ndarray]) -> Iterator[Linked]:
    """This rank's years from their PCA scores; those that need all ranks are rank 0's."""
    scored = pq.read_table(worker.extras["scores"], columns=["report_id"])["report_id"].to_numpy()
    order = np.argsort(scored)
    rows = [order[positions_of(scored[order], members)] for members in ids]
    scores = _mapped_scores(worker)
    linkage = YearLinkage(str(worker.device), worker.extras.get("dense_bytes", DENSE_BYTES))
    alone = [index for index, members in enumerate(rows) if linkage.is_listed(len(members))]
    for index in sorted({*range(len(rows))} - {*alone}):
        yield from _linked_by_all(worker, index, scores[rows[index]])
    for number in _years_of_rank(worker, [len(rows[index]) ** 2 for index in alone]):
        yield alone[number], *linkage.tree_and_moments(scores[rows[alone[number]]])


def _linked_by_all(worker: Worker, index: int, scores: np.ndarray) -> Iterator[Linked]:
    """One year by all ranks, on rank 0; nothing elsewhere."""
    part = spanning_tree_of_share(
        scores,
        str(worker.device),
        share=worker.rank,
        n_shares=worker.world_size,
        block=worker.extras.get("block"),
        progress=lambda done, total: worker.progress(done, total, f"tiles of a year of {len(scores):,} of rank 0"),
    )
    parts = worker.gather(part)
    if parts is not None:
        yield index, *merge_shares(parts)


def _mapped_scores(worker: Worker) -> np.ndarray:
    """(n, P) scores of all reports, mapped from a file: a rank's memory holds the rows of one year at a time.

    Parquet cannot be mapped: rank 0 writes the matrix beside the output, once, in batches.
    """
    path = Path(worker.extras["output"]) / "scores.npy"
    if worker.rank == 0:
        _write_matrix(Path(worker.extras["scores"]), path)
    worker.barrier()
    mapped: np.ndarray = np.load(path, mmap_mode="r")
    return mapped


def _write_matrix(source: Path, target: Path) -> None:
    with pq.ParquetFile(source, memory_map=True) as table:
        column = table.schema_arrow.field("scores").type
        width, dtype = column.list_size, np.dtype(column.value_type.to_pandas_dtype())
        with target.open("wb") as file:
            header = {
                "descr": np.lib.format.dtype_to_descr(dtype),
                "fortran_order": False,
                "shape": (table.metadata.num_rows, width),
            }
            np.lib.format.write_array_header_1_0(file, header)
            size = max(1, _BATCH_BYTES // (dtype.itemsize * width))
            for batch in table.iter_batches(batch_size=size, columns=["scores"]):
                matrix_of(batch.column("scores")).tofile(file)


if __name__ == "__main__":
    refuse_pandas()
    run(main)
