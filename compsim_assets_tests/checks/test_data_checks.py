"""Checks on what comes in pass on good data, and fail on what they are there to find."""

import json
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from compsim_assets.checks.data_checks import (
    features_are_finite,
    pca_explains_variance,
    pca_has_settled,
    report_ids_are_unique,
    scores_are_not_zero,
)
from compsim_assets.settings import Settings
from compsim_assets.storage.matrices import list_column
from compsim_assets.storage.results import Results
from compsim_assets.storage.shards import write_feature_shards
from compsim_assets_tests.runs import Rebuilt

GOOD = np.array([[0.0, 1.5, 2.0], [3.0, 0.0, 0.0], [1.0, 1.0, 1.0]], np.float32)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=str(tmp_path))


def verdict(result: object) -> tuple[bool, dict[str, object]]:
    """Whether the check passed, and its metadata."""
    assert isinstance(result, dg.AssetCheckResult)
    return bool(result.passed), {k: v.value for k, v in result.metadata.items()}


def reports(ids: list[int], ciks: list, years: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"report_id": ids, "cik": ciks, "year": years})


def test_ids_of_reports() -> None:
    passed, said = verdict(report_ids_are_unique(reports([1, 2, 3], ["7", "7", None], [1, 2, 2])))
    assert passed
    assert said == {"doubled_ids": 0, "companies_with_two_reports_a_year": 0}
    passed, said = verdict(report_ids_are_unique(reports([1, 2, 1], ["7", "8", "9"], [1, 1, 1])))
    assert not passed
    assert said["doubled_ids"] == 1


def test_two_reports_of_a_company_in_a_year_are_said() -> None:
    frame = reports([1, 2, 3, 4], ["7", "007", None, None], [1, 1, 1, 1])
    passed, said = verdict(report_ids_are_unique(frame))
    assert not passed
    assert said["companies_with_two_reports_a_year"] == 1
    assert said["first_of_them"] == "cik 7 in 1: report 2"
    # It stops nothing: a universe may keep all reports.
    result = report_ids_are_unique(frame)
    assert isinstance(result, dg.AssetCheckResult)
    assert result.severity == dg.AssetCheckSeverity.WARN


def test_two_reports_of_a_company_without_a_number_are_said() -> None:
    frame = reports([1, 2, 3], [None, "", "nan"], [1, 1, 1]).assign(ticker=["BRK.B", "brk-b", None])
    passed, said = verdict(report_ids_are_unique(frame))
    assert not passed
    assert said["companies_with_two_reports_a_year"] == 1


def publish_features(settings: Settings, features: np.ndarray, ids: list[int]) -> None:
    results = Results.of(settings)
    with results.new_folder(results.array_folder("sae_features")) as folder:
        blocks = [(np.array(ids[:1]), features[:1]), (np.array(ids[1:]), features[1:])]
        write_feature_shards(folder, blocks, features.shape[1], {})


def test_good_features(settings: Settings) -> None:
    silent = GOOD * np.array([[1], [0], [1]], np.float32)
    publish_features(settings, silent, [1, 2, 3])
    passed, said = verdict(features_are_finite(settings=settings))
    assert passed
    assert said == {"reports": 3, "latents": 3, "reports_without_active_latent": 1}


def test_features_that_are_not_finite(settings: Settings) -> None:
    for row, value in ((0, np.nan), (2, np.inf), (1, -np.inf)):
        features = GOOD.copy()
        features[row, 1] = value
        publish_features(settings, features, [1, 2, 3])
        assert not verdict(features_are_finite(settings=settings))[0]


def test_features_twice(settings: Settings) -> None:
    publish_features(settings, GOOD, [1, 2, 1])
    assert not verdict(features_are_finite(settings=settings))[0]


def test_features_of_another_length_than_the_manifest_says(settings: Settings) -> None:
    publish_features(settings, GOOD, [1, 2, 3])
    manifest = Results.of(settings).array_folder("sae_features") / "features.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "n_latents": 4}))
    assert not verdict(features_are_finite(settings=settings))[0]


def describe_pca(settings: Settings, **description: object) -> None:
    results = Results.of(settings)
    with results.new_folder(results.array_folder("pca")) as folder:
        (folder / "pca.json").write_text(json.dumps(description))


def test_the_variance_explained(settings: Settings) -> None:
    for share, good in ((0.49, False), (0.5, True), (1.0, True), (1.01, False)):
        describe_pca(settings, explained_variance_share=share)
        result = pca_explains_variance(settings=settings)
        assert verdict(result) == (good, {"explained_variance_share": share})
        assert result.severity == dg.AssetCheckSeverity.WARN


def test_a_pca_that_did_not_settle(settings: Settings) -> None:
    how: dict[str, object] = {"method": "block krylov", "basis": 40, "cosine_change": 0.5, "residual_last": 0.1}
    for converged in (True, False):
        describe_pca(settings, **how, converged=converged)
        result = pca_has_settled(settings=settings)
        assert verdict(result) == (converged, how)
        assert result.severity == dg.AssetCheckSeverity.WARN


def test_scores_at_the_origin(settings: Settings) -> None:
    results = Results.of(settings)

    def publish(scores: np.ndarray) -> None:
        ids, years = pa.array([7, 5, 6]), pa.array([2001, 2001, 2002])
        table = pa.table({"report_id": ids, "year": years, "scores": list_column(scores)})
        results.write_table(results.table("pca_scores"), table)

    publish(GOOD)
    assert verdict(scores_are_not_zero(settings=settings)) == (True, {"zero_scores": 0, "first_reports": "[]"})
    publish(GOOD * np.array([[0], [0], [1]], np.float32))
    result = scores_are_not_zero(settings=settings)
    assert verdict(result) == (False, {"zero_scores": 2, "first_reports": "[5, 7]"})
    assert result.severity == dg.AssetCheckSeverity.WARN


def test_they_pass_on_the_sample(rebuilt: Rebuilt) -> None:
    assert verdict(report_ids_are_unique(rebuilt.read("descriptions")))[0]
    for check in (features_are_finite, pca_explains_variance, scores_are_not_zero):
        assert verdict(check(settings=rebuilt.settings))[0]
