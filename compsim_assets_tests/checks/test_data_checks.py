"""Checks on what comes in pass on good data, and fail on what they are there to find."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from benchmarks.inputs import DenseFeatures
from compsim_assets.checks import (
    Verdict,
    features_are_finite,
    pca_explains_variance,
    pca_has_settled,
    report_ids_are_unique,
    sae_has_learned,
    sae_is_finite,
    scores_are_not_zero,
)
from compsim_assets.science.pca.fit import fit_pca
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.shards import FeatureShards, write_feature_shards
from compsim_assets_tests.runs import Rebuilt

GOOD = np.array([[0.0, 1.5, 2.0], [3.0, 0.0, 0.0], [1.0, 1.0, 1.0]], np.float32)
FITTED = fit_pca(DenseFeatures(GOOD), 2)


def reports(ids: list[int], ciks: list, years: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"report_id": ids, "cik": ciks, "year": years})


def test_ids_of_reports() -> None:
    verdict = report_ids_are_unique(reports([1, 2, 3], ["7", "7", None], [1, 2, 2]))
    assert verdict.passed
    assert verdict.metadata == {"doubled_ids": 0, "companies_with_two_reports_a_year": 0}
    verdict = report_ids_are_unique(reports([1, 2, 1], ["7", "8", "9"], [1, 1, 1]))
    assert not verdict.passed
    assert not verdict.warning
    assert verdict.metadata["doubled_ids"] == 1


def test_two_reports_of_a_company_in_a_year_are_said() -> None:
    verdict = report_ids_are_unique(reports([1, 2, 3, 4], ["7", "007", None, None], [1, 1, 1, 1]))
    assert not verdict.passed
    assert verdict.metadata["companies_with_two_reports_a_year"] == 1
    assert verdict.metadata["first_of_them"] == "cik 7 in 1: report 2"
    assert verdict.warning, "it stops nothing: a universe may keep all reports"


def test_two_reports_of_a_company_without_a_number_are_said() -> None:
    frame = reports([1, 2, 3], [None, "", "nan"], [1, 1, 1]).assign(ticker=["BRK.B", "brk-b", None])
    verdict = report_ids_are_unique(frame)
    assert not verdict.passed
    assert verdict.metadata["companies_with_two_reports_a_year"] == 1


def features(folder: Path, values: np.ndarray, ids: list[int]) -> FeatureShards:
    """Features of three reports, in two parts."""
    blocks = [(np.array(ids[:1]), values[:1]), (np.array(ids[1:]), values[1:])]
    folder.mkdir(exist_ok=True)
    write_feature_shards(folder, blocks, values.shape[1], {})
    return FeatureShards(folder)


def test_good_features(tmp_path: Path) -> None:
    silent = GOOD * np.array([[1], [0], [1]], np.float32)
    verdict = features_are_finite(features(tmp_path, silent, [1, 2, 3]))
    assert verdict == Verdict(True, {"reports": 3, "latents": 3, "reports_without_active_latent": 1})


@pytest.mark.parametrize(("row", "value"), [(0, np.nan), (2, np.inf), (1, -np.inf)])
def test_features_that_are_not_finite(tmp_path: Path, row: int, value: float) -> None:
    values = GOOD.copy()
    values[row, 1] = value
    verdict = features_are_finite(features(tmp_path, values, [1, 2, 3]))
    assert not verdict.passed
    assert not verdict.warning


def test_features_twice(tmp_path: Path) -> None:
    assert not features_are_finite(features(tmp_path, GOOD, [1, 2, 1])).passed


def test_features_of_another_length_than_the_manifest_says(tmp_path: Path) -> None:
    features(tmp_path, GOOD, [1, 2, 3])
    manifest = tmp_path / "features.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "n_latents": 4}))
    assert not features_are_finite(FeatureShards(tmp_path)).passed


def test_the_variance_explained() -> None:
    for share, good in ((0.49, False), (0.5, True), (1.0, True), (1.01, False)):
        fitted = dataclasses.replace(FITTED, explained_variance_ratio=np.array([share - 0.25, 0.25]))
        assert pca_explains_variance(fitted) == Verdict(good, {"explained_variance_share": share}, warning=True)


def test_a_pca_that_did_not_settle() -> None:
    how = {"method": "block krylov", "basis": 40, "cosine_change": 0.5}
    for converged in (True, False):
        fitted = dataclasses.replace(FITTED, **how, residuals=(0.01, 0.02, 0.1), converged=converged)
        assert pca_has_settled(fitted) == Verdict(converged, {**how, "residual_last": 0.1}, warning=True)
    unknown = dataclasses.replace(FITTED, residuals=(np.nan, np.nan, np.nan))
    assert pca_has_settled(unknown).metadata["residual_last"] is None


def test_scores_at_the_origin() -> None:
    ids = np.array([7, 5, 6])
    nothing = {"zero_scores": 0, "first_reports": "[]"}
    assert scores_are_not_zero(ids, GOOD) == Verdict(True, nothing, warning=True)
    zeros = GOOD * np.array([[0], [0], [1]], np.float32)
    counted = {"zero_scores": 2, "first_reports": "[5, 7]"}
    assert scores_are_not_zero(ids, zeros) == Verdict(False, counted, warning=True)


def test_they_pass_on_the_sample(rebuilt: Rebuilt) -> None:
    assert report_ids_are_unique(rebuilt.read("descriptions")).passed
    assert features_are_finite(FeatureShards(rebuilt.results.array_folder("sae_features"))).passed
    ids, _, scores = ScoreTable(rebuilt.results.table("pca_scores")).read()
    assert scores_are_not_zero(ids, scores).passed


@pytest.mark.parametrize(("spoil", "passed"), [(None, True), (np.nan, False), (3.0, False)])
def test_a_trained_sae(tmp_path: Path, spoil: float | None, passed: bool) -> None:
    directions = np.eye(3, 4, dtype=np.float32)
    if spoil is not None:
        directions[1, 2] = spoil
    save_file({"W_dec": directions, "encoder.bias": np.zeros(3, np.float32)}, tmp_path / "sae.safetensors")
    verdict = sae_is_finite(tmp_path)
    assert verdict.passed == passed
    assert verdict.metadata["not_finite"] == int(spoil is not None and np.isnan(spoil))


def test_no_trained_sae_is_none_to_find_fault_with(tmp_path: Path) -> None:
    assert sae_is_finite(tmp_path) == Verdict(True, {"trained": False})
    assert sae_has_learned({}, []).passed


def test_what_is_said_of_a_training_is_a_warning() -> None:
    verdict = sae_has_learned({"fvu": 0.2, "held_out_fvu": None, "dead": 0.5, "tokens": 9, "latents": 3}, ["collapsed"])
    assert not verdict.passed
    assert verdict.warning
    assert verdict.metadata == {"fvu": 0.2, "dead": 0.5, "tokens": 9, "latents": 3, "remarks": "collapsed"}
