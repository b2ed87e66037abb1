"""Strong features, by the program that cuts: which clusters, pairs and candidates; modes together; two processes."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file, save_file

from compsim_assets.storage.shards import FeatureShards, write_feature_shards
from compsim_assets_tests.launch.warm import by_hand
from compsim_assets_tests.runs import Rebuilt
from compsim_assets_tests.worker_programs import run_worker

MODULE = "compsim_assets.workers.clusters"
TABLES = ("cluster_features", "cluster_feature_summary")
KEY = ["year", "cluster_id"]


@pytest.fixture
def options(rebuilt: Rebuilt) -> dict[str, Any]:
    """What strong features of the rebuilt sample are searched with."""
    results = rebuilt.results
    return {
        "sample_clusters": 0,
        "only_clusters": "",
        "max_pairs": 200,
        "max_candidates": 1000,
        "seed": 0,
        "products": "float64",
        "scores": str(results.table("pca_scores")),
        "features": str(results.array_folder("sae_features")),
        "pca": str(results.array_folder("pca") / "pca.safetensors"),
        "scored_latents": rebuilt.read("fuzz_scores")["latent"].tolist(),
    }


@pytest.fixture
def study(rebuilt: Rebuilt, options: dict[str, Any], tmp_path: Path) -> Any:
    """Runs the program on stored clusters, the rebuilt sample's: both tables."""

    def run(mode: str = "base", clusters: str = "", **changes: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
        stored = {"clusters": clusters or str(rebuilt.results.table("clusters", "base"))}
        extras = {"modes": {mode: stored}, "output": str(tmp_path), "strong_features": {**options, **changes}}
        reported = run_worker(MODULE, extras)
        features, summary = tables(tmp_path / mode)
        assert reported == {"processes": 1, "device": "cpu", "clusters_studied": {mode: len(summary)}}
        assert not (tmp_path / mode / "clusters.parquet").exists()
        return features, summary

    return run


# What the program cuts, by the name of its argument.
TO_CUT = {"dendrograms": "dendrograms", "reports": "clustered_reports"}


@pytest.fixture
def large(rebuilt: Rebuilt, tmp_path: Path) -> str:
    """One cluster a year, of all its reports: hundreds of pairs."""
    clusters = rebuilt.read("clusters", "base").assign(cluster_id=1)
    clusters.to_parquet(tmp_path / "large.parquet")
    return str(tmp_path / "large.parquet")


def tables(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    features, summary = (pd.read_parquet(folder / f"{name}.parquet") for name in TABLES)
    return features, summary


def keys(table: pd.DataFrame) -> list[tuple[int, int]]:
    return list(table[KEY].drop_duplicates().itertuples(index=False, name=None))


def test_the_program_gives_the_assets_tables(rebuilt: Rebuilt, study: Any) -> None:
    features, summary = study()
    for ours, name in zip((features, summary), TABLES, strict=True):
        stored = rebuilt.read(name, "base")
        assert list(ours) == list(stored)
        assert ours.dtypes.equals(stored.dtypes)
        pd.testing.assert_frame_equal(ours, stored, rtol=1e-9)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_named_clusters_alone(rebuilt: Rebuilt, study: Any, tmp_path: Path, suffix: str) -> None:
    every, path = keys(rebuilt.read("cluster_feature_summary", "base")), tmp_path / f"only.{suffix}"
    wanted = [every[5], every[2]]
    # As in an earlier output: one row a latent, with other columns beside.
    named = pd.DataFrame([*wanted, *wanted], columns=KEY).assign(latent=7)
    named.to_csv(path, index=False) if suffix == "csv" else named.to_parquet(path)
    features, summary = study(only_clusters=str(path))
    assert keys(summary) == keys(features) == sorted(wanted)


def test_named_clusters_must_exist_and_be_clusters(rebuilt: Rebuilt, study: Any, tmp_path: Path) -> None:
    path = tmp_path / "only.csv"
    clusters = rebuilt.read("clusters", "base")
    alone = clusters.groupby(KEY).filter(lambda rows: len(rows) == 1)[KEY].iloc[:1]
    for named in (alone, alone.assign(cluster_id=999)):
        named.to_csv(path, index=False)
        year, number = named.iloc[0]
        with pytest.raises(ValueError, match=f"cluster {number} of {year} is not a cluster"):
            study(only_clusters=str(path))
    alone.rename(columns={"cluster_id": "cluster"}).to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"only\.csv: missing columns \['cluster_id'\]"):
        study(only_clusters=str(path))


def test_a_sample_of_clusters_depends_on_seed_and_mode(rebuilt: Rebuilt, study: Any) -> None:
    every = keys(rebuilt.read("cluster_feature_summary", "base"))
    drawn = [keys(study(sample_clusters=6, **c)[1]) for c in ({}, {}, {"seed": 1}, {"mode": "x"})]
    assert [len(sample) for sample in drawn] == [6, 6, 6, 6]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]
    assert drawn[0] != drawn[3]
    assert all(set(sample) < set(every) for sample in drawn)
    assert keys(study(sample_clusters=10**6)[1]) == every


