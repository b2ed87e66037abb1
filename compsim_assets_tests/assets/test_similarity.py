"""PCA scores and peers of a tiny universe against its own features, and a universe's published PCA."""

import pickle
import shutil
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from compsim_assets.storage.matrices import matrix_of
from compsim_assets.storage.pca import Pca
from compsim_assets.storage.results import read_manifest
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets_tests.assets.brute_force import cosine_distances
from compsim_assets_tests.runs import Local, Rebuilt, execute, platform

AXES = 30


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
    pca = Pca.of(rebuilt.results).arrays(["components", "explained_variance"])
    scores = rebuilt.read("pca_scores")
    projected = standardised.loc[scores["report_id"]].to_numpy() @ pca["components"].T.astype(float)
    np.testing.assert_allclose(np.stack(scores["scores"].to_list()), projected, atol=1e-4)
    np.testing.assert_allclose(projected.var(axis=0, ddof=1), pca["explained_variance"], rtol=1e-5)


def test_the_scaler_is_that_of_all_reports(rebuilt: Rebuilt) -> None:
    values = np.stack(rebuilt.read("sae_features")["features"].to_list()).astype(float)
    pca = Pca.of(rebuilt.results).arrays(["mean", "scale"])
    np.testing.assert_allclose(pca["mean"], values.mean(axis=0), rtol=1e-12)
    deviation = values.std(axis=0)
    np.testing.assert_allclose(pca["scale"], np.where(deviation > 0, deviation, 1), rtol=1e-12)


def test_strong_features_need_no_stored_components(rebuilt: Rebuilt, tmp_path: Path) -> None:
    run = rebuilt.copy(tmp_path)
    defs = platform(run.settings)
    assert execute(defs, ["pca", "pca_scores"], config={"pca": {"components": "none"}}).success
    assert read_manifest(run.results.array_folder("pca"), "pca.json")["components"] == "none"
    with pytest.raises(FileNotFoundError, match="no components: materialize 'pca' with components"):
        Pca.of(run.results).arrays(["components"])
    scores = run.read("pca_scores")
    assert scores["scores"].map(tuple).equals(rebuilt.read("pca_scores")["scores"].map(tuple))
    assert execute(defs, ["cluster_features", "cluster_feature_summary"]).success
    found, expected = (one.read("cluster_features", "base") for one in (run, rebuilt))
    assert found[["year", "cluster_id", "latent"]].equals(expected[["year", "cluster_id", "latent"]])
    np.testing.assert_allclose(found["mae"], expected["mae"], rtol=1e-4, atol=1e-9)
    # A latent at the threshold may fall on the other side of it.
    assert (found["strong"] != expected["strong"]).mean() < 0.01


# -- A published PCA: scores as scikit-learn gives them, and everything that follows ----------------------------------


@pytest.fixture(scope="module")
def scaled(tiny_universe: Path) -> pd.DataFrame:
    """Standardised features of the tiny universe by report, in float64, the published way."""
    table = pq.read_table(tiny_universe / "features.parquet")
    values = np.stack([np.ravel(row) for row in table["features"].to_pylist()])
    scaled = StandardScaler().fit_transform(values.astype(np.float32).astype(np.float64))
    return pd.DataFrame(scaled, index=table[ID].to_numpy())


@pytest.fixture(scope="module")
def fitted(scaled: pd.DataFrame) -> PCA:
    """A PCA whose axes do not have the signs of ours."""
    pca = PCA(n_components=AXES, svd_solver="full").fit(scaled.to_numpy())
    pca.components_[::2] *= -1
    return pca


