"""Torchrun program: cut the single linkage of each year at its cutoff.

Ranks share the years out by cost. All of them work off the tiles of a year whose distances do not fit, one such year
after the other, and rank 0 merges their trees.

Extras: reports (Parquet with report_id, year: the reports to cluster), cutoffs (Parquet with year, distance), output
(Parquet to write, in a folder of its own: the scores lie beside it meanwhile, as a matrix that ranks map), and what
reports are compared by: scores (Parquet with report_id, year, scores), or pairs (Parquet of `storage.pairs`).
Optional, with scores: dense_bytes (years that need more go in tiles), block (rows of a tile).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from compsim_assets.launch.worker import Worker, run
from compsim_assets.science.device import share_out
from compsim_assets.science.linkage.blocked import merge_shares, spanning_tree_of_share
from compsim_assets.science.linkage.cut import cluster_frame, cut
from compsim_assets.science.linkage.dendrogram import Dendrogram
from compsim_assets.science.linkage.pairs import pair_graph
from compsim_assets.science.linkage.years import DENSE_BYTES, YearLinkage
from compsim_assets.storage.matrices import matrix_of
from compsim_assets.storage.pairs import PairTable

_BATCH_BYTES = 32 << 20


def main(worker: Worker) -> None:
    """Cluster the years and let rank 0 write all of them, ordered by year, cluster and report."""
    cutoffs = pd.read_parquet(worker.extras["cutoffs"])
    reports = pd.read_parquet(worker.extras["reports"], columns=["report_id", "year"])
    ids = [np.sort(reports.loc[reports["year"] == year, "report_id"].to_numpy()) for year in cutoffs["year"]]
    link = _link_pairs if "pairs" in worker.extras else _link_scores
    years, distances = cutoffs["year"].tolist(), cutoffs["distance"].tolist()
    clusters = [(years[i], cut(tree, distances[i]), ids[i]) for i, tree in link(worker, years, ids)]
    gathered = worker.gather(clusters)
    if gathered is not None:
        cluster_frame(year for part in gathered for year in part).to_parquet(worker.extras["output"])
        worker.result({"processes": worker.world_size, "device": str(worker.device)})


def _years_of_rank(worker: Worker, costs: list[int]) -> Iterator[int]:
    """Numbers of the years that this rank links, with their progress."""
    mine = share_out(costs, worker.world_size)[worker.rank]
    for done, index in enumerate(mine, start=1):
        yield index
        worker.progress(done, len(mine), "clustered years of rank 0")


def _link_pairs(worker: Worker, years: list[int], ids: list[np.ndarray]) -> Iterator[tuple[int, Dendrogram]]:
    """Trees of this rank's years from their pairs; points are the reports, ids ascending."""
    pairs = PairTable(Path(worker.extras["pairs"]))
    for index in _years_of_rank(worker, [len(members) ** 2 for members in ids]):
        graph = pair_graph(pairs.of_year(years[index]), without_returns=True)
        if not np.array_equal(graph.report_id, ids[index]):
            raise ValueError(
                f"{worker.extras['pairs']}: the pairs of {years[index]} are of other reports than "
                f"{worker.extras['reports']}: materialize clustered_reports again"
            )
        yield index, graph.forest()


def _link_scores(worker: Worker, years: list[int], ids: list[np.ndarray]) -> Iterator[tuple[int, Dendrogram]]:
    """Trees of this rank's years from their PCA scores; those that need all ranks are rank 0's."""
    row_of = pq.read_table(worker.extras["scores"], columns=["report_id"]).to_pandas()
    row_of = pd.Series(row_of.index, index=row_of["report_id"])
    rows = [row_of.loc[members].to_numpy() for members in ids]
    scores = _mapped_scores(worker)
    linkage = YearLinkage(str(worker.device), worker.extras.get("dense_bytes", DENSE_BYTES))
    alone = [index for index, members in enumerate(rows) if linkage.is_listed(len(members))]
    for index in sorted({*range(len(rows))} - {*alone}):
        tree = _tree_by_all(worker, scores[rows[index]])
        if tree is not None:
            yield index, tree
    for number in _years_of_rank(worker, [len(rows[index]) ** 2 for index in alone]):
        yield alone[number], linkage.tree(scores[rows[alone[number]]])


def _tree_by_all(worker: Worker, scores: np.ndarray) -> Dendrogram | None:
    """Single linkage of one year by all ranks, on rank 0; None elsewhere."""
    part = spanning_tree_of_share(
        scores,
        str(worker.device),
        share=worker.rank,
        n_shares=worker.world_size,
        block=worker.extras.get("block"),
        progress=lambda done, total: worker.progress(done, total, f"tiles of a year of {len(scores):,} of rank 0"),
    )
    parts = worker.gather(part)
    return merge_shares(parts)[0] if parts is not None else None


def _mapped_scores(worker: Worker) -> np.ndarray:
    """(n, P) scores of all reports, mapped from a file: a rank's memory holds the rows of one year at a time.

    Parquet cannot be mapped: rank 0 writes the matrix beside the output, once, in batches.
    """
    path = Path(worker.extras["output"]).with_name("scores.npy")
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
    run(main)
