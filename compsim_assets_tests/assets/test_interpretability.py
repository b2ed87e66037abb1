"""Strong features and their scores on a tiny universe: latents removed one by one from the universe's features."""

import json
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets.storage.pca import Pca
from compsim_assets.storage.results import read_manifest, seal
from compsim_assets_tests.runs import MODES, Rebuilt, Run

QUANTILES = (0.99, 0.95, 0.90, 0.85, 0.80, 0.70, 0.60, 0.50)


@dataclass(frozen=True)
class Removal:
    """Direct removal: what a report's scores are once latents are zero in its features."""

    features: dict[int, np.ndarray]
    scores: dict[int, np.ndarray]
    scale: np.ndarray
    components: np.ndarray

    def cosines(self, reports: list[int], latents: list[int]) -> np.ndarray:
        left = []
        for report in reports:
            removed = np.zeros_like(self.scale)
            removed[latents] = self.features[report][latents]
            left.append(self.scores[report] - (removed / self.scale) @ self.components.T)
        return np.array([a @ b / np.sqrt((a @ a) * (b @ b)) for a, b in combinations(left, 2)])

    def change(self, reports: list[int], latents: list[int]) -> float:
        after, before = self.cosines(reports, latents), self.cosines(reports, [])
        return float(np.abs(after - before).mean())


@pytest.fixture(scope="module")
def removal(rebuilt: Rebuilt) -> Removal:
    given = pd.read_parquet(rebuilt.universe / "features.parquet")
    values = [np.array(row, dtype=float) for row in given["features"]]
    scores = rebuilt.read("pca_scores")
    stacked = np.stack(values)
    deviation = stacked.std(axis=0)
    return Removal(
        dict(zip(given["__index_level_0__"], values, strict=True)),
        {r: np.array(s, float) for r, s in zip(scores["report_id"], scores["scores"], strict=True)},
        np.where(deviation > 0, deviation, 1),
        Pca.of(rebuilt.results).arrays(["components"])["components"].astype(float),
    )


def members_of(rebuilt: Rebuilt, mode: str) -> dict[tuple[int, int], list[int]]:
    """Members of each cluster of at least two."""
    clusters = rebuilt.read("clusters", mode)
    found = clusters.groupby(["year", "cluster_id"])["report_id"].apply(sorted)
    return {key: members for key, members in found.items() if len(members) >= 2}  # type: ignore


def scored(rebuilt: Rebuilt) -> dict[int, float]:
    """Interpretability by latent, straight from the universe's files; None answers left out."""
    found = {}
    for path in (rebuilt.universe / "fuzz_scores").iterdir():
        correct = [example["correct"] for example in json.loads(path.read_text())]
        answered = [answer for answer in correct if answer is not None]
        found[int(path.stem.partition("_latent")[2])] = 100 * sum(answered) / len(answered)
    return found