def with_pca(folder: Path, tiny_universe: Path, rebuilt: Rebuilt) -> Local:
    """The tiny universe, its features imported already."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "universe"
    made.mkdir()
    for name in ("reports.parquet", "features.parquet"):
        shutil.copy(tiny_universe / name, made)
    shutil.copytree(tiny_universe / "fuzz_scores", made / "fuzz_scores")
    shutil.copytree(rebuilt.results.folder, folder / "data" / "local", symlinks=True)
    return Local(folder)


@pytest.fixture
def run(tmp_path: Path, tiny_universe: Path, rebuilt: Rebuilt) -> Local:
    return with_pca(tmp_path, tiny_universe, rebuilt)


def scores(run: Local) -> pd.DataFrame:
    run.run(["pca", "pca_scores"])
    return stored_scores(run)


def stored_scores(run: Local | Rebuilt) -> pd.DataFrame:
    table = pq.read_table(run.results.table("pca_scores"))
    return pd.DataFrame(matrix_of(table["scores"]), index=table["report_id"].to_numpy())


def expected(pca: PCA, scaled: pd.DataFrame, found: pd.DataFrame) -> np.ndarray:
    return pca.transform(scaled.loc[found.index].to_numpy())


def assert_close(found: pd.DataFrame, truth: np.ndarray, relative: float = 1e-4) -> None:
    np.testing.assert_allclose(found, truth, rtol=relative, atol=relative * np.abs(truth).max())


@pytest.mark.parametrize("writer", ["joblib", "pickle"])
def test_a_published_pickle_scores_as_scikit_learn_does(
    run: Local, scaled: pd.DataFrame, fitted: PCA, writer: str
) -> None:
    path = run.folder / "universe" / "pca.pkl"
    if writer == "joblib":
        joblib.dump(fitted, path)
    else:
        path.write_bytes(pickle.dumps(fitted))
    found = scores(run)
    assert found.shape == (len(scaled), AXES)
    assert_close(found, expected(fitted, scaled, found))
    stored = Pca.of(run.results).arrays(["components", "explained_variance"])
    np.testing.assert_allclose(stored["components"], fitted.components_, atol=1e-7)
    np.testing.assert_allclose(stored["explained_variance"], fitted.explained_variance_)
    said = run.metadata("pca")
    assert said["method"] == "published"
    assert said["dagster/row_count"] == AXES
    share = fitted.explained_variance_ratio_.sum()
    assert said["explained_variance_share"] == pytest.approx(share)


def shifted(fitted: PCA) -> PCA:
    """The same axes around another mean."""
    other = PCA(n_components=AXES)
    other.__dict__.update(fitted.__dict__)
    other.mean_ = fitted.mean_ + np.random.default_rng(0).normal(size=len(fitted.mean_))
    return other


def test_the_published_mean_is_subtracted(run: Local, scaled: pd.DataFrame, fitted: PCA) -> None:
    joblib.dump(shifted(fitted), run.folder / "universe" / "pca.pkl")
    found = scores(run)
    truth = expected(shifted(fitted), scaled, found)
    assert_close(found, truth)
    assert np.abs(truth - expected(fitted, scaled, found)).max() > 1


def test_scikit_learns_names_as_safetensors(run: Local, scaled: pd.DataFrame, fitted: PCA) -> None:
    pca = shifted(fitted)
    arrays = {
        name: np.ascontiguousarray(getattr(pca, name))
        for name in ("components_", "mean_", "explained_variance_", "explained_variance_ratio_")
    }
    save_file(arrays, run.folder / "universe" / "pca.safetensors")
    found = scores(run)
    assert_close(found, expected(pca, scaled, found))


def test_our_own_pca_gives_our_own_scores(run: Local, rebuilt: Rebuilt) -> None:
    own = rebuilt.results.array_folder("pca") / "pca.safetensors"
    shutil.copy(own, run.folder / "universe" / "pca.safetensors")
    truth = stored_scores(rebuilt)
    found = scores(run)
    assert_close(found.loc[truth.index], truth.to_numpy(), 1e-5)
    assert run.metadata("pca")["method"] == "published"
    # What was made of a published PCA is one, too.
    again = load_file(run.results.array_folder("pca") / "pca.safetensors")
    for name, array in load_file(own).items():
        np.testing.assert_array_equal(again[name], array)


def test_the_output_of_a_pca_with_a_mean_gives_the_same_scores(
    run: Local, tiny_universe: Path, rebuilt: Rebuilt, tmp_path: Path, fitted: PCA
) -> None:
    joblib.dump(shifted(fitted), run.folder / "universe" / "pca.pkl")
    first = scores(run)
    other = with_pca(tmp_path / "other", tiny_universe, rebuilt)
    made = run.results.array_folder("pca") / "pca.safetensors"
    shutil.copy(made, other.folder / "universe" / "pca.safetensors")
    assert_close(scores(other).loc[first.index], first.to_numpy(), 1e-5)


def test_fewer_components_are_the_first_ones(run: Local, scaled: pd.DataFrame, fitted: PCA) -> None:
    joblib.dump(fitted, run.folder / "universe" / "pca.pkl")
    done = execute(platform(run.settings), ["pca", "pca_scores"], config={"pca": {"n_components": 7}})
    assert done.success
    found = stored_scores(run)
    assert found.shape[1] == 7
    assert_close(found, expected(fitted, scaled, found)[:, :7])


def test_a_pca_of_other_latents_is_named_and_changes_nothing(run: Local, fitted: PCA) -> None:
    before = stored_scores(run)
    wrong = PCA(n_components=3).fit(np.random.default_rng(0).normal(size=(9, 161)))
    joblib.dump(wrong, run.folder / "universe" / "pca.pkl")
    said = r"pca\.pkl: a PCA of 161 latents, expected 160 as the features have\. Remove it to fit one"
    with pytest.raises(UniverseError, match=said):
        run.run(["pca", "pca_scores"])
    assert stored_scores(run).equals(before)


def test_two_published_pcas_are_one_too_many(run: Local, fitted: PCA) -> None:
    for name in ("pca.pkl", "pca.safetensors"):
        (run.folder / "universe" / name).touch()
    with pytest.raises(UniverseError, match=r"pca\.safetensors and pca\.pkl, expected one of them"):
        run.run(["pca", "pca_scores"])


def test_strong_features_follow_from_a_published_pca(
    run: Local, scaled: pd.DataFrame, fitted: PCA, tiny_universe: Path
) -> None:
    """Each latent's change of the cosines, in a loop: its raw value set to 0, the scaler and the mean kept."""
    pca = shifted(fitted)
    joblib.dump(pca, run.folder / "universe" / "pca.pkl")
    run.run(["pca", "pca_scores", "clustered_reports", "dendrograms", "cutoff_curve", "distance_scale", "cutoffs"])
    run.run(["clusters", "cluster_features", "cluster_feature_summary"])
    raw = pq.read_table(tiny_universe / "features.parquet")
    values = np.stack([np.ravel(row) for row in raw["features"].to_pylist()]).astype(np.float64)
    zero = (0 - values.mean(axis=0)) / values.std(axis=0)
    clusters = run.read("clusters", "base")
    features = run.read("cluster_features", "base")
    assert features["strong"].any()
    members = clusters.groupby(["year", "cluster_id"])["report_id"].apply(list)
    for (year, cluster), own in list(features.groupby(["year", "cluster_id"]))[:3]:
        ids = members[year, cluster]
        x = scaled.loc[ids].to_numpy()
        before = cosines(pca.transform(x))
        for row in own.iloc[::7].itertuples():
            without = x.copy()
            without[:, row.latent] = zero[row.latent]
            mae = np.abs(cosines(pca.transform(without)) - before).mean()
            assert row.mae == pytest.approx(mae, abs=1e-5)


