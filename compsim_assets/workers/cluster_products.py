"""What a rank's strong features are computed from: scores, features and candidate axes, read in parts."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from safetensors import safe_open

from compsim_assets.launch.worker import Worker
from compsim_assets.science.device import map_on_all_cores
from compsim_assets.science.pca.axes import AxesFromScores
from compsim_assets.science.strong_features.axis_products import AxisProducts
from compsim_assets.science.strong_features.candidates import active_latents
from compsim_assets.science.strong_features.search import ClusterPairs, StrongFeatures, find_strong_features
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.workers.score_rows import RowOf, read_scores, score_batches

Progress = Callable[[int, int], None]
# Per cluster its candidates and its result.
Studied = list[tuple[np.ndarray, StrongFeatures]]

# Bytes of a block of reports or axes on its way from disk, and of the axes that several clusters' candidates share.
_BLOCK = 32 << 20
_AXES = 512 << 20


class ClusterInputs:
    """Scores of a rank's reports, features of any, and axes of candidates.

    Memory: the rank's scores and blocks of 32 MB; neither features nor components are ever loaded whole.

    Raises:
        ValueError: a report of a cluster has no scores or no features.
    """

    def __init__(self, worker: Worker, options: dict[str, Any], reports: np.ndarray) -> None:
        self.worker, self.device = worker, worker.device
        self.dtype = torch.float64 if options["products"] == "float64" else torch.float32
        self.features = FeatureShards(Path(options["features"]))
        self._feature_row = RowOf(self.features.report_id)
        self._score_path, self._pca = options["scores"], options["pca"]
        with safe_open(self._pca, framework="numpy") as pca:
            self.scale, self.mean = pca.get_tensor("scale"), pca.get_tensor("mean")
            self.explained_variance = pca.get_tensor("explained_variance")
            self.has_components = "components" in pca.keys()  # noqa: SIM118
        scored = np.unique(reports)
        self._score_row, self._scores = RowOf(scored), read_scores(self._score_path, scored)

    @property
    def n_axes(self) -> int:
        """P."""
        return len(self.explained_variance)

    def read(self, reports: np.ndarray, latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(k, P) float32 scores and (k, J) float64 coefficients x / s of reports of this rank."""
        features = self.features.select(latents, self._feature_rows(reports))
        coefficients = np.divide(features, self.scale[latents], dtype=np.float64)
        return self._scores[self._score_row(reports)], coefficients

    def feature_blocks(self, reports: np.ndarray) -> Callable[[], Iterable[np.ndarray]]:
        """(b, D) float32 features of consecutive reports, as often as asked for; one block is read but once."""
        rows = self._feature_rows(reports)
        step = self._rows_at_once()
        blocks = (partial(self.features.rows, rows[k : k + step]) for k in range(0, len(rows), step))
        if len(rows) <= step:
            held = [read() for read in blocks]
            return lambda: held
        reads = list(blocks)
        return lambda: (read() for read in reads)

    def axes(self, latents: np.ndarray) -> torch.Tensor:
        """(J, P) rows W_j on the device: read if they were stored, else from the scores of all reports.

        A collective: every rank must call it with the same latents where the components were not stored.
        """
        return self.stored_axes(latents) if self.has_components else self._axes_from_scores(latents)

    def stored_axes(self, latents: np.ndarray) -> torch.Tensor:
        """(J, P) float32 rows W_j, the components read in blocks of 32 MB."""
        axes = torch.empty(len(latents), self.n_axes, dtype=torch.float32)
        with safe_open(self._pca, framework="numpy") as pca:
            stored = pca.get_slice("components")
            step = self._rows_at_once()
            for start in range(0, self.n_axes, step):
                rows = slice(start, min(start + step, self.n_axes))
                axes[:, rows] = torch.from_numpy(stored[rows][:, latents].T)
        return axes.to(self.device)

    def _axes_from_scores(self, latents: np.ndarray) -> torch.Tensor:
        """Every rank sums over its share of the reports."""
        sums = AxesFromScores(self.mean[latents], self.scale[latents], self.n_axes, self.device)
        missing = len(self.features.report_id)
        for number, (ids, scores) in enumerate(score_batches(self._score_path, self._rows_at_once())):
            row = self._feature_row(ids)
            missing -= int((row >= 0).sum())
            if number % self.worker.world_size == self.worker.rank:
                with_features = row >= 0
                values = self.features.select(latents, row[with_features])
                sums.add(values, scores[with_features])
        if missing:
            raise ValueError(f"{missing} reports with features have no scores: rerun `pca`")
        if self.worker.world_size > 1:
            dist.all_reduce(sums.total)
        return sums.axes(self.explained_variance, self.features.shape[0])

    def _feature_rows(self, reports: np.ndarray) -> np.ndarray:
        rows = self._feature_row(reports)
        if (rows < 0).any():
            raise ValueError(f"report {reports[rows < 0][0]} of a cluster has no features")
        return rows

    def _rows_at_once(self) -> int:
        return max(1, _BLOCK // (4 * self.features.n_latents))


def study_with_scores(
    inputs: ClusterInputs, clusters: list[ClusterPairs], latents: np.ndarray, axes: torch.Tensor, progress: Progress
) -> Studied:
    """The same candidates for every cluster, whose axes (J, P) `ClusterInputs.axes` gives: one Gram matrix."""
    n_reports = sum(len(cluster.reports) for cluster in clusters)
    products = AxisProducts.of(axes, inputs.dtype, n_reports)
    results = find_strong_features(products, clusters, partial(inputs.read, latents=latents), progress=progress)
    return [(latents, result) for result in results]


def study_without_scores(inputs: ClusterInputs, clusters: list[ClusterPairs], most: int, progress: Progress) -> Studied:
    """No scores: every cluster has candidates of its own, the latents active in at least two of its reports.

    The components are read once for as many clusters as the axes of all their candidates fit 512 MB.
    """
    if not inputs.has_components:
        raise ValueError(
            "no latent has a fuzz score and the PCA was stored without its components: provide fuzz scores, "
            "or rerun `pca` with components = all"
        )
    room = max(most, _AXES // (4 * inputs.n_axes))
    studied: Studied = []
    waiting: list[np.ndarray] = []
    needed = np.zeros(len(inputs.scale), dtype=bool)
    for cluster in clusters:
        blocks = inputs.feature_blocks(cluster.reports)
        latents = np.sort(active_latents(blocks, inputs.scale, most))
        if needed.sum() + (~needed[latents]).sum() > room:
            _study_waiting(inputs, clusters, waiting, studied, progress)
            waiting = []
            needed[:] = False
        waiting.append(latents)
        needed[latents] = True
    _study_waiting(inputs, clusters, waiting, studied, progress)
    return studied


def _study_waiting(
    inputs: ClusterInputs, clusters: list[ClusterPairs], waiting: list[np.ndarray], studied: Studied, progress: Progress
) -> None:
    """Append the next clusters' results, whose candidates are `waiting`."""
    if not waiting:
        return
    union = np.unique(np.concatenate(waiting))
    axes = inputs.stored_axes(union)
    following = clusters[len(studied) : len(studied) + len(waiting)]

    def study(cluster: ClusterPairs, latents: np.ndarray) -> StrongFeatures:
        rows = torch.from_numpy(np.searchsorted(union, latents)).to(axes.device)
        products = AxisProducts.of(axes[rows], inputs.dtype, len(cluster.in_pairs().reports))
        return find_strong_features(products, [cluster], partial(inputs.read, latents=latents))[0]

    results = map_on_all_cores(study, following, waiting, device=axes.device)
    for latents, result in zip(waiting, results, strict=True):
        studied.append((latents, result))
        progress(len(studied), len(clusters))
