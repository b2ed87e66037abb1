"""Torchrun program: strong features of every cluster; ranks share the clusters out by cost.

Extras: the StrongFeaturesConfig fields, mode, scores, clusters, features (folder), pca (safetensors), scored_latents
(latents with a fuzz score, may be empty), output (folder to write both tables into).
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch
from safetensors import safe_open

from compsim_assets.columnar import FeatureShards, matrix_of
from compsim_assets.science.cluster_selection import select_clusters
from compsim_assets.science.sharing import share_out
from compsim_assets.science.strong_features import (
    FLOAT32_ROUNDING,
    FLOAT64_ROUNDING,
    Removal,
    active_latents,
    find_strong_features,
    sample_pairs,
    scored_latents,
)
from compsim_assets.workers.distributed import Worker, run


def main(worker: Worker) -> None:
    """Study this rank's clusters and let rank 0 write both tables, ordered by year, cluster and latent."""
    clusters = _clusters_to_study(worker.extras)
    products = _Products(worker)
    candidates = scored_latents(
        np.array(worker.extras["scored_latents"], dtype=np.int64),
        worker.extras["seed"],
        worker.extras["max_candidates"],
    )
    # A cluster costs its members' products with the candidates, and the products of pairs of candidates.
    mine = share_out([len(cluster.report_id) + 8 for cluster in clusters], worker.world_size)[
        worker.rank
    ]
    removals = (
        products.shared(clusters, mine, candidates)
        if len(candidates)
        else products.own(clusters, mine)
    )
    # What is left is many small products, one cluster after the other: threads would mostly wait for each other.
    torch.set_num_threads(1)
    features, summary = [], []
    for done, (cluster, latents, removal) in enumerate(removals):
        table, row = _study(cluster, latents, removal)
        features.append(table)
        summary.append(row)
        worker.progress(done + 1, len(mine), "clusters of rank 0 studied")
    gathered = worker.gather((features, summary))
    if gathered is not None:
        _write(Path(worker.extras["output"]), gathered)
        worker.result(
            {
                "processes": worker.world_size,
                "device": str(worker.device),
                "clusters_studied": len(clusters),
            }
        )


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
    chosen = select_clusters(table, only, extras["sample_clusters"], key)
    chosen = chosen.sort_values(["year", "cluster_id", "report_id"])
    keys, starts = np.unique(chosen[["year", "cluster_id"]].to_numpy(), axis=0, return_index=True)
    members = np.split(chosen["report_id"].to_numpy(), starts[1:])
    return [
        Cluster(
            int(year),
            int(number),
            own,
            sample_pairs(len(own), [*key, year, number], extras["max_pairs"]),
        )
        for (year, number), own in zip(keys, members, strict=False)
    ]


def _named_clusters(path: str) -> pd.DataFrame:
    table = pd.read_csv(path) if path.endswith(".csv") else pd.read_parquet(path)
    if missing := {"year", "cluster_id"} - set(table.columns):
        raise ValueError(f"{path}: missing columns {sorted(missing)}, expected year and cluster_id")
    return table[["year", "cluster_id"]].drop_duplicates()


