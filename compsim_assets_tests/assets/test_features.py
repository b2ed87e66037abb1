"""SAE features of universes written by hand: imported from any layout, unusable rows dropped and said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets_tests.runs import Local
from compsim_assets_tests.universes import write_features, write_reports

FEATURES = [[0.0, 1.5, 7.5], [2.0, 0.0, 0.0], [0.0, 0.0, 8.0], [0.01, 0.0, 0.0]]


@pytest.fixture
def run(tmp_path: Path) -> Local:
    """Reports 100, 107, 114 and 121."""
    write_reports(tmp_path / "universe")
    return Local(tmp_path)


def test_features_are_imported_whatever_their_order(run: Local) -> None:
    write_features(run.folder / "universe", [114, 100, 121, 107], FEATURES)
    run.run(["descriptions", "sae_features"])
    table = run.read("sae_features").set_index("report_id")["features"]
    for report, values in zip([114, 100, 121, 107], FEATURES, strict=True):
        np.testing.assert_array_equal(table[report], np.array(values, np.float32))
    said = run.metadata("sae_features")
    assert said["origin"] == "imported"
    assert said["dagster/row_count"] == 4
    assert (said["latents"], said["shape"]) == (3, "4 reports x 3 latents, float32")
    assert said["dropped"] == "none"
    assert said["data"] == "local"


def test_what_is_dropped_is_said(run: Local) -> None:
    rows = [*FEATURES[:2], [1.0, 2.0], [np.nan, 0.0, 0.0], [1.0, 1.0, 1.0]]
    write_features(run.folder / "universe", [100, 107, 114, 121, 999], rows)
    run.run(["descriptions", "sae_features"])
    assert set(run.metadata("sae_features")["dropped"].split(", ")) == {
        "1 length is not 3",
        "1 not finite",
        "1 features without a report",
        "2 report without features",
    }
    assert sorted(run.read("sae_features")["report_id"]) == [100, 107]


def test_the_distribution_of_values(run: Local) -> None:
    write_features(run.folder / "universe", [114, 100, 121, 107], FEATURES)
    run.run(["descriptions", "sae_features", "feature_distribution"])
    table = run.read("feature_distribution")
    assert len(table) == 302
    assert table.iloc[0].tolist() == [0.0, 0.0, 7.0, 7 / 12]
    assert table.iloc[-1].tolist() == [7.5, np.inf, 1.0, 1 / 12]
    counted = table[(table["count"] > 0) & (table["bin_right"] > 0)]
    edges = list(zip(counted["bin_left"].round(6), counted["bin_right"].round(6), strict=True))
    assert edges == [(0.0, 0.025), (1.475, 1.5), (1.975, 2.0), (7.475, 7.5), (7.5, np.inf)]


def test_the_features_come_before_the_text(run: Local) -> None:
    """With features there, extraction.toml is not read."""
    (run.folder / "universe" / "extraction.toml").write_text("this is no TOML")
    write_features(run.folder / "universe", [114, 100, 121, 107], FEATURES)
    run.run(["descriptions", "sae_features"])
    assert run.metadata("sae_features")["origin"] == "imported"


def test_a_report_without_features_is_in_no_cluster(run: Local) -> None:
    write_features(run.folder / "universe", [114, 100, 121], FEATURES[:3])
    run.run(["descriptions", "returns", "published_pairs", "sae_features", "pca", "pca_scores"])
    run.run(["clustered_reports", "cutoff_curve"])
    run.run(["distance_scale", "cutoffs", "clusters"])
    clusters = run.read("clusters", "base")
    assert sorted(clusters["report_id"]) == [100, 114, 121]
    year = pd.Series({100: 2015, 114: 2015, 121: 2016})
    assert clusters["year"].tolist() == year.loc[clusters["report_id"]].tolist()
