"""Torchrun program: cut the single linkage of each year at its cutoff; ranks share the years out by cost.

Extras: scores (Parquet with report_id, year, scores), cutoffs (Parquet with year, distance), output (Parquet to write).
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from compsim_assets.columnar import matrix_of
from compsim_assets.science.distance import condensed_distances, unit_rows
from compsim_assets.science.linkage import cut, single_linkage
from compsim_assets.science.sharing import share_out
from compsim_assets.workers.distributed import Worker, run


def main(worker: Worker) -> None:
    """Cluster this rank's years and let rank 0 write all of them, ordered by year, cluster and report."""
    cutoffs = pd.read_parquet(worker.extras["cutoffs"])
    ids = pq.read_table(worker.extras["scores"], columns=["report_id", "year"]).to_pandas()
    rows = {year: ids.index[ids["year"] == year].to_numpy() for year in cutoffs["year"]}
    mine = share_out([len(rows[year]) ** 2 for year in cutoffs["year"]], worker.world_size)[
        worker.rank
    ]
    scores = _scores(Path(worker.extras["scores"]))
    found = []
    for done, (year, distance) in enumerate(
        cutoffs.iloc[mine][["year", "distance"]].itertuples(index=False)
    ):
        members = rows[year][np.argsort(ids["report_id"].to_numpy()[rows[year]], kind="stable")]
        tree = single_linkage(
            condensed_distances(unit_rows(scores[members]), str(worker.device)), len(members)
        )
        report_id = ids["report_id"].to_numpy()[members]
        found.append(
            pd.DataFrame({"year": year, "cluster_id": cut(tree, distance), "report_id": report_id})
        )
        worker.progress(done + 1, len(mine), "clustered years of rank 0")
    gathered = worker.gather(found)
    if gathered is not None:
        _write(Path(worker.extras["output"]), [table for part in gathered for table in part])
        worker.result({"processes": worker.world_size, "device": str(worker.device)})


def _scores(path: Path) -> np.ndarray:
    return matrix_of(pq.read_table(path, columns=["scores"], memory_map=True)["scores"])


def _write(path: Path, tables: list[pd.DataFrame]) -> None:
    nothing = pd.DataFrame(
        {name: pd.Series(dtype="int64") for name in ("year", "cluster_id", "report_id")}
    )
    table = pd.concat(tables, ignore_index=True) if tables else nothing
    table.sort_values(["year", "cluster_id", "report_id"], ignore_index=True).to_parquet(path)


if __name__ == "__main__":
    run(main)
