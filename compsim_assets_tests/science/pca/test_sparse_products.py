"""Products of sparse rows, with rare columns, against those of the same rows as a dense array."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from compsim_assets.science.pca import sparse_products
from compsim_assets.science.pca.arrays import ArrayFeatures, SparseFeatures
from compsim_assets.science.pca.cross_products import gram
from compsim_assets.science.pca.sparse_products import RareColumns, row_products
from compsim_assets.science.pca.standardise import FeatureMatrix, StandardisedFeatures

N, RARE_ONES, OTHERS = 130, 40, 9


def some_values(seed: int) -> np.ndarray:
    """Columns that one to three of 130 rows have, columns that most have, and one that none has, in any order."""
    rng = np.random.default_rng(seed)
    values = np.zeros((N, RARE_ONES + OTHERS + 1), dtype=np.float32)
    for column in range(RARE_ONES):
        rows = rng.choice(N, rng.integers(1, 4), replace=False)
        values[rows, column] = rng.gamma(2.0, size=len(rows))
    values[:, RARE_ONES:-1] = rng.gamma(2.0, size=(N, OTHERS)) * (rng.random((N, OTHERS)) < 0.8)
    return values[:, rng.permutation(values.shape[1])]


def standardised(features: FeatureMatrix, copies: np.ndarray, block: int, dtype: torch.dtype) -> StandardisedFeatures:
    return StandardisedFeatures(features, copies, block=block, dtype=dtype, device="cpu")


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 99), block=st.sampled_from([3, 7, 100]), many=st.booleans())
def test_gram_matrices_are_those_of_the_dense_array(seed: int, block: int, many: bool) -> None:
    values = some_values(seed)
    copies = np.random.default_rng(seed).integers(1, 4, N) if many else np.ones(N)
    for dtype, tolerance in ((torch.float64, 1e-11), (torch.float32, 2e-3)):
        dense = standardised(ArrayFeatures(values), copies, block, torch.float64)
        thin = standardised(SparseFeatures(sparse.csr_array(values)), copies, block, dtype)
        matrix = gram(thin)[0]
        np.testing.assert_allclose(matrix.numpy(), gram(dense)[0].numpy(), atol=tolerance)
        assert torch.equal(matrix, matrix.T)


@pytest.mark.parametrize("rows", [1, 50, 1024])
def test_any_rows_at_a_time_give_the_same(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(sparse_products, "_ROWS", rows)
    values = some_values(0)
    np.testing.assert_allclose(row_products(sparse.csr_array(values), "cpu").numpy(), values @ values.T, rtol=1e-5)


def test_dense_products_are_made_of_the_other_columns_alone() -> None:
    values = some_values(3)
    features = standardised(SparseFeatures(sparse.csr_array(values)), np.ones(N), 20, torch.float64)
    rare = RareColumns(features)
    assert sum(rare.without(where, block).shape[1] for where, block in features.column_blocks()) == OTHERS
    dense = standardised(ArrayFeatures(values), np.ones(N), 20, torch.float64)
    assert all(RareColumns(dense).without(where, block) is block for where, block in dense.column_blocks())


@pytest.mark.parametrize("columns", [[0], [-1], []])
def test_products_of_one_kind_of_columns_alone(columns: list[int]) -> None:
    """A single rare one, one that is everywhere, none at all."""
    values = np.zeros((N, 2), dtype=np.float32)
    values[5, 0], values[:, 1] = 2.0, 3.0
    np.testing.assert_allclose(
        row_products(sparse.csr_array(values[:, columns]), "cpu").numpy(), values[:, columns] @ values[:, columns].T
    )
