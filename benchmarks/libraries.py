"""What a user would take instead, each called as its documentation says and run in a process of its own.

As a program it is one of them: `python -m benchmarks.libraries TASK NAME FOLDER` reads the folder's inputs, writes what
came out beside them, and prints processor seconds and memory as JSON. A library that is not installed is named.
"""

import dataclasses
import importlib.metadata
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.growth import cost

# Arrays in, arrays out: merges' distances; neighbours and their cosines; scores.
Work = Callable[..., Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Contender:
    """A way to do a task.

    Attributes:
        package: whose version is shown; "" for ours.
        work: does it.
        gives_up: what ours has and this lacks.
    """

    package: str
    work: Work
    gives_up: str = ""


def unit(scores: np.ndarray) -> np.ndarray:
    """Rows at length one, in float32."""
    length = np.linalg.norm(scores.astype(np.float64), axis=1, keepdims=True)
    return np.ascontiguousarray((scores / length).astype(np.float32))


def our_linkage(scores: np.ndarray) -> Mapping[str, np.ndarray]:
    """As a year is linked in a run."""
    from compsim_assets.science.linkage.years import link_years

    return {"height": link_years(scores, np.zeros(len(scores), dtype=np.int64)).trees[0].height}


def scipy_linkage(scores: np.ndarray) -> Mapping[str, np.ndarray]:
    """All distances, then linkage."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import pdist

    return {"height": linkage(pdist(scores.astype(np.float64), "cosine"), "single")[:, 2]}


def fastcluster_linkage(scores: np.ndarray) -> Mapping[str, np.ndarray]:
    """All distances, then linkage."""
    import fastcluster
    from scipy.spatial.distance import pdist

    return {"height": fastcluster.linkage(pdist(scores.astype(np.float64), "cosine"), "single")[:, 2]}


def fastcluster_vectors(scores: np.ndarray) -> Mapping[str, np.ndarray]:
    """Each distance when it is needed."""
    import fastcluster

    return {"height": fastcluster.linkage_vector(scores.astype(np.float64), "single", "cosine")[:, 2]}


def sklearn_linkage(scores: np.ndarray) -> Mapping[str, np.ndarray]:
    """The whole tree."""
    from sklearn.cluster import AgglomerativeClustering

    asked: dict[str, Any] = {"metric": "cosine", "linkage": "single", "distance_threshold": 0, "n_clusters": None}
    return {"height": AgglomerativeClustering(**asked).fit(scores.astype(np.float64)).distances_}


def fast_hdbscan_tree(scores: np.ndarray) -> Mapping[str, np.ndarray]:
    """The tree of Euclidean distances between rows of length one: half of their squares are cosine distances."""
    from fast_hdbscan.hdbscan import compute_minimum_spanning_tree

    edges = compute_minimum_spanning_tree(unit(scores), min_samples=1)[0]
    return {"height": np.sort(np.asarray(edges)[:, 2].astype(np.float64)) ** 2 / 2}


def our_neighbours(scores: np.ndarray, k: int) -> Mapping[str, np.ndarray]:
    """As a year's peers are made in a run."""
    from compsim_assets.science.linkage.nearest import nearest_peers

    n = len(scores)
    parts = list(nearest_peers(scores, np.zeros(n, dtype=np.int64), np.arange(n), k))
    report, rank, peer, cosine = (
        np.concatenate([part[name] for part in parts]) for name in ("report_id", "rank", "peer_id", "cosine")
    )
    order = np.lexsort((rank, report))
    return {"peer": peer[order].reshape(n, k), "cosine": cosine[order].reshape(n, k)}


def numpy_neighbours(scores: np.ndarray, k: int) -> Mapping[str, np.ndarray]:
    """All cosines in float64, the largest of each row."""
    rows = scores / np.linalg.norm(scores.astype(np.float64), axis=1, keepdims=True)
    cosine = rows @ rows.T
    np.fill_diagonal(cosine, -np.inf)
    peer = np.argpartition(-cosine, k, axis=1)[:, :k]
    return _ordered(peer, np.take_along_axis(cosine, peer, axis=1))


def sklearn_neighbours(scores: np.ndarray, k: int) -> Mapping[str, np.ndarray]:
    """By brute force, in blocks of its own."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=k, metric="cosine", algorithm="brute").fit(scores.astype(np.float64))
    distance, peer = search.kneighbors()
    return {"peer": peer, "cosine": 1 - distance}


def faiss_neighbours(scores: np.ndarray, k: int) -> Mapping[str, np.ndarray]:
    """The flat index of inner products."""
    import faiss

    rows = unit(scores)
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    cosine, peer = index.search(rows, k + 1)
    return _without_itself(peer, cosine)


def usearch_neighbours(scores: np.ndarray, k: int) -> Mapping[str, np.ndarray]:
    """Its exact search."""
    from usearch.index import MetricKind, search

    rows = unit(scores)
    matches = search(rows, rows, k + 1, MetricKind.Cos, exact=True)
    return _without_itself(np.asarray(matches.keys).astype(np.int64), 1 - np.asarray(matches.distances))


def _without_itself(peer: np.ndarray, cosine: np.ndarray) -> Mapping[str, np.ndarray]:
    """The row itself moves to the end, which is cut off."""
    order = np.argsort(peer == np.arange(len(peer))[:, None], axis=1, kind="stable")[:, :-1]
    return {name: np.take_along_axis(a, order, axis=1) for name, a in (("peer", peer), ("cosine", cosine))}


def _ordered(peer: np.ndarray, cosine: np.ndarray) -> Mapping[str, np.ndarray]:
    order = np.argsort(-cosine, axis=1, kind="stable")
    return {name: np.take_along_axis(a, order, axis=1) for name, a in (("peer", peer), ("cosine", cosine))}


def our_pca(features: np.ndarray, axes: int) -> Mapping[str, np.ndarray]:
    """As in a run, without axes of latents; it standardises itself."""
    from benchmarks.inputs import DenseFeatures
    from compsim_assets.science.pca.fit import fit_pca

    return {"scores": fit_pca(DenseFeatures(features), axes, components=False).scores}


def _sklearn_pca(solver: str) -> Work:
    def work(features: np.ndarray, axes: int) -> Mapping[str, np.ndarray]:
        from sklearn.decomposition import PCA
        from sklearn.preprocessing import StandardScaler

        scaled = StandardScaler().fit_transform(features)
        return {"scores": PCA(axes, svd_solver=solver, random_state=0).fit_transform(scaled)}

    return work


def scipy_eigh(features: np.ndarray, axes: int) -> Mapping[str, np.ndarray]:
    """The largest eigenpairs of all products of two reports."""
    from scipy.linalg import eigh
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(features)
    n = len(scaled)
    values, vectors = eigh((scaled @ scaled.T).astype(np.float64), subset_by_index=[n - axes, n - 1])
    return {"scores": vectors * np.sqrt(np.maximum(values, 0))}


def scipy_svds(features: np.ndarray, axes: int) -> Mapping[str, np.ndarray]:
    """Its Lanczos method."""
    from scipy.sparse.linalg import svds
    from sklearn.preprocessing import StandardScaler

    u, s, _ = svds(StandardScaler().fit_transform(features), k=axes, random_state=0, return_singular_vectors="u")
    return {"scores": u * s}


def primme_eigsh(features: np.ndarray, axes: int) -> Mapping[str, np.ndarray]:
    """A preconditioned Davidson method, on all products of two reports."""
    import primme
    from sklearn.preprocessing import StandardScaler

    scaled = StandardScaler().fit_transform(features)
    values, vectors = primme.eigsh((scaled @ scaled.T).astype(np.float64), k=axes, which="LA", tol=1e-6)
    return {"scores": vectors * np.sqrt(np.maximum(values, 0))}


_HELD = "holds all distances in 8 bytes each"
TASKS: dict[str, dict[str, Contender]] = {
    "linkage": {
        "ours": Contender("", our_linkage),
        "scipy": Contender("scipy", scipy_linkage, f"{_HELD}; one core"),
        "fastcluster": Contender("fastcluster", fastcluster_linkage, f"{_HELD}; one core"),
        "fastcluster, vectors": Contender(
            "fastcluster", fastcluster_vectors, "speed: one distance at a time, one core"
        ),
        "scikit-learn": Contender("scikit-learn", sklearn_linkage, f"{_HELD}, twice; one core"),
    },
    "linkage, few axes": {
        "ours": Contender("", our_linkage),
        "fast_hdbscan": Contender("fast_hdbscan", fast_hdbscan_tree, "width; cosines by rows of length one; float32"),
    },
    "neighbours": {
        "ours": Contender("", our_neighbours),
        "numpy": Contender("numpy", numpy_neighbours, "holds all cosines, several times"),
        "scikit-learn": Contender("scikit-learn", sklearn_neighbours, "an order of equal ones"),
        "faiss IndexFlatIP": Contender(
            "faiss-cpu", faiss_neighbours, "exactness: float32 alone; an order of equal ones"
        ),
        "usearch, exact": Contender("usearch", usearch_neighbours, "exactness: float32 alone; an order of equal ones"),
    },
    "pca": {
        "ours": Contender("", our_pca),
        "scikit-learn, full": Contender("scikit-learn", _sklearn_pca("full"), "features in memory, three times"),
        "scikit-learn, randomized": Contender("scikit-learn", _sklearn_pca("randomized"), "exactness; memory as above"),
        "scipy eigh": Contender("scipy", scipy_eigh, "features in memory, twice; all products in 8 bytes each"),
        "scipy svds": Contender("scipy", scipy_svds, "features in memory, twice"),
        "primme eigsh": Contender("primme", primme_eigsh, "features in memory, twice; all products in 8 bytes each"),
    },
}


def measured(task: str, name: str, folder: Path) -> dict[str, Any]:
    """Do it on the inputs in the folder, keep what came out beside them, and say what it cost, or what is missing."""
    contender = TASKS[task][name]
    inputs = {path.stem: np.load(path) for path in sorted((folder / "inputs").glob("*.npy"))}
    given = {key: int(value) if value.ndim == 0 else value for key, value in inputs.items()}
    small = {key: value[:40] if isinstance(value, np.ndarray) else min(value, 10) for key, value in given.items()}
    try:
        contender.work(**small)  # what is loaded on first use
        results = list[Mapping[str, np.ndarray]]()
        costs = cost(lambda: results.append(contender.work(**given)))
        version = importlib.metadata.version(contender.package) if contender.package else ""
    except ImportError as error:
        return {"missing": str(error.name).partition(".")[0]}
    np.savez(folder / "result.npz", **results[0])  # type: ignore[arg-type]
    return {**dataclasses.asdict(costs), "version": version}


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], sys.argv[2], Path(sys.argv[3]))))
