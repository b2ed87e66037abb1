"""Checks inside the steps that make their assets: each fails on what is damaged, and stops what it should."""

import dataclasses
import io
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

import compsim_assets.plots.style
from compsim_assets import checks
from compsim_assets.assets import features as features_module
from compsim_assets.assets import similarity as similarity_module
from compsim_assets.checks import Verdict
from compsim_assets.definitions import defs
from compsim_assets.science.pca.fit import PrincipalComponents
from compsim_assets.storage.results import read_table
from compsim_assets.storage.shards import write_feature_shards
from compsim_assets.storage.similarity import ScoreSimilarity
from compsim_assets_tests.runs import OTHER_METHODS, Local, execute, platform
from compsim_assets_tests.whole.pair_universes import WithReturns
from compsim_assets_tests.whole.test_live_universes import reports_and_features, without_returns, write
from compsim_assets_tests.worker_programs import InThisProcess

UPSTREAM = [
    "descriptions", "returns", "published_pairs", "sae_features", "pca", "pca_scores", "clustered_reports",
    "dendrograms", "cutoff_curve", "distance_scale",
]  # fmt: skip
STUDIED = ["clusters", "cluster_features", "cluster_feature_summary"]
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Local:
    """Clusters of both modes, and what they are compared with; read only."""
    run = write(tmp_path_factory.mktemp("checked"), *reports_and_features())
    run.run([*UPSTREAM, "fuzz_scores", "cutoffs", *STUDIED, *OTHER_METHODS, "mean_correlation"], None)
    return run


@pytest.fixture
def run(made: Local, tmp_path: Path) -> Local:
    """The same, to be changed."""
    shutil.copytree(made.folder / "universe", tmp_path / "universe")
    return Local(made.copy(tmp_path).folder)


class Outcome:
    """What a run made, whether it ended well, and what its checks said: (passed, severity) by asset and name."""

    def __init__(
        self, run: Local, assets: Iterable[str], mode: str | None = None, torchrun: InThisProcess | None = None
    ) -> None:
        result = execute(platform(run.settings, torchrun), assets, mode, raise_on_error=False)
        self.good = result.success
        self.made = {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}
        self.checks = {
            f"{each.asset_key.path[-1]}:{each.check_name}": (each.passed, each.severity)
            for each in result.get_asset_check_evaluations()
        }


def refuse(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a check say that what it looks at is bad."""

    def bad(*what: Any) -> Verdict:
        return Verdict(False)

    bad.__name__ = name
    monkeypatch.setattr(checks, name, bad)


def test_bad_reports_stop_all_that_is_made_of_them(run: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their contract refuses ids twice before: the check has the last word all the same."""
    refuse(monkeypatch, "report_ids_are_unique")
    failed = {"descriptions:report_ids_are_unique": (False, ERROR)}
    for assets in (UPSTREAM, ["descriptions"], ["descriptions", "published_pairs"], ["descriptions", "fuzz_scores"]):
        outcome = Outcome(run, assets)
        assert (outcome.good, outcome.made, outcome.checks) == (False, {"descriptions"}, failed), assets


def test_features_that_are_not_finite_stop_all_that_is_made_of_them(
    run: Local, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = features_module.import_features

    def damage(imported: Any, results: Any, folder: Path, *rest: Any) -> Any:
        made, manifest = original(imported, results, folder, *rest), folder / "features.json"
        described = json.loads(manifest.read_text())
        for path in folder.iterdir():
            path.unlink()
        write_feature_shards(folder, [(np.array([1, 2]), np.array([[1, 2], [np.nan, 1]], np.float32))], 2, {})
        manifest.write_text(json.dumps({**described, **json.loads(manifest.read_text())}))
        return made

    monkeypatch.setattr(features_module, "import_features", damage)
    failed = {"sae_features:features_are_finite": (False, ERROR)}
    for assets in (["sae_features"], ["sae_features", "feature_distribution"], ["sae_features", "pca", "pca_scores"]):
        outcome = Outcome(run, assets)
        assert (outcome.good, outcome.made, outcome.checks) == (False, {"sae_features"}, failed), assets


def little(fitted: PrincipalComponents) -> PrincipalComponents:
    return dataclasses.replace(fitted, explained_variance_ratio=fitted.explained_variance_ratio * 0.4)


def zeros(fitted: PrincipalComponents) -> PrincipalComponents:
    scores = fitted.scores.copy()
    scores[3] = 0
    return dataclasses.replace(fitted, scores=scores)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (little, "pca:pca_explains_variance"),
        (lambda fitted: dataclasses.replace(fitted, converged=False), "pca:pca_has_settled"),
        (zeros, "pca_scores:scores_are_not_zero"),
    ],
    ids=["little variance", "not settled", "zeros"],
)
def test_a_pca_that_is_doubtful_is_a_warning(
    run: Local, monkeypatch: pytest.MonkeyPatch, change: Callable[..., PrincipalComponents], check: str
) -> None:
    original = similarity_module._fit
    monkeypatch.setattr(similarity_module, "_fit", lambda *given: change(original(*given)))
    outcome = Outcome(run, ["pca", "pca_scores"])
    assert outcome.good
    assert outcome.made == {"pca", "pca_scores"}
    assert {name for name, (passed, _) in outcome.checks.items() if not passed} == {check}
    assert outcome.checks[check] == (False, WARN)
    alone = Outcome(run, [check.partition(":")[0]])
    assert alone.checks[check] == (False, WARN)
    assert {name.partition(":")[0] for name in alone.checks} == {check.partition(":")[0]}


