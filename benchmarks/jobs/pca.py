"""PCA: the paper's size out of core, and a size that scikit-learn's PCA can do too."""

import re
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.decomposition import PCA

from benchmarks.inputs import DenseFeatures, FeatureSize, feature_blocks
from benchmarks.measure import Row, gemm_rate, timed
from compsim_assets.science.pca.fit import PrincipalComponents, fit_pca
from compsim_assets.storage.shards import FeatureShards, write_feature_shards

LARGE = {"small": FeatureSize(3_600, 16_384, 400), "paper": FeatureSize(27_888, 131_072, 4_000)}
BOTH = {"small": FeatureSize(3_060, 4_096, 200), "paper": FeatureSize(6_000, 24_576, 800)}


def rows(size: str, device: str) -> list[Row]:
    """Out of core, without the axes; then beside scikit-learn, with them."""
    return [_out_of_core(LARGE[size], device), _beside_sklearn(BOTH[size], device)]


def _out_of_core(size: FeatureSize, device: str) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        written = timed(lambda: write_feature_shards(Path(folder), feature_blocks(size), size.latents, {}))
        shards = FeatureShards(Path(folder))
        bases: list[int] = []

        def log(line: str) -> None:
            print(line, file=sys.stderr, flush=True)
            bases.extend(int(size.replace(",", "")) for size in re.findall(r"basis of ([\d,]+)", line))

        measured = timed(lambda: fit_pca(shards, size.axes, components=False, device=device, log=log))
    fitted: PrincipalComponents = measured.result
    first, middle, last = fitted.residuals
    return Row(
        job="PCA from shards on disk",
        size=_text(size),
        ours=measured.seconds,
        floor=_floor(size, fitted, bases, device),
        peak=measured.peak,
        note=f"features {4e-9 * size.reports * size.latents:.1f} GB, written in {written.seconds:.0f} s; "
        f"{fitted.method}, basis of {fitted.basis:,} in {len(bases)} sizes, cosines changed by "
        f"{fitted.cosine_change:.0e}; residuals {first:.0e}, {middle:.0e}, {last:.0e}",
    )


def _floor(size: FeatureSize, fitted: PrincipalComponents, bases: list[int], device: str) -> float:
    """Seconds of matrix products for the flops counted: half the Gram matrix, the basis, and Rayleigh-Ritz with it.

    Each size of the basis that was tried is a dense eigenproblem in float64, 9 m^3 flops.
    """
    n, m = size.reports, fitted.basis
    products = n**2 * size.latents + 2 * n**2 * m + 4 * n * m**2 + 2 * n * m * size.axes
    dense = sum(9 * tried**3 for tried in bases)
    dtype = getattr(torch, fitted.products)
    return products / gemm_rate(dtype, device) + dense / gemm_rate(torch.float64, device)


def _beside_sklearn(size: FeatureSize, device: str) -> Row:
    values = np.concatenate([block for _, block in feature_blocks(size)])
    measured = timed(lambda: fit_pca(DenseFeatures(values), size.axes, device=device))
    fitted: PrincipalComponents = measured.result
    scaled = (values - fitted.mean) / fitted.scale
    full = PCA(size.axes, svd_solver="full")
    theirs = timed(lambda: full.fit_transform(scaled))
    quick = PCA(size.axes, svd_solver="randomized", random_state=0)
    randomised = timed(lambda: quick.fit_transform(scaled))
    assert fitted.components is not None
    angle = _largest_sine(fitted.components.astype(float), full.components_)
    return Row(
        job="PCA in memory (published: scikit-learn, full)",
        size=_text(size),
        ours=measured.seconds,
        published=theirs.seconds,
        peak=measured.peak,
        difference=cosine_difference(fitted.scores, theirs.result),
        note=f"difference of cosines; largest sine between the subspaces {angle:.0e}; scikit-learn's randomized "
        f"solver {randomised.seconds:.1f} s, its cosines off by "
        f"{cosine_difference(randomised.result, theirs.result):.0e}",
    )


def cosine_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The largest difference of two rows' cosine, between two sets of scores of the same rows."""

    def cosines(scores: np.ndarray) -> np.ndarray:
        unit = scores / np.linalg.norm(scores.astype(float), axis=1, keepdims=True)
        return unit @ unit.T

    return float(np.abs(cosines(ours) - cosines(theirs)).max())


def _largest_sine(ours: np.ndarray, theirs: np.ndarray) -> float:
    smallest_cosine = np.linalg.svd(ours @ theirs.T, compute_uv=False)[-1]
    return float(np.sqrt(max(0.0, 1.0 - smallest_cosine**2)))


def _text(size: FeatureSize) -> str:
    return f"{size.reports:,} x {size.latents:,}, P = {size.axes:,}"
