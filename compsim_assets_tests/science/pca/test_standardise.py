"""Standardised blocks of some reports, and of others as those were standardised."""

import numpy as np
import torch

from benchmarks.inputs import DenseFeatures
from compsim_assets.science.pca.standardise import ChosenRows, StandardisedFeatures


def test_a_latent_without_variance_is_zero_in_other_reports_too() -> None:
    rng = np.random.default_rng(4)
    values, others = rng.normal(size=(20, 5)), rng.normal(size=(6, 5))
    values[:, 3] = 0.1
    fitted = StandardisedFeatures(DenseFeatures(values), np.ones(20), block=2, dtype=torch.float64, device="cpu")
    fitted.fit()
    alike = fitted.alike(DenseFeatures(others))
    ((_, by_row),) = alike.row_blocks(6)
    by_column = torch.cat([block.clone() for _, block in alike.column_blocks()], dim=1)
    wanted = (others.astype(np.float32) - fitted.mean) / fitted.scale
    wanted[:, 3] = 0
    for found in (by_row, by_column):
        np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-12)


def test_chosen_rows_are_those_rows() -> None:
    values = np.arange(30, dtype=np.float32).reshape(6, 5)
    chosen = ChosenRows(DenseFeatures(values), np.array([4, 0, 2]))
    assert chosen.shape == (3, 5)
    np.testing.assert_array_equal(chosen.columns(1, 3), values[[4, 0, 2], 1:3])
    np.testing.assert_array_equal(chosen.rows(np.array([2, 0])), values[[2, 4]])
    np.testing.assert_array_equal(chosen.columns(1, 3, np.array([1, 1])), values[[0, 0], 1:3])
