"""Which latents hold a cluster together: mean absolute change of cosine when they are removed (method section 3)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from compsim_assets.science.device import map_on_all_cores, to_device
from compsim_assets.science.strong_features.axis_products import AxisProducts
from compsim_assets.science.strong_features.elbow import find_elbows
from compsim_assets.science.strong_features.removal import Removal

# Clusters share a batch while the largest has at most so many times the reports of the smallest: the others are
# padded with zeros.
_PADDING = 1.25
# Bytes of one report-by-candidate matrix of a batch: cores take batches from a queue.
_BATCH = 4 << 20


@dataclass(frozen=True)
class ClusterPairs:
    """reports: (n,) numbers of a cluster's reports; pairs: (p, 2) positions in it of the pairs studied."""

    reports: np.ndarray
    pairs: np.ndarray

    def in_pairs(self) -> "ClusterPairs":
        """The reports that occur in a pair: nothing else of a cluster takes part."""
        used, position = np.unique(self.pairs, return_inverse=True)
        return ClusterPairs(self.reports[used], position.reshape(-1, 2))


@dataclass(frozen=True)
class StrongFeatures:
    """MAE of every candidate (J,), the strong set (J bool), and the elbow: quantile, MAE of removing either whole
    set.
    """

    mae: np.ndarray
    strong: np.ndarray
    quantile: float
    mae_strong: float
    mae_weak: float


def find_strong_features(
    products: AxisProducts,
    clusters: Sequence[ClusterPairs],
    read: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    *,
    budget: int = 256 << 20,
    progress: Callable[[int, int], None] | None = None,
) -> list[StrongFeatures]:
    """Mean absolute change of cosine per latent and the published elbow between strong and weak ones.

    Args:
        products: of the J candidates' axes, on the device that computes.
        clusters: any number of clusters, of any sizes.
        read: numbers of k reports -> (k, P) float32 scores and (k, J) coefficients x / s.
        budget: bytes of temporaries; clusters are studied in groups that fit. One cluster alone may need more: about
            (12 P + 100 J) bytes for each report that occurs in a pair, of which there are at most 2 p.
        progress: called with (clusters done, clusters in all) after each group.

    Returns:
        One result per cluster, in the given order. NaN quantile and MAEs, and no strong feature, where there is no
        candidate or no pair.

    Cost, for n reports in pairs and p pairs in all: products of n J (P + J) multiply-adds, O((n + p) J) other time,
    and the elbow's (see `find_elbows`). Memory: the budget, the axes, and the results.
    """
    n_candidates, n_axes = products.axes.shape
    nothing = np.zeros(n_candidates)
    results = [StrongFeatures(nothing, nothing.astype(bool), np.nan, np.nan, np.nan)] * len(clusters)
    pairs = [cluster.in_pairs() for cluster in clusters]
    todo = [k for k in range(len(clusters)) if len(pairs[k].pairs) and n_candidates]
    todo.sort(key=lambda k: (len(pairs[k].pairs), len(pairs[k].reports)))
    done = len(clusters) - len(todo)
    for group in _groups([len(pairs[k].reports) for k in todo], n_axes, n_candidates, budget):
        members = [todo[i] for i in group]
        studied = _study(products, [pairs[k] for k in members], read)
        for k, result in zip(members, studied, strict=True):
            results[k] = result
        done += len(members)
        if progress is not None:
            progress(done, len(clusters))
    return results


def _groups(sizes: list[int], n_axes: int, n_candidates: int, budget: int) -> Iterator[list[int]]:
    """Consecutive clusters whose reports' scores, products and temporaries fit the budget."""
    per_report = 12 * n_axes + 100 * n_candidates
    group: list[int] = []
    used = 0
    for k, n in enumerate(sizes):
        needed = n * per_report + 24 * n * n + 64 * n_candidates
        if group and used + needed > budget:
            yield group
            group, used = [], 0
        group.append(k)
        used += needed
    if group:
        yield group


def _study(
    products: AxisProducts, clusters: list[ClusterPairs], read: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
) -> list[StrongFeatures]:
    """One group: large products for all its reports at once, then batch by batch."""
    given, raw = read(np.concatenate([cluster.reports for cluster in clusters]))
    device = products.axes.device
    scores = to_device(given, device).double()
    coefficients = to_device(raw, device).double()
    projections, spread = products.project(scores), products.spread(coefficients)

    def study(rows: slice, batch: list[ClusterPairs]) -> list[StrongFeatures]:
        values = (scores[rows], coefficients[rows], projections[rows], spread[rows])
        return _results(_removal(batch, *values, products), products)

    batches = zip(*_batches(clusters, coefficients.shape[1]), strict=True)
    results = map_on_all_cores(study, *batches, device=device)
    return [result for batch in results for result in batch]


def _batches(clusters: list[ClusterPairs], n_candidates: int) -> Iterator[tuple[slice, list[ClusterPairs]]]:
    """Rows and consecutive clusters that make a rectangle: as many pairs each, and nearly as many reports."""
    start = end = 0
    batch: list[ClusterPairs] = []
    for cluster in clusters:
        n = len(cluster.reports)
        if batch and not (
            len(cluster.pairs) == len(batch[0].pairs)
            and n <= _PADDING * len(batch[0].reports)
            and 8 * n_candidates * n * (len(batch) + 1) <= _BATCH
        ):
            yield slice(start, end), batch
            start, batch = end, []
        batch.append(cluster)
        end += n
    yield slice(start, end), batch


def _removal(
    batch: list[ClusterPairs],
    scores: torch.Tensor,
    coefficients: torch.Tensor,
    projections: torch.Tensor,
    spread: torch.Tensor,
    products: AxisProducts,
) -> Removal:
    """One rectangular batch from the consecutive rows of its clusters."""
    sizes = [len(cluster.reports) for cluster in batch]
    n = max(sizes)
    inner = scores.new_zeros(len(batch), n, n)
    for target, of_cluster in zip(inner, scores.split(sizes), strict=True):
        target[: len(of_cluster), : len(of_cluster)] = of_cluster @ of_cluster.T
    pairs = torch.from_numpy(np.stack([cluster.pairs for cluster in batch])).to(scores.device)

    def rectangle(values: torch.Tensor) -> torch.Tensor:
        if min(sizes) == n:
            return values.view(len(batch), n, -1)
        return torch.nn.utils.rnn.pad_sequence(values.split(sizes), batch_first=True)

    return Removal(
        pairs=pairs,
        dots=inner.flatten(1).gather(1, pairs[..., 0] * n + pairs[..., 1]),
        squares=inner.diagonal(dim1=1, dim2=2).contiguous(),
        coefficients=rectangle(coefficients),
        projections=rectangle(projections),
        spread=rectangle(spread),
        lengths=products.lengths,
        rounding=products.rounding,
    )


def _results(removal: Removal, products: AxisProducts) -> list[StrongFeatures]:
    mae = removal.mean_changes()
    elbow = find_elbows(removal, mae, products)
    columns = (mae, elbow.strong, elbow.quantile, elbow.mae_strong, elbow.mae_weak)
    maes, strong, *numbers = (column.cpu().numpy() for column in columns)
    quantile, mae_strong, mae_weak = (column.tolist() for column in numbers)
    return [StrongFeatures(maes[k], strong[k], quantile[k], mae_strong[k], mae_weak[k]) for k in range(len(maes))]
