"""Other features for the same reports, and only one mode made again: the other one never stands beside it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets.read import read_asset
from compsim_assets.storage.lineage import name_of
from compsim_assets.storage.results import StaleResult
from compsim_assets_tests.runs import MODES, Local, everything, materialized
from compsim_assets_tests.whole.test_live_universes import CORE, MODE, reports_and_features, write

WHY = "made from other dendrograms than the present ones"
BY_MODE = sorted({name for name, mode in materialized() if mode})
# What profiles of clusters are told in.
WORDS = ["themes", "latent_themes", "judged_latents", "latents", "latent_reports", "latent_years", "latent_windows"]
# Of the figures those that show cutoff modes.
FIGURES = ["mean_correlation_by_year", "mean_correlation_by_theta", "theta_by_year"]
ASSETS = [*everything(figures=False), *FIGURES, *(name for name in BY_MODE if name not in everything(figures=False))]
MADE = [(name, mode) for name, mode in materialized() if name in ASSETS]


def other_features(features: pd.DataFrame) -> pd.DataFrame:
    """Those of another SAE: the same reports, other values."""
    rng = np.random.default_rng(5)
    return features.assign(features=rng.exponential(1.0, (len(features), 24)).tolist())


@pytest.fixture(scope="module")
def stale(tmp_path_factory: pytest.TempPathFactory) -> Local:
    """Both modes of the first features, then base and all that compares, of the others; read only."""
    folder, (reports, features) = tmp_path_factory.mktemp("stale"), reports_and_features()
    run = write(folder, reports, features)
    run.run([*CORE, *WORDS, *BY_MODE], None)
    write(folder, reports, other_features(features))
    run.run(ASSETS, "base")
    return run


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Local:
    """The same without a past: base and all that compares, of the other features, in an empty folder; read only."""
    reports, features = reports_and_features()
    run = write(tmp_path_factory.mktemp("fresh"), reports, other_features(features))
    run.run(ASSETS, "base")
    return run


def test_everything_is_as_if_the_stale_mode_had_never_been(stale: Local, fresh: Local) -> None:
    names = [name_of(*each) for each in MADE if each[1] != "rolling"]
    contents = {name: (stale.results.content(name), fresh.results.content(name)) for name in names}
    assert all(first for first, _ in contents.values())
    assert {"table_1", "findings", "theta_by_year", "clusters/base"} <= set(contents)
    assert {name for name, (first, second) in contents.items() if first != second} == set()


def test_it_is_there_and_nothing_takes_it(stale: Local) -> None:
    assert len(BY_MODE) > 5
    for name, mode in MADE:
        assert stale.results.content(name_of(name, mode)), "old results stay"
        assert bool(stale.results.why_unusable(name_of(name, mode))) is (mode == "rolling"), (name, mode)
        note = stale.results.note(name_of(name, mode))
        assert note is not None
        if mode != "rolling":
            assert not [each for each in note.inputs if each.endswith("/rolling")], name


def test_comparisons_leave_it_out_and_name_it(stale: Local) -> None:
    note = f"{WHY}, left out: rolling"
    for asset in ("mean_correlation", "robustness"):
        assert stale.metadata(asset)["missing_cutoff_modes"] == note
    assert "left out: rolling" in stale.metadata("table_2")["missing_cutoff_modes"]
    for asset in ("mean_correlation", "table_1", "robustness", "pairs_backtest"):
        assert "rolling" not in set(stale.read(asset)["method"])
    assert "base" in set(stale.read("table_1")["method"])
    assert stale.read("table_2")["mode"].tolist() == ["base"]


def test_it_is_refused_by_name(stale: Local) -> None:
    message = f"clusters/rolling was {WHY}: materialize 'clusters' of rolling again"
    with pytest.raises(StaleResult, match=message):
        stale.read("clusters", "rolling")
    with pytest.raises(StaleResult, match=message):
        read_asset("clusters", "rolling", source="local", data=stale.data)
    for asset in ("interpretability_over_sparsity", "proportion_of_strong_features", "cluster_features"):
        with pytest.raises(StaleResult, match=r"rolling was made from .*: materialize '\w+' of rolling again"):
            stale.run([asset], "rolling")


def test_results_between_are_refused_too(tmp_path: Path) -> None:
    """What was made of the old features is not taken for the new ones' on the way, and all fits in the end."""
    reports, features = reports_and_features()
    run = write(tmp_path, reports, features)
    run.run([*CORE, *MODE, "mean_correlation"], None)
    assert "missing_cutoff_modes" not in run.metadata("mean_correlation")
    before = run.read("clusters", "rolling")
    write(tmp_path, reports, other_features(features))
    run.run(["sae_features"])
    with pytest.raises(StaleResult, match=r"^pca_scores was made from other sae_features .*materialize 'pca_scores'"):
        run.run(["peers"])
    run.run(CORE)
    with pytest.raises(StaleResult, match=r"^cutoffs/base was made from other cutoff_curve and distance_scale than"):
        run.run(["clusters"])
    for mode in MODES:
        run.run(MODE, mode)
        run.run(["mean_correlation"])
        missing = {} if mode == "rolling" else {"missing_cutoff_modes": f"{WHY}, left out: rolling"}
        said = run.metadata("mean_correlation")
        assert {name: said[name] for name in ("missing_cutoff_modes",) if name in said} == missing
    assert "rolling" in set(run.read("mean_correlation")["method"])
    assert not run.read("clusters", "rolling").equals(before)