def cosines(z: np.ndarray) -> np.ndarray:
    unit = z / np.linalg.norm(z, axis=1, keepdims=True)
    return (unit @ unit.T)[np.triu_indices(len(z), 1)]


def test_without_a_published_pca_one_is_fitted(run: Local) -> None:
    scores(run)
    assert run.metadata("pca")["method"] != "published"


# -- A PCA of features that are not standardised ------------------------------------------------------------------


@pytest.fixture(scope="module")
def unscaled(tiny_universe: Path) -> pd.DataFrame:
    """The tiny universe's features as they are, by report."""
    table = pq.read_table(tiny_universe / "features.parquet")
    values = np.stack([np.ravel(row) for row in table["features"].to_pylist()]).astype(np.float32)
    return pd.DataFrame(values.astype(np.float64), index=table[ID].to_numpy())


def test_a_pca_of_the_features_as_they_are_is_applied_to_them(run: Local, unscaled: pd.DataFrame) -> None:
    pca = PCA(AXES).fit(unscaled.to_numpy())
    joblib.dump(pca, run.folder / "universe" / "pca.pkl")
    found = scores(run)
    truth = expected(pca, unscaled, found)
    assert_close(found, truth)
    np.testing.assert_allclose(cosines(found.to_numpy()), cosines(truth), atol=1e-5)
    assert run.metadata("pca")["fitted_on"].startswith("raw features")
    # Its output says the scaler, none, and gives the same scores again.
    made = run.results.array_folder("pca") / "pca.safetensors"
    (run.folder / "universe" / "pca.pkl").unlink()
    shutil.copy(made, run.folder / "universe" / "pca.safetensors")
    assert_close(scores(run), truth)


def test_a_pipeline_is_applied_whole(run: Local, unscaled: pd.DataFrame) -> None:
    part = unscaled.to_numpy()[::3]
    pipeline = make_pipeline(StandardScaler(), PCA(AXES)).fit(part)
    joblib.dump(pipeline, run.folder / "universe" / "pca.pkl")
    found = scores(run)
    assert_close(found, pipeline.transform(unscaled.loc[found.index].to_numpy()))
    assert "fitted_on" not in run.metadata("pca")


def test_a_pca_of_other_features_is_refused_unless_the_universe_says_what_they_are(
    run: Local, unscaled: pd.DataFrame
) -> None:
    universe = run.folder / "universe"
    before = stored_scores(run)
    pca = PCA(AXES).fit(np.log1p(unscaled.to_numpy()))
    joblib.dump(pca, universe / "pca.pkl")
    largest = f"{np.abs(pca.mean_).max():.3g}"
    with pytest.raises(
        UniverseError, match=rf"pca\.pkl: a PCA of other features: its mean_ is up to {largest} "
    ) as caught:
        run.run(["pca", "pca_scores"])
    assert '[pca] features = "standardised" or "raw"' in str(caught.value)
    assert stored_scores(run).equals(before)
    (universe / "universe.toml").write_text('[pca]\nfeatures = "raw"\n')
    found = scores(run)
    assert_close(found, expected(pca, unscaled, found))
    joblib.dump(make_pipeline(StandardScaler(), PCA(3)).fit(unscaled.to_numpy()), universe / "pca.pkl")
    with pytest.raises(
        UniverseError, match=r"pca\.pkl: brings a scaler, and universe\.toml says \[pca\] features = 'raw'"
    ):
        run.run(["pca", "pca_scores"])


def test_a_mean_of_its_own_is_said(run: Local, fitted: PCA) -> None:
    pca = shifted(fitted)
    joblib.dump(pca, run.folder / "universe" / "pca.pkl")
    scores(run)
    assert run.metadata("pca")["own_mean"] == pytest.approx(np.abs(pca.mean_).max())