class _Products:
    """Scores, coefficients x / s and candidate axes of a rank's clusters, and the products between them."""

    def __init__(self, worker: Worker) -> None:
        extras = worker.extras
        self.device = worker.device
        self.max_candidates = extras["max_candidates"]
        self.dtype = torch.float64 if extras["products"] == "float64" else torch.float32
        ids = pq.read_table(extras["scores"], columns=["report_id"])["report_id"].to_numpy()
        self.score_row = pd.Series(np.arange(len(ids)), index=ids)
        self.scores = matrix_of(
            pq.read_table(extras["scores"], columns=["scores"], memory_map=True)["scores"]
        )
        self.features = FeatureShards(Path(extras["features"]))
        self.feature_row = pd.Series(
            np.arange(self.features.shape[0]), index=self.features.report_id
        )
        with safe_open(extras["pca"], framework="numpy") as pca:
            self.scale = pca.get_tensor("scale")
            self.components = pca.get_tensor("components")

    def shared(
        self, clusters: list[Cluster], mine: list[int], candidates: np.ndarray
    ) -> Iterator[tuple[Cluster, np.ndarray, Removal]]:
        """The same candidates for every cluster: one product, made at once, for all of the rank's reports."""
        own = [clusters[index] for index in mine]
        reports = np.concatenate([cluster.report_id for cluster in own] or [np.empty(0, np.int64)])
        coefficients = self.features.select(candidates)[self.feature_row[reports].to_numpy()]
        axes, scores = self._axes(candidates), self._scores(reports)
        scaled = torch.from_numpy(coefficients / self.scale[candidates]).to(self.device)
        projections, gram = self._product(scores, axes), self._product(axes, axes)
        spread = scaled @ gram
        ends = np.cumsum([len(cluster.report_id) for cluster in own])

        def removal(cluster: Cluster, end: int) -> Removal:
            rows = slice(end - len(cluster.report_id), end)
            own_rows = (scores[rows], scaled[rows], projections[rows], spread[rows])
            return self._removal(cluster, gram, *own_rows)

        return (
            (cluster, candidates, removal(cluster, int(end)))
            for cluster, end in zip(own, ends, strict=True)
        )

    def own(
        self, clusters: list[Cluster], mine: list[int]
    ) -> Iterator[tuple[Cluster, np.ndarray, Removal]]:
        """No scores: every cluster has candidates of its own, the latents active in at least two of its reports."""
        for index in mine:
            cluster = clusters[index]
            coefficients = (
                self.features.rows(self.feature_row[cluster.report_id].to_numpy()) / self.scale
            )
            candidates = np.sort(active_latents(coefficients, self.max_candidates))
            axes, scores = self._axes(candidates), self._scores(cluster.report_id)
            scaled = torch.from_numpy(coefficients[:, candidates]).to(self.device)
            gram = self._product(axes, axes)
            projections = self._product(scores, axes)
            removal = self._removal(cluster, gram, scores, scaled, projections, scaled @ gram)
            yield cluster, candidates, removal

    def _removal(
        self,
        cluster: Cluster,
        gram: torch.Tensor,
        scores: torch.Tensor,
        coefficients: torch.Tensor,
        projections: torch.Tensor,
        spread: torch.Tensor,
    ) -> Removal:
        pairs = torch.from_numpy(cluster.pairs).to(self.device)
        return Removal(
            pairs=pairs,
            dots=(scores[pairs[:, 0]] * scores[pairs[:, 1]]).sum(dim=1),
            squares=scores.square().sum(dim=1),
            coefficients=coefficients,
            projections=projections,
            gram=gram,
            spread=spread,
            rounding=FLOAT64_ROUNDING if self.dtype == torch.float64 else FLOAT32_ROUNDING,
        )

    def _axes(self, latents: np.ndarray) -> torch.Tensor:
        """(J, P) rows W_j of the candidate latents."""
        return (
            torch.from_numpy(np.ascontiguousarray(self.components[:, latents].T))
            .to(self.device)
            .double()
        )

    def _scores(self, reports: np.ndarray) -> torch.Tensor:
        return (
            torch.from_numpy(self.scores[self.score_row[reports].to_numpy()])
            .to(self.device)
            .double()
        )

    def _product(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        """left @ right.T in the configured precision; the algebra on top is always float64."""
        return (left.to(self.dtype) @ right.to(self.dtype).T).double()


def _study(cluster: Cluster, latents: np.ndarray, removal: Removal) -> tuple[pd.DataFrame, dict]:
    found = find_strong_features(removal)
    names = {"year": cluster.year, "cluster_id": cluster.cluster_id}
    features = pd.DataFrame({**names, "latent": latents, "mae": found.mae, "strong": found.strong})
    summary = {
        **names,
        "n_members": len(cluster.report_id),
        "n_pairs": len(cluster.pairs),
        "n_candidates": len(latents),
        "n_strong": int(found.strong.sum()),
        "quantile": found.quantile,
        "mae_strong": found.mae_strong,
        "mae_weak": found.mae_weak,
    }
    return features, summary


_FEATURE_TYPES = {
    "year": "int64",
    "cluster_id": "int64",
    "latent": "int64",
    "mae": "float64",
    "strong": "bool",
}
_SUMMARY_TYPES = {
    **dict.fromkeys(
        ["year", "cluster_id", "n_members", "n_pairs", "n_candidates", "n_strong"], "int64"
    ),
    **dict.fromkeys(["quantile", "mae_strong", "mae_weak"], "float64"),
}


def _write(folder: Path, gathered: list[tuple[list[pd.DataFrame], list[dict]]]) -> None:
    tables = [table for tables, _ in gathered for table in tables]
    rows = [row for _, rows in gathered for row in rows]
    features = pd.concat(tables) if tables else pd.DataFrame(columns=list(_FEATURE_TYPES))
    summary = pd.DataFrame(rows, columns=list(_SUMMARY_TYPES))
    features.astype(_FEATURE_TYPES).sort_values(
        ["year", "cluster_id", "latent"], ignore_index=True
    ).to_parquet(folder / "cluster_features.parquet")
    summary.astype(_SUMMARY_TYPES).sort_values(
        ["year", "cluster_id"], ignore_index=True
    ).to_parquet(folder / "cluster_feature_summary.parquet")


if __name__ == "__main__":
    run(main)
