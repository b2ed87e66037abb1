"""A PCA without stored axes gives the same scores and strong features."""

from pathlib import Path

import numpy as np
import pytest

from compsim_assets.storage.pca import load_pca
from compsim_assets.storage.results import read_manifest
from compsim_assets_tests.runs import Rebuilt, execute, platform


def test_strong_features_need_no_stored_components(rebuilt: Rebuilt, tmp_path: Path) -> None:
    run = rebuilt.copy(tmp_path)
    config = {"ops": {"pca": {"config": {"components": "none"}}}}
    defs = platform(run.settings)
    assert execute(defs, ["pca", "pca_scores"], run_config=config).success
    assert read_manifest(run.results.array_folder("pca"), "pca.json")["components"] == "none"
    with pytest.raises(FileNotFoundError, match="no components: materialize 'pca' with components"):
        load_pca(run.results, ["components"])
    scores = run.read("pca_scores")
    assert scores["scores"].map(tuple).equals(rebuilt.read("pca_scores")["scores"].map(tuple))
    assert execute(defs, ["cluster_features", "cluster_feature_summary"]).success
    found, expected = (one.read("cluster_features", "base") for one in (run, rebuilt))
    assert found[["year", "cluster_id", "latent"]].equals(expected[["year", "cluster_id", "latent"]])
    np.testing.assert_allclose(found["mae"], expected["mae"], rtol=1e-4, atol=1e-9)
    # A latent at the threshold may fall on the other side of it.
    assert (found["strong"] != expected["strong"]).mean() < 0.01
