"""Gram and covariance matrices from blocks against one product of the standardised data."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from compsim_assets.science.pca import cross_products
from compsim_assets.science.pca.cross_products import covariance, gram
from compsim_assets.science.pca.standardise import DenseFeatures, StandardisedFeatures


@pytest.mark.parametrize("tile", [1, 4, 7, 2048])
@pytest.mark.parametrize("block", [1, 5, 100])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_symmetric_halves_make_the_whole(
    monkeypatch: pytest.MonkeyPatch, tile: int, block: int, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(cross_products, "_TILE", tile)
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
    tolerance = 1e-12 if dtype is torch.float64 else 1e-4
    for found, expected in (
        (gram(StandardisedFeatures(DenseFeatures(values), copies, block, dtype, "cpu")), weighted @ weighted.T),
        (covariance(StandardisedFeatures(DenseFeatures(values), copies, block, dtype, "cpu")), weighted.T @ weighted),
    ):  # fmt: skip
        assert found.dtype == dtype
        np.testing.assert_allclose(found.numpy(), expected, atol=tolerance)
        assert torch.equal(found, found.T)


# Writes 500 x 100,000 features (200 MB) in blocks, then allows the process what the PCA says it needs, and 80 MB.
LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from compsim_assets.storage.shards import FeatureShards, write_feature_shards
from compsim_assets.science.pca.fit import fit_pca, memory_needed

folder, n, latents = Path(sys.argv[1]), 500, 100_000
rng = np.random.default_rng(0)
blocks = ((np.arange(i, i + 50), rng.random((50, latents), dtype=np.float32)) for i in range(0, n, 50))
write_feature_shards(folder, blocks, latents, {})
shards = FeatureShards(folder)
fit_pca(shards, 5, block=64, components=False)  # threads and work areas of the libraries exist from now on
data = next(line for line in open("/proc/self/status") if line.startswith("VmData"))
needed = memory_needed(n, latents, 20, 4096)
assert needed < 40_000_000
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
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == ["scores (500, 20)", "the whole does not fit"], done.stderr
