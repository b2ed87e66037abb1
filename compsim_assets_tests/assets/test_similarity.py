"""PCA scores and peers of a tiny universe, against the universe's own features."""

import numpy as np
import pandas as pd
import pytest

from compsim_assets.storage.pca import load_pca
from compsim_assets_tests.assets.brute_force import cosine_distances
from compsim_assets_tests.runs import Rebuilt


@pytest.fixture(scope="module")
def standardised(rebuilt: Rebuilt) -> pd.DataFrame:
    """The universe's features, scaled by hand, by report id."""
    given = pd.read_parquet(rebuilt.universe / "features.parquet")
    values = np.stack(given["features"].to_list()).astype(float)
    deviation = values.std(axis=0)
    scaled = (values - values.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    return pd.DataFrame(scaled, index=given["__index_level_0__"].to_list())


def test_each_report_has_scores_and_its_year(rebuilt: Rebuilt) -> None:
    scores, reports = rebuilt.read("pca_scores"), rebuilt.read("descriptions")
    assert sorted(scores["report_id"]) == reports["report_id"].tolist()
    years = reports.set_index("report_id")["year"]
    assert scores["year"].tolist() == years.loc[scores["report_id"]].tolist()


def test_scores_keep_all_cosines_of_the_scaled_features(rebuilt: Rebuilt, standardised: pd.DataFrame) -> None:
    """No axis is left out here, and a rotation changes no angle."""
    scores = rebuilt.read("pca_scores")
    wanted = cosine_distances(standardised.loc[scores["report_id"]].to_numpy())
    found = cosine_distances(np.stack(scores["scores"].to_list()))
    np.testing.assert_allclose(found, wanted, atol=2e-6)


def test_scores_are_projections_on_the_components(rebuilt: Rebuilt, standardised: pd.DataFrame) -> None:
    pca = load_pca(rebuilt.results, ["components", "explained_variance"])
    scores = rebuilt.read("pca_scores")
    projected = standardised.loc[scores["report_id"]].to_numpy() @ pca["components"].T.astype(float)
    np.testing.assert_allclose(np.stack(scores["scores"].to_list()), projected, atol=1e-4)
    np.testing.assert_allclose(projected.var(axis=0, ddof=1), pca["explained_variance"], rtol=1e-5)


def test_the_scaler_is_that_of_all_reports(rebuilt: Rebuilt) -> None:
    values = np.stack(rebuilt.read("sae_features")["features"].to_list()).astype(float)
    pca = load_pca(rebuilt.results, ["mean", "scale"])
    np.testing.assert_allclose(pca["mean"], values.mean(axis=0), rtol=1e-12)
    deviation = values.std(axis=0)
    np.testing.assert_allclose(pca["scale"], np.where(deviation > 0, deviation, 1), rtol=1e-12)


def test_peers_are_the_nearest_of_the_year(rebuilt: Rebuilt) -> None:
    peers, scores = rebuilt.read("nearest_peers"), rebuilt.read("pca_scores")
    for year, rows in scores.groupby("year"):
        cosine = 1 - cosine_distances(np.stack(rows["scores"].to_list()))
        np.fill_diagonal(cosine, -np.inf)
        ids = rows["report_id"].to_numpy()
        for own, report in enumerate(ids):
            found = peers[peers["report_id"] == report].sort_values("rank")
            order = np.argsort(-cosine[own])[: min(20, len(ids) - 1)]
            assert found["rank"].tolist() == list(range(1, len(order) + 1))
            assert found["peer_id"].tolist() == ids[order].tolist()
            assert set(found["year"]) == {year}
            np.testing.assert_allclose(found["cosine"], cosine[own][order], atol=1e-12)
