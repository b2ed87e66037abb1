"""Torchrun program: strong features of every cluster; ranks share the clusters out by cost.

Extras: the StrongFeaturesConfig fields, mode, scores, clusters, features (folder), pca (safetensors), scored_latents
(latents with a fuzz score, may be empty), output (folder to write both tables into).
"""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from compsim_assets.contracts import TABLES
from compsim_assets.launch.worker import Worker, run
from compsim_assets.science.device import share_out
from compsim_assets.science.strong_features.candidates import sample_pairs, scored_latents
from compsim_assets.science.strong_features.search import ClusterPairs, StrongFeatures
from compsim_assets.science.strong_features.selection import select_clusters
from compsim_assets.workers.cluster_products import ClusterInputs, study_with_scores, study_without_scores

_NONE = np.empty(0, dtype=np.int64)


def main(worker: Worker) -> None:
    """Study this rank's clusters and let rank 0 write both tables, ordered by year, cluster and latent."""
    extras = worker.extras
    clusters = _clusters_to_study(extras)
    candidates = scored_latents(
        np.array(extras["scored_latents"], dtype=np.int64), extras["seed"], extras["max_candidates"]
    )
    shares = share_out([_cost(cluster) for cluster in clusters], worker.world_size)
    mine = [clusters[index] for index in shares[worker.rank]]
    inputs = ClusterInputs(worker, np.concatenate([_NONE, *(cluster.report_id for cluster in mine)]))

    def progress(done: int, total: int) -> None:
        worker.progress(done, total, "clusters of rank 0 studied")

    pairs = [ClusterPairs(cluster.report_id, cluster.pairs) for cluster in mine]
    if len(candidates):
        studied = study_with_scores(inputs, pairs, candidates, progress)
    else:
        studied = study_without_scores(inputs, pairs, extras["max_candidates"], progress)
    gathered = worker.gather(_columns(mine, studied))
    if gathered is not None:
        _write(Path(extras["output"]), gathered)
        worker.result({"processes": worker.world_size, "device": str(worker.device), "clusters_studied": len(clusters)})


@dataclass(frozen=True)
class Cluster:
    """One cluster of at least two reports, and the (p, 2) positions of the pairs of them that are studied."""

    year: int
    cluster_id: int
    report_id: np.ndarray
    pairs: np.ndarray


def _clusters_to_study(extras: dict) -> list[Cluster]:
    table = pd.read_parquet(extras["clusters"])
    only = _named_clusters(extras["only_clusters"]) if extras["only_clusters"] else None
    key = [extras["seed"], zlib.crc32(extras["mode"].encode())]
    studied = select_clusters(table, only, extras["sample_clusters"], key)
    studied = studied.sort_values(["year", "cluster_id", "report_id"])
    keys, starts = np.unique(studied[["year", "cluster_id"]].to_numpy(), axis=0, return_index=True)
    members = np.split(studied["report_id"].to_numpy(), starts[1:])
    return [
        Cluster(int(year), int(number), reports, sample_pairs(len(reports), [*key, year, number], extras["max_pairs"]))
        for (year, number), reports in zip(keys, members, strict=False)
    ]


def _named_clusters(path: str) -> pd.DataFrame:
    table = pd.read_csv(path) if path.endswith(".csv") else pd.read_parquet(path)
    if missing := {"year", "cluster_id"} - set(table.columns):
        raise ValueError(f"{path}: missing columns {sorted(missing)}, expected year and cluster_id")
    return table[["year", "cluster_id"]].drop_duplicates()


def _cost(cluster: Cluster) -> float:
    """Time in reports' worth: the axes' products for each report in a pair; twenty-five pairs' passes cost one more."""
    return min(len(cluster.report_id), 2 * len(cluster.pairs)) + len(cluster.pairs) / 25 + 1


def _columns(
    clusters: list[Cluster], studied: list[tuple[np.ndarray, StrongFeatures]]
) -> dict[str, dict[str, np.ndarray]]:
    """Both tables' columns for one rank's clusters."""
    results = [result for _, result in studied]
    key = np.array([(cluster.year, cluster.cluster_id) for cluster in clusters], dtype=np.int64).reshape(-1, 2)
    n_candidates = np.array([len(latents) for latents, _ in studied], dtype=np.int64)
    summary = {
        "year": key[:, 0],
        "cluster_id": key[:, 1],
        "n_members": np.array([len(cluster.report_id) for cluster in clusters]),
        "n_pairs": np.array([len(cluster.pairs) for cluster in clusters]),
        "n_candidates": n_candidates,
        "n_strong": np.array([result.strong.sum() for result in results]),
        "quantile": np.array([result.quantile for result in results]),
        "mae_strong": np.array([result.mae_strong for result in results]),
        "mae_weak": np.array([result.mae_weak for result in results]),
    }
    features = {
        "year": np.repeat(key[:, 0], n_candidates),
        "cluster_id": np.repeat(key[:, 1], n_candidates),
        "latent": np.concatenate([_NONE, *(latents for latents, _ in studied)]),
        "mae": np.concatenate([_NONE, *(result.mae for result in results)]),
        "strong": np.concatenate([_NONE.astype(bool), *(result.strong for result in results)]),
    }
    return {"cluster_features": features, "cluster_feature_summary": summary}


def _write(folder: Path, gathered: list[dict[str, dict[str, np.ndarray]]]) -> None:
    for name in ("cluster_features", "cluster_feature_summary"):
        table = TABLES[name]
        columns = {column: np.concatenate([part[name][column] for part in gathered]) for column in table.names}
        ordered = table.typed(columns).sort_by([(key, "ascending") for key in table.key])
        pq.write_table(ordered, folder / f"{name}.parquet")


if __name__ == "__main__":
    run(main, memory_hint="smaller max_candidates or max_pairs of cluster_features")
