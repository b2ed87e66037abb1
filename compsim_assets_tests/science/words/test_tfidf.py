"""Weights of words: against the formula, in blocks, and as scores whose cosines are those of the weights."""

import numpy as np
import pytest

from compsim_assets.science.pca.arrays import SparseFeatures
from compsim_assets.science.words.tfidf import cosine_scores, tfidf_rows

TEXTS = ["oil and gas and oil", "gas pipes", "bread, oil", "bread and bread and pipes", "x", "quartz"]


def by_hand() -> np.ndarray:
    """Rows of the words that two texts have, in alphabetical order."""
    words = [text.replace(",", "").split() for text in TEXTS]
    usual = ["and", "bread", "gas", "oil", "pipes"]
    counts = np.array([[text.count(word) for word in usual] for text in words], dtype=float)
    weights = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0)
    weights *= np.log((1 + len(TEXTS)) / (1 + (counts > 0).sum(axis=0))) + 1
    return weights / np.maximum(np.linalg.norm(weights, axis=1, keepdims=True), 1e-12)


def test_weights_are_those_of_the_formula() -> None:
    np.testing.assert_allclose(tfidf_rows(TEXTS, 100).toarray(), by_hand(), atol=1e-6)


def test_the_most_frequent_words_are_taken() -> None:
    assert tfidf_rows(TEXTS, 2).shape == (6, 2)
    assert tfidf_rows(["a", "b"], 100).shape == (2, 0)


def test_blocks_are_parts_of_the_whole() -> None:
    weights = tfidf_rows(TEXTS, 100)
    features, dense = SparseFeatures(weights), weights.toarray()
    assert features.shape == dense.shape
    np.testing.assert_array_equal(features.columns(1, 4), dense[:, 1:4])
    positions = np.array([3, 0])
    np.testing.assert_array_equal(features.columns(1, 4, positions), dense[positions, 1:4])
    np.testing.assert_array_equal(features.rows(positions), dense[positions])


def test_scores_have_the_cosines_of_the_weights() -> None:
    weights = tfidf_rows(TEXTS, 100)
    scores, dense = cosine_scores(weights, 100, "cpu"), weights.toarray()
    np.testing.assert_allclose(scores @ scores.T, dense @ dense.T, atol=1e-5)
    assert cosine_scores(weights, 2, "cpu").shape == (6, 2)
    # What has no usual word is like nothing.
    assert np.abs(scores[4:]).max() == pytest.approx(0, abs=1e-5)
