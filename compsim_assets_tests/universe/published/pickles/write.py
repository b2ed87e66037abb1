"""Writes the published kinds of pickles with the libraries of the Python that runs it: `python write.py FOLDER`.

The folders beside this file were written by:

    pandas-1.5: Python 3.11, pandas 1.5.3, numpy 1.24.4, scikit-learn 1.2.2,  joblib 1.2.0
    pandas-2.2: Python 3.11, pandas 2.2.3, numpy 1.26.4, scikit-learn 1.5.2,  joblib 1.4.2
    numpy-2.0:  Python 3.11, pandas 2.2.3, numpy 2.0.2,  scikit-learn 1.6.1,  joblib 1.4.2
"""

import pickle
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA, IncrementalPCA


def cluster_set():
    clusters = [{2: [70, 71], 0: [np.int64(72)], "Oil, Gas_2": ["73"]}, {1: np.array([60, 61]), 5: []}]
    return pd.DataFrame({"year": ["1997.0", "1996"], "clusters": clusters})


def strong_features():
    mae = pd.DataFrame({"mae": [0.5, 0.25, 0.125]}, index=[9, 4, 131071])
    parts = {"strong_features": np.array([4]), "weak_features": np.array([9]), "mae_by_feature": mae}
    return {"10,9": parts, "100,11,12": {**parts, "strong_features": np.array([131071, 4])}}


def features():
    """(12, 5) numbers that are the same with any numpy."""
    return np.sin(np.arange(60.0) ** 1.5).reshape(12, 5)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    cluster_set().to_pickle(str(folder / "cluster_set.pkl"))
    with open(folder / "strong_features.pkl", "wb") as file:
        pickle.dump(strong_features(), file)
    pca = PCA(n_components=3).fit(features())
    joblib.dump(pca, folder / "pca.pkl")
    with open(folder / "pca_plain.pkl", "wb") as file:
        pickle.dump(pca, file)
    joblib.dump(IncrementalPCA(n_components=3).fit(features()), folder / "incremental.pkl", compress=3)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
