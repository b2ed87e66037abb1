"""Torchrun program: the trees of the years cut at their cutoffs, and the strong features of the clusters, of one or
several cutoff modes at once.

Every rank cuts, which takes milliseconds. Ranks share the clusters of all modes out by cost.

Extras: modes (by cutoff mode either cutoffs, a Parquet with year, distance, or clusters, a Parquet of clusters that
were cut before), output (folder: what is made of a mode goes into a folder of the mode's name). To cut: dendrograms
(Parquet of `dendrograms`), reports (Parquet with report_id, year). To search strong features: strong_features, see
`workers.cluster_features`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from compsim_assets.contracts import TABLES
from compsim_assets.launch.worker import Worker, run
from compsim_assets.science.linkage.cut import cluster_columns
from compsim_assets.science.linkage.trees import cut_years, read_trees
from compsim_assets.storage.results import read_table
from compsim_assets.workers.cluster_features import study
from compsim_assets.workers.without_pandas import refuse_pandas

Columns = dict[str, np.ndarray]


def main(worker: Worker) -> None:
    """Let rank 0 write the clusters of the modes that are cut, and the tables of strong features where asked for."""
    extras, modes, folder = worker.extras, worker.extras["modes"], Path(worker.extras["output"])
    stored = {mode: given["clusters"] for mode, given in modes.items() if "clusters" in given}
    clusters = _cut(extras) | {mode: _read(path, *TABLES["clusters"].names) for mode, path in stored.items()}
    made = [(mode, "clusters", clusters[mode]) for mode, given in modes.items() if "cutoffs" in given]
    result: dict[str, Any] = {"processes": worker.world_size, "device": str(worker.device)}
    if "strong_features" in extras:
        studied = study(worker, extras["strong_features"], {mode: clusters[mode] for mode in modes})
        made += studied
        result["clusters_studied"] = {mode: len(table["year"]) for mode, name, table in studied if "summary" in name}
    if worker.rank == 0:
        for mode, name, columns in made:
            (folder / mode).mkdir(exist_ok=True)
            pq.write_table(TABLES[name].typed(columns), folder / mode / f"{name}.parquet")
        worker.result(result)


def _cut(extras: dict[str, Any]) -> dict[str, Columns]:
    """Clusters of the modes that have cutoffs."""
    paths = {mode: given["cutoffs"] for mode, given in extras["modes"].items() if "cutoffs" in given}
    if not paths:
        return {}
    reports = _read(extras["reports"], "report_id", "year")
    order = np.argsort(reports["report_id"])
    ids, year = reports["report_id"][order], reports["year"][order]
    trees = read_trees(_read(extras["dendrograms"], *TABLES["dendrograms"].names), year, ids)
    cutoffs = {mode: _read(path, "year", "distance") for mode, path in paths.items()}
    return {
        mode: cluster_columns(cut_years(trees, ids, table["year"], table["distance"]))
        for mode, table in cutoffs.items()
    }


def _read(path: str, *names: str) -> Columns:
    table = read_table(Path(path), list(names))
    return {name: table[name].to_numpy() for name in names}


if __name__ == "__main__":
    refuse_pandas()
    run(main, memory_hint="smaller max_candidates or max_pairs of cluster_features")
