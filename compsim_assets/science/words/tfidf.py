"""Texts as weights of their words: what any library of text gives without a model."""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from compsim_assets.science.pca.eigenpairs import top_eigenpairs
from compsim_assets.science.pca.sparse_products import row_products

# Eigenvalues below this share of the largest are rounding of a float32 matrix.
_NOISE = 1e-6


def tfidf_rows(texts: Sequence[str], max_words: int) -> sparse.csr_array:
    """(n, words) float32, rows of length one: 1 + log of a word's count in a text, times log((1 + n) / (1 + texts that
    have it)) + 1; lower case, words of two letters and more that at least two texts have, the most frequent ones.

    A row without such a word is zero. Without any such word the array has no column.

    Cost: O(words of all texts). Memory: 12 bytes for each different word of each text.
    """
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=min(2, len(texts)), max_features=max_words, dtype=np.float32)
    try:
        return sparse.csr_array(vectorizer.fit_transform(texts))
    except ValueError:  # not one word in all texts
        return sparse.csr_array((len(texts), 0), dtype=np.float32)


def cosine_scores(
    weights: sparse.csr_array, n_components: int, device: str, log: Callable[[str], None] | None = None
) -> np.ndarray:
    """(n, P) float32 whose products are those of the rows: exactly with P = n, the nearest such ones with less.

    Cost: `row_products`, then `top_eigenpairs` of an (n, n) matrix. Memory O(n^2).
    """
    gram = row_products(weights, device)
    pairs = top_eigenpairs(gram, n_components, progress=log)
    keep = int((pairs.values > pairs.values[0] * _NOISE).sum())
    scores: np.ndarray = (pairs.vectors[:, :keep] * pairs.values[:keep].sqrt().to(gram.dtype)).cpu().numpy()
    return scores
