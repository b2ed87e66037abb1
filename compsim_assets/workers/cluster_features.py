"""Which clusters' strong features are searched, of one or several cutoff modes, and what of them goes into the tables.

Options: the StrongFeaturesConfig fields, scores (Parquet with report_id, year, scores), features (folder of shards),
pca (safetensors), scored_latents (latents with a fuzz score, may be empty).
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compsim_assets.contracts import TABLES
from compsim_assets.launch.worker import Worker
from compsim_assets.science.device import share_out
from compsim_assets.science.strong_features.candidates import sample_pairs, scored_latents
from compsim_assets.science.strong_features.search import ClusterPairs
from compsim_assets.science.strong_features.selection import select_clusters
from compsim_assets.workers.cluster_products import ClusterInputs, Studied, study_with_scores, study_without_scores

_NONE = np.empty(0, dtype=np.int64)
Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Cluster:
    """One cluster of at least two reports, and the (p, 2) positions of the pairs of them that are studied."""

    mode: str
    year: int
    cluster_id: int
    report_id: np.ndarray
    pairs: np.ndarray

    @property
    def cost(self) -> float:
        """Time in reports' worth: the axes' products for each report in a pair; twenty-five pairs' passes cost one
        more.
        """
        return min(len(self.report_id), 2 * len(self.pairs)) + len(self.pairs) / 25 + 1


def study(worker: Worker, options: dict[str, Any], clusters: Mapping[str, Columns]) -> list[tuple[str, str, Columns]]:
    """Strong features of some clusters of every mode, by all ranks: a collective.

    Args:
        clusters: by cutoff mode year, cluster_id and report_id.

    Returns:
        Mode, name and columns of both tables of each mode, ordered by their keys; nothing except on rank 0.
    """
    studied = [cluster for mode, columns in clusters.items() for cluster in _clusters_to_study(mode, columns, options)]
    shares = share_out([cluster.cost for cluster in studied], worker.world_size)
    mine = [studied[index] for index in shares[worker.rank]]
    gathered = worker.gather(_study_share(worker, options, mine, list(clusters)))
    if gathered is None:
        return []
    return [
        (mode, name, _joined(name, [part[mode][name] for part in gathered]))
        for mode in clusters
        for name in ("cluster_features", "cluster_feature_summary")
    ]


def _study_share(
    worker: Worker, options: dict[str, Any], mine: list[Cluster], modes: list[str]
) -> dict[str, dict[str, Columns]]:
    """Both tables' columns, by mode, for this rank's clusters."""
    latents = np.array(options["scored_latents"], dtype=np.int64)
    candidates = scored_latents(latents, options["seed"], options["max_candidates"])
    inputs = ClusterInputs(worker, options, np.concatenate([_NONE, *(cluster.report_id for cluster in mine)]))
    axes = inputs.axes(candidates) if len(candidates) else None
    tables, before = {}, 0

    def progress(done: int, total: int) -> None:
        worker.progress(before + done, len(mine), "clusters of rank 0 studied")

    for mode in modes:
        of_mode = [cluster for cluster in mine if cluster.mode == mode]
        pairs = [ClusterPairs(cluster.report_id, cluster.pairs) for cluster in of_mode]
        if axes is None:
            studied = study_without_scores(inputs, pairs, options["max_candidates"], progress)
        else:
            studied = study_with_scores(inputs, pairs, candidates, axes, progress)
        tables[mode] = _columns(of_mode, studied)
        before += len(of_mode)
    return tables


def _clusters_to_study(mode: str, columns: Columns, options: dict[str, Any]) -> list[Cluster]:
    """The clusters of one mode, ordered by year and number; their seeded samples do not depend on other modes."""
    order = np.lexsort((columns["report_id"], columns["cluster_id"], columns["year"]))
    names = np.stack([columns["year"], columns["cluster_id"]], axis=1)[order]
    names, starts, sizes = np.unique(names, axis=0, return_index=True, return_counts=True)
    members = np.split(columns["report_id"][order], starts[1:])
    only = _named_clusters(options["only_clusters"]) if options["only_clusters"] else None
    seed = [options["seed"], zlib.crc32(mode.encode())]
    clusters = []
    for position in select_clusters(names, sizes, only, options["sample_clusters"], seed).tolist():
        (year, number), reports = names[position].tolist(), members[position]
        pairs = sample_pairs(len(reports), [*seed, year, number], options["max_pairs"])
        clusters.append(Cluster(mode, year, number, reports, pairs))
    return clusters


def _named_clusters(path: str) -> np.ndarray:
    """(m, 2) year and number of the clusters that a Parquet or CSV file names, in its order."""
    import pyarrow.csv
    import pyarrow.parquet

    table = pyarrow.csv.read_csv(path) if path.endswith(".csv") else pyarrow.parquet.read_table(path)
    if missing := {"year", "cluster_id"} - set(table.column_names):
        raise ValueError(f"{path}: missing columns {sorted(missing)}, expected year and cluster_id")
    return np.stack([table[name].to_numpy() for name in ("year", "cluster_id")], axis=1)


def _columns(clusters: list[Cluster], studied: Studied) -> dict[str, Columns]:
    """Both tables' columns for one rank's clusters of a mode."""
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


def _joined(name: str, parts: list[Columns]) -> Columns:
    """All ranks' rows of a table, ordered by its key."""
    columns = {column: np.concatenate([part[column] for part in parts]) for column in TABLES[name].names}
    order = np.lexsort([columns[key] for key in reversed(TABLES[name].key)])
    return {column: values[order] for column, values in columns.items()}
