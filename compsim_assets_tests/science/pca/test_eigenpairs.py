"""The largest eigenpairs by the Krylov method against LAPACK's full decomposition."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.pca.eigenpairs import Eigenpairs, top_eigenpairs
from compsim_assets_tests.science.strategies import examples


def by_krylov(matrix: torch.Tensor, k: int, **options: Any) -> Eigenpairs:
    """By the block Krylov method however small the matrix is."""
    return top_eigenpairs(matrix, k, small=0, **options)


def matrix_with(spectrum: np.ndarray, seed: int = 0) -> torch.Tensor:
    """A symmetric matrix with these eigenvalues and random eigenvectors."""
    n = len(spectrum)
    vectors = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]
    return torch.from_numpy(vectors * spectrum @ vectors.T)


def decaying(n: int, power: float = 1.0) -> np.ndarray:
    return 1000.0 / np.arange(1, n + 1) ** power


def cosines(values: torch.Tensor, vectors: torch.Tensor) -> np.ndarray:
    scores = vectors.double().numpy() * np.sqrt(values.numpy())
    unit = scores / np.linalg.norm(scores, axis=1, keepdims=True)
    return unit @ unit.T


def truth(matrix: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    values, vectors = np.linalg.eigh(matrix.double().numpy())
    return torch.from_numpy(values[::-1][:k].copy()), torch.from_numpy(vectors[:, ::-1][:, :k].copy())


def assert_orthonormal(found: Eigenpairs, tolerance: float) -> None:
    gram = found.vectors.double().T @ found.vectors.double()
    np.testing.assert_allclose(gram.numpy(), np.eye(len(gram)), atol=tolerance)


@pytest.mark.parametrize(("dtype", "exact"), [(torch.float64, 1e-9), (torch.float32, 2e-5)], ids=str)
def test_a_decaying_spectrum(dtype: torch.dtype, exact: float) -> None:
    matrix, k, lines = matrix_with(decaying(300)).to(dtype), 40, list[str]()
    found = by_krylov(matrix, k, progress=lines.append)
    values, vectors = truth(matrix, k)
    assert found.method == "block krylov"
    assert found.cosine_change <= 1e-5
    assert 2 * k < found.basis < 300
    assert lines[0] == "eigenpairs: basis of 96, cosines changed by inf"
    assert f"basis of {found.basis:,}," in lines[-1]
    assert found.vectors.dtype == dtype
    np.testing.assert_allclose(found.values, values, rtol=max(exact, 1e-7))
    np.testing.assert_allclose(cosines(found.values, found.vectors), cosines(values, vectors), atol=1e-4)
    assert_orthonormal(found, exact)
    residual = matrix.double() @ found.vectors.double() - found.vectors.double() * found.values
    expected = (residual.norm(dim=0) / found.values)[[0, k // 2, k - 1]]
    np.testing.assert_allclose(found.residuals, expected, rtol=0.1, atol=1e-6)


# Cosines on one or two axes jump from -1 to 1 with the sign of a rounding, so at least four.
@examples(8)
@given(st.integers(0, 99), st.integers(20, 120), st.integers(4, 12), st.floats(0.3, 2.0))
def test_cosines_of_any_smooth_spectrum(seed: int, n: int, k: int, power: float) -> None:
    matrix = matrix_with(decaying(n, power), seed)
    found = by_krylov(matrix, k)
    if found.cosine_change <= 1e-5:
        expected = cosines(*truth(matrix, k))
        np.testing.assert_allclose(cosines(found.values, found.vectors), expected, atol=1e-4)
    else:  # only where the basis could grow no further
        assert found.basis + 8 > n


def test_one_component() -> None:
    matrix = matrix_with(decaying(200, 0.3))
    found = by_krylov(matrix, 1)
    assert found.basis > 16
    np.testing.assert_allclose(found.values, [1000.0], rtol=1e-5)


def test_a_flat_spectrum_is_said_not_to_have_settled() -> None:
    matrix = matrix_with(1.0 + 1e-3 * np.random.default_rng(0).random(600))
    found = by_krylov(matrix, 128)
    assert found.basis == 512
    assert found.cosine_change > 1e-3


@pytest.mark.parametrize("rank", [0, 3, 40])
def test_fewer_directions_than_asked_for(rank: int) -> None:
    spectrum = np.zeros(200)
    spectrum[:rank] = decaying(rank)
    found = by_krylov(matrix_with(spectrum), 60)
    np.testing.assert_allclose(found.values[:rank], spectrum[:rank], rtol=1e-9)
    np.testing.assert_allclose(found.values[rank:], 0, atol=1e-9)
    assert_orthonormal(found, 1e-9)


def test_the_seed_moves_nothing_that_matters_and_the_same_seed_nothing() -> None:
    matrix = matrix_with(decaying(200))
    one, same, other = (by_krylov(matrix, 20, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.vectors, same.vectors)
    assert torch.equal(one.values, same.values)
    assert not torch.equal(one.vectors, other.vectors)
    first, second = (cosines(found.values, found.vectors) for found in (one, other))
    np.testing.assert_allclose(first, second, atol=1e-4)


@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 2), (40, 40), (40, 400)])
def test_small_matrices_are_lapack_s(n: int, k: int) -> None:
    matrix = matrix_with(decaying(n))
    found = top_eigenpairs(matrix, k)
    assert (found.method, found.basis, found.cosine_change) == ("lapack", n, 0.0)
    np.testing.assert_allclose(found.values, decaying(n)[:k], rtol=1e-12)
    assert max(found.residuals) < 1e-12
