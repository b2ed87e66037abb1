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
        for product, expected in ((gram, weighted @ weighted.T), (covariance, weighted.T @ weighted)):
            data = StandardisedFeatures(DenseFeatures(values), copies, block=block, dtype=dtype, device="cpu")
            found = product(data, tile)
            assert found.dtype == dtype
            np.testing.assert_allclose(found.numpy(), expected, atol=tolerance)
            assert torch.equal(found, found.T)


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
