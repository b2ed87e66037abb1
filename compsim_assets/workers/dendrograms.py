"""Torchrun program: single linkage of every year, and the scale of all their distances.

Ranks share the years out by cost. All of them work off the tiles of a year whose distances do not fit, one such year
after the other, and rank 0 merges their trees. Both tables have the same bytes for any number of processes.

Extras: reports (Parquet with report_id, year: the reports to link), output (folder of its own to write
dendrograms.parquet and distance_scale.parquet into), and what reports are compared by: scores (Parquet with report_id,
year, scores; a rank holds those of its years), or pairs (Parquet of `storage.pairs`). Optional, with scores:
dense_bytes (years that need more go in tiles), block (rows of a tile).
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
from compsim_assets.science.linkage.pairs import pair_graph
from compsim_assets.science.linkage.scale import Moments, fit_scale
from compsim_assets.science.linkage.trees import merges_of, rows_by_year
from compsim_assets.science.linkage.years import DENSE_BYTES, YearLinkage
from compsim_assets.storage.pairs import PairTable
from compsim_assets.storage.results import read_table
from compsim_assets.workers.score_rows import read_scores
from compsim_assets.workers.without_pandas import refuse_pandas

# One year: its number among the years, its tree, and the moments of its distances.
Linked = tuple[int, Dendrogram, Moments]


def main(worker: Worker) -> None:
    """Link the years and let rank 0 write all merges, ordered by year and height, and the scale."""
    reports = read_table(Path(worker.extras["reports"]), ["report_id", "year"])
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


def _share(worker: Worker, ids: list[np.ndarray], years: list[int]) -> list[int]:
    """Those of these years, by number, that this rank links."""
    shares = share_out([len(ids[number]) ** 2 for number in years], worker.world_size)
    return [years[position] for position in shares[worker.rank]]


def _with_progress(worker: Worker, mine: list[int]) -> Iterator[int]:
    for done, number in enumerate(mine, start=1):
        yield number
        worker.progress(done, len(mine), "linked years of rank 0")


def _link_pairs(worker: Worker, years: list[int], ids: list[np.ndarray]) -> Iterator[Linked]:
    """This rank's years from their pairs; points are the reports, ids ascending."""
    pairs = PairTable(Path(worker.extras["pairs"]))
    for number in _with_progress(worker, _share(worker, ids, list(range(len(ids))))):
        graph = pair_graph(pairs.of_year(years[number]), without_returns=True)
        if not np.array_equal(graph.report_id, ids[number]):
            raise ValueError(
                f"{worker.extras['pairs']}: the pairs of {years[number]} are of other reports than "
                f"{worker.extras['reports']}: materialize clustered_reports again"
            )
        yield number, graph.forest(), graph.moments()


def _link_scores(worker: Worker, years: list[int], ids: list[np.ndarray]) -> Iterator[Linked]:
    """This rank's years from their PCA scores; those that need all ranks are rank 0's."""
    linkage = YearLinkage(str(worker.device), worker.extras.get("dense_bytes", DENSE_BYTES))
    listed = [number for number, members in enumerate(ids) if linkage.is_listed(len(members))]
    by_all, mine = sorted({*range(len(ids))} - {*listed}), _share(worker, ids, listed)
    members = [ids[number] for number in by_all + mine]
    scores = read_scores(worker.extras["scores"], np.concatenate([np.empty(0, dtype=np.int64), *members]))
    of_years = iter(np.split(scores, np.cumsum([len(some) for some in members])))
    for number in by_all:
        yield from _linked_by_all(worker, number, next(of_years))
    for number in _with_progress(worker, mine):
        yield number, *linkage.tree_and_moments(next(of_years))


def _linked_by_all(worker: Worker, number: int, scores: np.ndarray) -> Iterator[Linked]:
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
        yield number, *merge_shares(parts)


if __name__ == "__main__":
    refuse_pandas()
    run(main)