@pytest.mark.parametrize("mode", MODES)
def test_every_cluster_is_studied_with_the_scored_latents(rebuilt: Rebuilt, mode: str) -> None:
    features = rebuilt.read("cluster_features", mode)
    summary = rebuilt.read("cluster_feature_summary", mode)
    members, latents = members_of(rebuilt, mode), sorted(scored(rebuilt))
    keys = list(zip(summary["year"], summary["cluster_id"], strict=True))
    assert keys == sorted(members)
    assert summary["n_members"].tolist() == [len(members[key]) for key in keys]
    assert summary["n_pairs"].tolist() == [n * (n - 1) // 2 for n in summary["n_members"]]
    assert set(summary["n_candidates"]) == {len(latents)}
    for key, rows in features.groupby(["year", "cluster_id"]):
        assert rows["latent"].tolist() == latents, key
    assert len(features) == len(keys) * len(latents)


@pytest.mark.parametrize("mode", MODES)
def test_mae_is_the_change_by_direct_removal(rebuilt: Rebuilt, removal: Removal, mode: str) -> None:
    features = rebuilt.read("cluster_features", mode).set_index(["year", "cluster_id"])
    for key, reports in members_of(rebuilt, mode).items():
        rows = features.loc[[key]]
        wanted = np.array([removal.change(reports, [latent]) for latent in rows["latent"]])
        np.testing.assert_allclose(rows["mae"], wanted, rtol=1e-8, atol=1e-13)
    assert (features["mae"] > 1e-3).any()


@pytest.mark.parametrize("mode", MODES)
def test_the_elbow_between_strong_and_weak(rebuilt: Rebuilt, removal: Removal, mode: str) -> None:
    features = rebuilt.read("cluster_features", mode).set_index(["year", "cluster_id"])
    summary = rebuilt.read("cluster_feature_summary", mode).set_index(["year", "cluster_id"])
    for key, reports in members_of(rebuilt, mode).items():
        rows, row = features.loc[[key]], summary.loc[key]
        latents, mae = rows["latent"].to_numpy(), rows["mae"].to_numpy()
        for quantile in (*QUANTILES, None):
            strong = mae > np.quantile(mae, 0.9 if quantile is None else quantile)
            both = [removal.change(reports, latents[s].tolist()) for s in (strong, ~strong)]
            if quantile is None or (strong.any() and not strong.all() and both[0] > both[1]):
                break
        assert row["quantile"] == (0.9 if quantile is None else quantile)
        np.testing.assert_array_equal(rows["strong"], strong)
        assert row["n_strong"] == strong.sum()
        assert [row["mae_strong"], row["mae_weak"]] == pytest.approx(both, rel=1e-7, abs=1e-12)
    assert summary["quantile"].nunique() > 1


def test_scores_are_those_of_the_files(rebuilt: Rebuilt) -> None:
    table, wanted = rebuilt.read("fuzz_scores"), scored(rebuilt)
    assert table["latent"].tolist() == sorted(wanted)
    assert set(table["hookpoint"]) == {"layers.30"}
    assert table["interpretability"].to_numpy() == pytest.approx([wanted[j] for j in sorted(wanted)])
    assert (table["n_unscored"] > 0).any()
    said = rebuilt.metadata("fuzz_scores")
    assert said["files"] == len(wanted)
    assert said["examples_without_answer"] == table["n_unscored"].sum()
    assert said["mean_interpretability"] == pytest.approx(np.mean(list(wanted.values())))


@pytest.mark.parametrize("mode", MODES)
def test_interpretability_over_sparsity(rebuilt: Rebuilt, mode: str) -> None:
    curve, scores = rebuilt.read("interpretability_curve", mode), scored(rebuilt)
    features = rebuilt.read("cluster_features", mode)
    n_clusters = len(features.groupby(["year", "cluster_id"]))
    counts = features[features["strong"]]["latent"].value_counts()
    assert curve["min_share"].tolist() == list(range(31))
    for row in curve.itertuples():
        left = [s for j, s in scores.items() if 100 * counts.get(j, 0) >= row.min_share * n_clusters]
        assert row.n_latents == len(left)
        assert row.share_of_latents == pytest.approx(len(left) / len(scores))
        wanted = np.mean(left) if left else np.nan
        assert row.mean_interpretability == pytest.approx(wanted, nan_ok=True)


@pytest.mark.parametrize("mode", MODES)
def test_the_proportion_of_strong_features(rebuilt: Rebuilt, mode: str) -> None:
    table = rebuilt.read("strong_feature_proportion", mode)
    summary = rebuilt.read("cluster_feature_summary", mode)
    assert table["n_members"].tolist() == summary["n_members"].tolist()
    wanted = summary["n_strong"] / summary["n_candidates"]
    assert table["proportion"].to_numpy() == pytest.approx(wanted.to_numpy())


AFTER_SCORES = ["cluster_features", "cluster_feature_summary", "interpretability_curve"]


def rerun_with(run: Run, hookpoint: str) -> Run:
    """The strong features of the rolling mode again, for features of another hookpoint."""
    folder = run.results.array_folder("sae_features")
    described = {**read_manifest(folder, "features.json"), "hookpoint": hookpoint}
    (folder / "features.json").write_text(json.dumps(described))
    seal(folder, "features.json")
    run.run(AFTER_SCORES, "rolling")
    return run


def test_scores_of_the_same_hookpoint_are_used(rebuilt: Rebuilt, tmp_path: Path) -> None:
    again = rerun_with(rebuilt.copy(tmp_path), "layers.30")
    for asset in AFTER_SCORES:
        assert again.read(asset, "rolling").equals(rebuilt.read(asset, "rolling"))
    said = again.metadata("cluster_features", "rolling")["candidates"]
    assert said == f"{len(scored(rebuilt))} latents of layers.30 with a fuzz score"


def test_scores_of_another_hookpoint_are_not_used(rebuilt: Rebuilt, removal: Removal, tmp_path: Path) -> None:
    """Their latents' numbers exist here too, and mean something else."""
    again = rerun_with(rebuilt.copy(tmp_path), "encoder.layer.4")
    features = again.read("cluster_features", "rolling").set_index(["year", "cluster_id"])
    for key, reports in members_of(rebuilt, "rolling").items():
        values = np.stack([removal.features[report] for report in reports])
        active = np.flatnonzero((values > 0).sum(axis=0) >= 2)
        assert features.loc[[key], "latent"].tolist() == active.tolist()
    assert features["latent"].nunique() > len(scored(rebuilt))
    said = again.metadata("cluster_features", "rolling")["candidates"]
    assert "no scores for these latents" in said
    assert "encoder.layer.4" in said
    assert "layers.30" in said
    curve = again.read("interpretability_curve", "rolling")
    assert set(curve["n_latents"]) == {0}
    assert curve["mean_interpretability"].isna().all()
    assert again.metadata("interpretability_curve", "rolling")["latents_studied"] == 0