def test_a_cluster_has_the_same_numbers_in_any_sample(study: Any, large: str) -> None:
    """The seeded pairs of a cluster do not depend on which other clusters are studied."""
    whole, _ = study(clusters=large, max_pairs=20)
    some, summary = study(clusters=large, max_pairs=20, sample_clusters=3)
    assert set(summary["n_pairs"]) == {20}
    same = whole.merge(some[KEY].drop_duplicates(), on=KEY)
    pd.testing.assert_frame_equal(same, some, rtol=1e-9)


def test_pairs_are_sampled_where_there_are_more(study: Any, large: str) -> None:
    all_pairs, summary = study(clusters=large, max_pairs=10**6)
    n = summary["n_members"]
    assert (summary["n_pairs"] == n * (n - 1) // 2).all()
    assert (n > 25).all()
    sampled, summary = study(clusters=large)
    assert set(summary["n_pairs"]) == {200}
    assert 0 < np.abs(sampled["mae"] / all_pairs["mae"] - 1).median() < 0.2
    other, _ = study(clusters=large, seed=1)
    assert not np.allclose(other["mae"], sampled["mae"], rtol=1e-6)


def test_candidates_are_sampled_where_there_are_more(rebuilt: Rebuilt, study: Any) -> None:
    scored = set(rebuilt.read("fuzz_scores")["latent"])
    every = study()[0]
    some, summary = study(max_candidates=9)
    assert set(summary["n_candidates"]) == {9}
    assert some["latent"].nunique() == 9
    assert set(some["latent"]) < scored
    merged = some.merge(every, on=[*KEY, "latent"], suffixes=("", "_every"))
    np.testing.assert_allclose(merged["mae"], merged["mae_every"], rtol=1e-9, atol=1e-14)
    assert set(study(max_candidates=9, seed=1)[0]["latent"]) != set(some["latent"])


def test_without_scores_candidates_are_the_active_latents_most_variable_first(rebuilt: Rebuilt, study: Any) -> None:
    features, _ = study(scored_latents=[], max_candidates=12)
    given = rebuilt.read("sae_features").set_index("report_id")["features"]
    values = np.stack(given.to_list()).astype(float)
    scale = values.std(axis=0)
    members = rebuilt.read("clusters", "base").groupby(KEY)["report_id"]
    for key, rows in features.groupby(KEY):
        scaled = np.stack(given.loc[members.get_group(key)].to_list()) / np.where(scale > 0, scale, 1)
        active = np.flatnonzero((scaled > 0).sum(axis=0) >= 2)
        most = active[np.argsort(-scaled[:, active].std(axis=0), kind="stable")][:12]
        assert rows["latent"].tolist() == sorted(most)


def test_products_in_float32_are_close(study: Any) -> None:
    (exact, _), (single, _) = study(), study(products="float32")
    assert 0 < np.abs(exact["mae"] - single["mae"]).max() < 1e-5


@pytest.fixture
def without_components(rebuilt: Rebuilt, tmp_path: Path) -> str:
    """The PCA as it is stored where W was never made."""
    stored = load_file(rebuilt.results.array_folder("pca") / "pca.safetensors")
    del stored["components"]
    save_file(stored, tmp_path / "pca.safetensors")
    return str(tmp_path / "pca.safetensors")


def test_axes_follow_from_the_scores_where_components_were_not_stored(
    study: Any, without_components: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (features, summary), (derived, derived_summary) = study(), study(pca=without_components)
    pd.testing.assert_frame_equal(derived, features, rtol=1e-4, atol=1e-7)
    pd.testing.assert_frame_equal(derived_summary, summary, rtol=1e-4)
    # Seven reports at once instead of all.
    monkeypatch.setattr("compsim_assets.workers.cluster_products._BLOCK", 4 * 160 * 7)
    pd.testing.assert_frame_equal(study(pca=without_components)[0], derived, rtol=1e-9, atol=1e-12)
    pd.testing.assert_frame_equal(study()[0], features, rtol=1e-9, atol=1e-12)


def test_without_components_and_without_scores_nothing_can_be_studied(study: Any, without_components: str) -> None:
    with pytest.raises(ValueError, match="provide fuzz scores, or rerun `pca` with components"):
        study(pca=without_components, scored_latents=[])


def test_components_are_read_for_few_clusters_at_a_time(study: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Candidates of their own: where not all axes fit, the same tables come from several passes."""
    whole = study(scored_latents=[], max_candidates=12)
    monkeypatch.setattr("compsim_assets.workers.cluster_products._AXES", 1)
    for table, expected in zip(study(scored_latents=[], max_candidates=12), whole, strict=True):
        pd.testing.assert_frame_equal(table, expected, rtol=1e-9)


@pytest.mark.parametrize("missing", ["scores", "features"])
def test_every_report_of_a_cluster_is_known(rebuilt: Rebuilt, study: Any, tmp_path: Path, missing: str) -> None:
    clusters = rebuilt.read("clusters", "base")
    report = clusters[clusters.duplicated(KEY, keep=False)]["report_id"].iloc[0]
    if missing == "scores":
        table = pq.read_table(rebuilt.results.table("pca_scores"))
        table = table.filter(pc.not_equal(table["report_id"], report))
        pq.write_table(table.replace_schema_metadata(), tmp_path / "scores.parquet")
        changed = {"scores": str(tmp_path / "scores.parquet")}
    else:
        shards = FeatureShards(rebuilt.results.array_folder("sae_features"))
        others = np.flatnonzero(shards.report_id != report)
        (tmp_path / "fewer").mkdir()
        blocks = [(shards.report_id[others], shards.rows(others))]
        write_feature_shards(tmp_path / "fewer", blocks, shards.n_latents, {})
        changed = {"features": str(tmp_path / "fewer")}
    with pytest.raises(ValueError, match=f"report {report} (of a cluster )?has no {missing}"):
        study(**changed)


def test_no_clusters_no_rows(rebuilt: Rebuilt, study: Any, tmp_path: Path) -> None:
    clusters = rebuilt.read("clusters", "base")
    alone = clusters.groupby("year").head(1)
    alone.to_parquet(tmp_path / "alone.parquet")
    features, summary = study(clusters=str(tmp_path / "alone.parquet"))
    assert features.empty
    assert summary.empty
    assert features.dtypes.equals(rebuilt.read("cluster_features", "base").dtypes)
    assert summary.dtypes.equals(rebuilt.read("cluster_feature_summary", "base").dtypes)


def test_modes_share_a_launch_and_not_their_samples(
    rebuilt: Rebuilt, options: dict[str, Any], study: Any, tmp_path: Path
) -> None:
    """Cut and studied at once, every mode has the bytes of a launch of its own on stored clusters."""
    results = rebuilt.results
    few = {**options, "sample_clusters": 6, "max_pairs": 2}
    extras = {
        "modes": {mode: {"cutoffs": str(results.table("cutoffs", mode))} for mode in ("base", "rolling")},
        **{name: str(results.table(table)) for name, table in TO_CUT.items()},
        "output": str(tmp_path),
        "strong_features": few,
    }
    reported = run_worker(MODULE, extras)
    assert reported["clusters_studied"] == {"base": 6, "rolling": 6}
    for mode in ("base", "rolling"):
        assert pd.read_parquet(tmp_path / mode / "clusters.parquet").equals(rebuilt.read("clusters", mode))
        both = tables(tmp_path / mode)
        (tmp_path / mode / "clusters.parquet").unlink()
        alone = study(mode, str(results.table("clusters", mode)), sample_clusters=6, max_pairs=2)
        for table, expected in zip(both, alone, strict=True):
            assert table.equals(expected)
    assert keys(tables(tmp_path / "base")[1]) != keys(tables(tmp_path / "rolling")[1])


def test_two_processes_give_the_tables_of_one(
    rebuilt: Rebuilt, options: dict[str, Any], study: Any, without_components: str, tmp_path: Path
) -> None:
    """They share the axes that follow from the scores, and the clusters by cost: here one costs as much as many."""
    clusters = rebuilt.read("clusters", "base")
    clusters.loc[clusters["year"] == clusters["year"].min(), "cluster_id"] = 1
    clusters.to_parquet(tmp_path / "one_large.parquet")
    stored = {"base": str(tmp_path / "one_large.parquet"), "rolling": str(rebuilt.results.table("clusters", "rolling"))}
    one, other = (study(mode, path, pca=without_components) for mode, path in stored.items())
    extras = {
        "modes": {mode: {"clusters": path} for mode, path in stored.items()},
        "output": str(tmp_path),
        "strong_features": {**options, "pca": without_components},
    }
    ended = by_hand(MODULE, extras, tmp_path / "ranks", ranks=2)
    assert ended.result["clusters_studied"] == {"base": len(one[1]), "rolling": len(other[1])}
    (of_rank_0,) = set(re.findall(r"clusters of rank 0 studied: \d+ of (\d+)", ended.errors))
    assert 0 < int(of_rank_0) < 0.45 * (len(one[1]) + len(other[1]))
    pairs = [*zip(one, tables(tmp_path / "base"), strict=True), *zip(other, tables(tmp_path / "rolling"), strict=True)]
    for table, two in pairs:
        exact = [column for column in table if table[column].dtype != np.float64]
        assert two[exact].equals(table[exact])
        pd.testing.assert_frame_equal(two, table, rtol=1e-9, atol=1e-12)