class LosesReports(InThisProcess):
    """A launcher whose program leaves a report of the rolling clusters out."""

    def run(self, context: Any, module: str, extras: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
        said = super().run(context, module, extras, scratch)
        path = scratch / "rolling" / "clusters.parquet"
        if path.exists():
            pd.read_parquet(path).iloc[1:].to_parquet(path)
        return said


def test_a_lost_report_stops_all_that_is_made_of_the_clusters(run: Local) -> None:
    failed = {"clusters:every_report_in_one_cluster": (False, ERROR)}
    for assets in (["clusters"], STUDIED, ["clusters", "cluster_features"], ["clusters", "mean_correlation"]):
        outcome = Outcome(run, assets, torchrun=LosesReports())
        assert (outcome.good, outcome.made, outcome.checks) == (False, {"clusters"}, failed), assets


def test_clusters_of_the_run_are_judged_and_no_others(run: Local) -> None:
    """A damaged old file of the other mode fails no check, and is not mended by one."""
    damaged = run.read("clusters", "rolling").iloc[5:]
    table = pa.Table.from_pandas(damaged, preserve_index=False)
    run.results.write_table(run.results.table("clusters", "rolling"), table, run.results.note("clusters/rolling"))
    passed = {"clusters:every_report_in_one_cluster": (True, ERROR)}
    outcome = Outcome(run, STUDIED, "base", LosesReports())
    assert (outcome.good, outcome.made, outcome.checks) == (True, set(STUDIED), passed)
    assert len(run.read("clusters", "rolling")) == len(damaged)
    assert Outcome(run, STUDIED, "rolling").checks == passed


def test_a_changed_setting_fails_no_check_on_the_other_modes_old_file(tmp_path: Path) -> None:
    """Other reports are clustered then; the rolling clusters of before are of the old ones."""
    reports, features = reports_and_features()
    some = without_returns(reports.iloc[::5], reports["year"].unique().tolist())
    run = write(tmp_path, pd.concat([reports.drop(some.index), some]).sort_index(), features)
    assets = [*UPSTREAM, "cutoffs", "clusters"]
    assert Outcome(run, assets).good
    changed = WithReturns(tmp_path)
    outcome = Outcome(changed, assets, "base")
    assert outcome.good
    assert outcome.checks["clusters:every_report_in_one_cluster"] == (True, ERROR)
    old = read_table(run.results.table("clusters", "rolling"))["report_id"].to_pylist()
    assert set(old) - set(changed.read("clustered_reports")["report_id"])
    outcome = Outcome(changed, ["cutoffs", "clusters"], "rolling")
    assert outcome.checks == {"clusters:every_report_in_one_cluster": (True, ERROR)}


def test_correlations_that_are_none_are_an_error_and_stop_nothing(run: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    original = ScoreSimilarity.correlation_by_year

    def unknown(*given: Any, **options: Any) -> pd.DataFrame:
        return original(*given, **options).assign(pair_weighted=np.nan)

    monkeypatch.setattr(ScoreSimilarity, "correlation_by_year", unknown)
    outcome = Outcome(run, ["mean_correlation", "mean_correlation_by_year"])
    assert outcome.good
    assert outcome.made == {"mean_correlation", "mean_correlation_by_year"}
    assert outcome.checks == {
        "mean_correlation:correlations_are_correlations": (False, ERROR),
        "mean_correlation_by_year:figure_decodes": (True, ERROR),
    }


@pytest.mark.parametrize("mode", [None, "base"])
def test_a_flat_figure_is_an_error_and_stops_nothing(
    run: Local, monkeypatch: pytest.MonkeyPatch, mode: str | None
) -> None:
    flat = io.BytesIO()
    Image.new("RGB", (40, 30), "white").save(flat, format="PNG")
    original, titles = compsim_assets.plots.style.to_png, []

    def first_is_flat(figure: Any) -> bytes:
        titles.append(figure)
        return flat.getvalue() if len(titles) == 1 else original(figure)

    monkeypatch.setattr(compsim_assets.plots.style, "to_png", first_is_flat)
    names = ["theta_by_year", "mean_correlation_by_year"]
    if mode:
        names = ["interpretability_over_sparsity", "proportion_of_strong_features"]
        assert execute(platform(run.settings), ["interpretability_curve", "strong_feature_proportion"], mode).success
    outcome = Outcome(run, names, mode)
    assert outcome.good
    assert outcome.made == set(names)
    assert sorted(passed for passed, _ in outcome.checks.values()) == [False, True]
    assert {severity for _, severity in outcome.checks.values()} == {ERROR}


def test_which_checks_stop_what_follows() -> None:
    graph = defs.resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    assert blocking == {
        "report_ids_are_unique",
        "features_are_finite",
        "every_report_in_one_cluster",
        "sae_is_finite",
        "nothing_stops_publication",
    }
