"""The search for strong features in many clusters: batches and their order, bytes, progress, memory."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from compsim_assets.science.strong_features.candidates import sample_pairs
from compsim_assets.science.strong_features.search import ClusterPairs, find_strong_features
from compsim_assets_tests.science.strong_features.made_clusters import Cluster, make_cluster, study_all


def many_clusters() -> list[Cluster]:
    """Sizes in no order, some with few pairs of many reports; one scaler, components and candidates."""
    whole = make_cluster(11, 500, 80, 20, 60)
    sizes = [2, 40, 2, 3, 25, 7, 2, 60, 21, 33, 3, 2, 45, 12, 2, 30, 5]
    start = np.cumsum([0, *sizes])
    return [
        replace(
            whole, features=whole.features[first : first + n], pairs=sample_pairs(n, [n], most=9 if n == 60 else 200)
        )
        for first, n in zip(start, sizes, strict=False)
    ]


def test_clusters_together_are_clusters_alone_and_in_order() -> None:
    clusters = many_clusters()
    products = clusters[0].products()
    truths = [cluster.truth() for cluster in clusters]
    singles = [study_all([cluster], products)[0] for cluster in clusters]
    for budget in (1, 200_000, 1 << 28):
        for found, alone, truth in zip(study_all(clusters, products, budget), singles, truths, strict=True):
            assert found.strong.tolist() == alone.strong.tolist()
            assert set(np.flatnonzero(found.strong)) == truth.strong
            assert found.quantile == alone.quantile == truth.quantile
            np.testing.assert_allclose(found.mae, alone.mae, rtol=1e-12, atol=1e-15)
            np.testing.assert_allclose(found.mae, truth.mae, rtol=1e-8, atol=1e-13)
            for name in ("mae_strong", "mae_weak"):
                assert getattr(found, name) == pytest.approx(getattr(truth, name), rel=1e-8)
                assert getattr(found, name) == pytest.approx(getattr(alone, name), rel=1e-11)


def test_the_same_inputs_give_the_same_bytes() -> None:
    clusters = many_clusters()
    one, two = (study_all(clusters, clusters[0].products(), 1 << 20) for _ in range(2))
    for first, second in zip(one, two, strict=True):
        assert first.mae.tobytes() == second.mae.tobytes()
        assert (first.quantile, first.mae_strong, first.mae_weak) == (
            second.quantile, second.mae_strong, second.mae_weak,
        )  # fmt: skip


def test_a_thousand_pairs_are_studied_in_blocks() -> None:
    cluster = make_cluster(2, 40, 30, 10, 20)
    cluster.pairs = sample_pairs(40, [0], most=10**6)
    whole = cluster.study()
    in_blocks = cluster.removal().mean_changes(cached=8 * 20 * 77)
    np.testing.assert_allclose(in_blocks[0], whole.mae, rtol=1e-13)
    np.testing.assert_allclose(whole.mae, cluster.truth().mae, rtol=1e-9)


def test_progress_and_reports_asked_for() -> None:
    clusters = [ClusterPairs(np.arange(k, k + 3), sample_pairs(3, [k])) for k in range(0, 30, 3)]
    clusters.append(ClusterPairs(np.arange(30, 39), np.array([[2, 5]])))
    clusters.append(ClusterPairs(np.arange(40, 43), np.empty((0, 2), dtype=np.int64)))
    given = make_cluster(1, 50, 20, 6, 10)
    asked, told = [], []

    def read(reports: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        asked.extend(reports.tolist())
        return given.scores()[reports], given.coefficients()[reports]

    found = find_strong_features(
        given.products(), clusters, read, budget=30_000, progress=lambda *done: told.append(done)
    )
    assert sorted(asked) == [*range(30), 32, 35]
    assert len(told) > 1
    assert told == sorted(told)
    assert told[-1] == (12, 12)
    assert np.isnan(found[-1].quantile)
    assert not found[-1].strong.any()


LIMITED = """
import resource
import numpy as np
import torch
from compsim_assets.science.strong_features.axis_products import AxisProducts
from compsim_assets.science.strong_features.search import ClusterPairs, find_strong_features
from compsim_assets.science.strong_features.candidates import sample_pairs

torch.set_num_threads(1)
rng = np.random.default_rng(0)
n, width = 8000, 200
scores = rng.standard_normal((n, 50), dtype=np.float32)
coefficients = rng.gamma(1.0, 1.0, (n, width)) * (rng.random((n, width)) < 0.5)
products = AxisProducts.of(torch.from_numpy(rng.normal(size=(width, 50))), torch.float64, n)
clusters = [
    ClusterPairs(np.arange(k, k + size), sample_pairs(size, [k]))
    for size, start, stop in ((4, 0, 3000), (50, 3000, 7000), (1000, 7000, 8000))
    for k in range(start, stop, size)
]
study = lambda budget, some=None: find_strong_features(
    products, clusters[:some], lambda rows: (scores[rows], coefficients[rows]), budget=budget
)
study(1 << 20, 20)
used = next(line for line in open("/proc/self/status") if line.startswith("VmData"))
# Room for 8 MB of temporaries, 8 MB of results and of blocks of pairs, and 32 MB for the allocator, which keeps what it
# has been given back in pieces of its own.
room = int(used.split()[1]) * 1024 + (48 << 20)
resource.setrlimit(resource.RLIMIT_DATA, (room, room))
print(len(study(8 << 20)))
try:
    study(1 << 40)
except (MemoryError, RuntimeError) as error:
    print("too much:", str(error).splitlines()[0])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="limits as on Linux")
def test_memory_stays_within_the_budget() -> None:
    """All reports and pairs at once would need 100 MB and more."""
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    studied, refused = done.stdout.splitlines()
    assert studied == "831"
    assert refused.startswith("too much:")


def test_nothing_to_study() -> None:
    none = make_cluster(1, 3, 10, 4, 5)
    none.candidates = none.candidates[:0]
    found = none.study()
    assert found.mae.shape == found.strong.shape == (0,)
    assert np.isnan([found.quantile, found.mae_strong, found.mae_weak]).all()
