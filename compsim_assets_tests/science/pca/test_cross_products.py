"""Gram and covariance matrices from blocks against one product of the standardised data."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from benchmarks.inputs import DenseFeatures
from compsim_assets.science.pca.cross_products import covariance, gram
from compsim_assets.science.pca.standardise import StandardisedFeatures


def test_symmetric_halves_make_the_whole() -> None:
    """Whatever the tiles of the matrix, the blocks of latents and the type of the products."""
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, size=(13, 17)).astype(np.float32)
    values[:, 3] = 0.1
    copies = rng.integers(1, 4, size=13)
    repeated = np.repeat(values.astype(float), copies, axis=0)
    scaler = StandardScaler().fit(repeated)
    deviation = repeated.std(axis=0)
    scaled = (values - scaler.mean_) / np.where(deviation < 1e-12, 1, deviation)
    scaled[:, 3] = 0
    weighted = scaled * np.sqrt(copies)[:, None]
    exact = [(tile, block, torch.float64, 1e-12) for tile in (1, 4, 7, 2048) for block in (1, 5, 100)]
    for tile, block, dtype, tolerance in [*exact, (4, 5, torch.float32, 1e-4)]:
        for sums in (None, torch.float64):
            for product, expected in ((_gram, weighted @ weighted.T), (covariance, weighted.T @ weighted)):
                data = StandardisedFeatures(DenseFeatures(values), copies, block=block, dtype=dtype, device="cpu")
                matrix = product(data, tile, sums=sums)
                assert matrix.dtype == (sums or dtype)
                np.testing.assert_allclose(matrix.numpy(), expected, atol=tolerance)
                assert torch.equal(matrix, matrix.T)


def _gram(data: StandardisedFeatures, tile: int, sums: torch.dtype | None) -> torch.Tensor:
    return gram(data, tile, sums=sums)[0]


@pytest.mark.parametrize("sums", [None, torch.float64])
def test_products_with_other_rows_come_in_the_same_pass(sums: torch.dtype | None) -> None:
    """Standardised as the fitted rows are, block by block; a latent that those never vary is zero in the others."""
    rng = np.random.default_rng(1)
    values, others = (rng.gamma(2.0, size=(n, 23)).astype(np.float32) for n in (11, 9))
    values[:, 5] = 0.3
    copies = rng.integers(1, 4, size=11)
    for block, tile, dtype, tolerance in [(6, 4, torch.float64, 1e-12), (23, 100, torch.float32, 1e-4)]:
        read: list[tuple[str, int]] = []
        data = StandardisedFeatures(_Noting(values, read, "fitted"), copies, block=block, dtype=dtype, device="cpu")
        matrix, products = gram(data, tile, data.alike(_Noting(others, read, "other")), sums)
        assert read == [(rows, start) for start in range(0, 23, block) for rows in ("fitted", "other")]
        repeated = np.repeat(values.astype(float), copies, axis=0)
        scale = np.where(np.arange(23) == 5, np.inf, repeated.std(axis=0))
        fitted, other = ((part - repeated.mean(axis=0)) / scale for part in (values, others))
        fitted *= np.sqrt(copies)[:, None]
        np.testing.assert_allclose(matrix.numpy(), fitted @ fitted.T, atol=tolerance)
        np.testing.assert_allclose(products.numpy(), other @ fitted.T, atol=tolerance)


class _Noting(DenseFeatures):
    """Features that note whose block of latents is read."""

    def __init__(self, values: np.ndarray, read: list[tuple[str, int]], name: str) -> None:
        super().__init__(values)
        self._read, self._name = read, name

    def columns(self, start: int, stop: int, positions: np.ndarray | None = None) -> np.ndarray:
        self._read.append((self._name, start))
        return super().columns(start, stop, positions)


def test_float64_sums_of_float32_products_are_off_by_a_block_alone() -> None:
    """Many blocks of latents: a sum in float32 is off by the rounding of all of them."""
    values = DenseFeatures(np.random.default_rng(2).gamma(2.0, size=(40, 20_000)))

    def matrix(dtype: torch.dtype, sums: torch.dtype) -> torch.Tensor:
        return gram(StandardisedFeatures(values, np.ones(40), block=50, dtype=dtype, device="cpu"), sums=sums)[0]

    exact = matrix(torch.float64, torch.float64)
    single, double = (matrix(torch.float32, sums) for sums in (torch.float32, torch.float64))
    off = [float((matrix.double() - exact).abs().max()) / 20_000 for matrix in (single, double)]
    assert off[1] < 2e-8
    assert off[1] < off[0] / 3


# Writes 300 x 100,000 features (120 MB) in blocks, then allows the process what the PCA says it needs, and 80 MB.
LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from compsim_assets.storage.shards import FeatureShards, write_feature_shards
from compsim_assets.science.pca.fit import fit_pca, memory_needed

def written(folder, n, latents):
    folder.mkdir()
    rng = np.random.default_rng(0)
    blocks = ((np.arange(i, i + 50), rng.random((50, latents), dtype=np.float32)) for i in range(0, n, 50))
    write_feature_shards(folder, blocks, latents, {})
    return FeatureShards(folder)

n, latents = 300, 100_000
shards = written(Path(sys.argv[1]) / "large", n, latents)
# Threads and work areas of the libraries exist from now on.
fit_pca(written(Path(sys.argv[1]) / "small", 100, 500), 5, block=64, components=False)
data = next(line for line in open("/proc/self/status") if line.startswith("VmData"))
needed = memory_needed(n, latents, 20, 4096)
assert needed < 30_000_000
limit = int(data.split()[1]) * 1024 + needed + 80_000_000
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
fitted = fit_pca(shards.distinct(), 20, block=4096, components=False)
print("scores", fitted.scores.shape)
try:
    shards.columns(0, latents)
except MemoryError:
    print("the whole does not fit")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts allocations on Linux only")
def test_features_are_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    command, environment = [sys.executable, "-c", LIMITED, str(tmp_path)], {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, env=environment)
    assert done.stdout.splitlines() == ["scores (300, 20)", "the whole does not fit"], done.stderr
