"""Trees, scale, step functions, cutoffs and clusters of a tiny universe, against every pair listed; and their steps."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compsim_assets_tests.assets import brute_force
from compsim_assets_tests.assets.brute_force import BASE, ROLLING, Scale, Year
from compsim_assets_tests.runs import MODES, Rebuilt, Run, tiny_sample
from compsim_assets_tests.worker_programs import InThisProcess


@pytest.fixture(scope="module")
def years(rebuilt: Rebuilt) -> list[Year]:
    return brute_force.years_of(rebuilt)


@pytest.fixture(scope="module")
def scale(years: list[Year]) -> Scale:
    return brute_force.scale_of(years)


@pytest.fixture(scope="module")
def on_base_lattice(years: list[Year]) -> np.ndarray:
    return brute_force.mean_correlations(years, BASE)


def test_every_merge_of_every_year(rebuilt: Rebuilt, years: list[Year]) -> None:
    merges = rebuilt.read("dendrograms")
    assert sorted(merges["year"].unique()) == [year.year for year in years]
    for year in years:
        rows = merges[merges["year"] == year.year]
        assert rows["step"].tolist() == list(range(len(year.ids) - 1))
        parts = {frozenset([report]) for report in year.ids.tolist()}
        for row in rows.itertuples():
            two = {part for part in parts if min(part) in (row.left, row.right)}
            # The two parts are as far apart as their closest reports, and no two others are closer.
            a, b = (np.isin(year.ids, list(part)) for part in two)
            assert year.distance[np.ix_(a, b)].min() == pytest.approx(row.distance, abs=1e-12)
            assert row.left < row.right
            parts = (parts - two) | {frozenset().union(*two)}
        assert rows["distance"].is_monotonic_increasing


def test_the_scale_of_all_pairs(rebuilt: Rebuilt, scale: Scale) -> None:
    (row,) = rebuilt.read("distance_scale").to_dict("records")
    assert row["n_pairs"] == scale.n_pairs
    assert row["mean"] == pytest.approx(scale.mean, rel=1e-12)
    assert row["deviation"] == pytest.approx(scale.deviation, rel=1e-12)


def test_the_step_function_on_the_whole_lattice(
    rebuilt: Rebuilt, years: list[Year], on_base_lattice: np.ndarray
) -> None:
    curve = rebuilt.read("cutoff_curve")
    assert sorted(curve["year"].unique()) == [year.year for year in years]
    for year, wanted in zip(years, on_base_lattice, strict=True):
        rows = curve[curve["year"] == year.year]
        assert rows["theta"].is_monotonic_increasing
        step = np.searchsorted(rows["theta"], np.array(BASE) + 1e-10, side="right")
        values = np.concatenate([[np.nan], rows["mean_correlation"]])[step]
        np.testing.assert_allclose(values, wanted, atol=1e-9)
    assert np.isnan(on_base_lattice).any()
    assert np.isfinite(on_base_lattice).mean() > 0.3


def test_every_step_of_the_step_function(rebuilt: Rebuilt, years: list[Year], scale: Scale) -> None:
    curve = rebuilt.read("cutoff_curve")
    for year in years:
        rows = curve[curve["year"] == year.year]
        # A tree of n reports has n - 1 edges; from the last step on all are one cluster.
        assert len(rows) == len(year.ids) - 1
        assert rows["n_clusters"].iloc[-1] == 1
        for row in rows.itertuples():
            found = year.quality(year.labels(scale.cutoff(row.theta) + 1e-10))
            assert row.n_clusters == found["n_clusters"]
            for ours, name in (
                (row.mean_correlation, "mean_correlation"),
                (row.pair_weighted_mean_correlation, "pair_weighted"),
            ):
                assert ours == pytest.approx(found[name], abs=1e-9, nan_ok=True)


def test_the_base_cutoff(rebuilt: Rebuilt, years: list[Year], scale: Scale, on_base_lattice: np.ndarray) -> None:
    cutoffs = rebuilt.read("cutoffs", "base")
    theta = brute_force.base_theta(on_base_lattice)
    assert cutoffs["year"].tolist() == [year.year for year in years]
    assert cutoffs["theta"].to_numpy() == pytest.approx(theta, abs=1e-12)
    assert cutoffs["distance"].to_numpy() == pytest.approx(scale.cutoff(theta), rel=1e-12)
    wanted = on_base_lattice[:, BASE.index(theta)]
    np.testing.assert_allclose(cutoffs["mean_correlation"], wanted, atol=1e-9)
    assert cutoffs["in_sample"].all()


def test_the_rolling_cutoffs(rebuilt: Rebuilt, years: list[Year], scale: Scale) -> None:
    cutoffs = rebuilt.read("cutoffs", "rolling")
    table = brute_force.mean_correlations(years, ROLLING)
    thetas = brute_force.rolling_thetas(table)
    assert cutoffs["year"].tolist() == [year.year for year in years[5:]]
    assert cutoffs["theta"].to_numpy() == pytest.approx(thetas, abs=1e-12)
    distances = [scale.cutoff(theta) for theta in thetas]
    assert cutoffs["distance"].to_numpy() == pytest.approx(distances, rel=1e-12)
    own = [table[5 + i, ROLLING.index(theta)] for i, theta in enumerate(thetas)]
    np.testing.assert_allclose(cutoffs["mean_correlation"], own, atol=1e-9)
    assert not cutoffs["in_sample"].any()


@pytest.mark.parametrize("mode", MODES)
def test_clusters_are_components(rebuilt: Rebuilt, years: list[Year], mode: str) -> None:
    clusters = rebuilt.read("clusters", mode)
    cutoffs = rebuilt.read("cutoffs", mode).set_index("year")["distance"]
    by_year = {year.year: year for year in years}
    assert sorted(clusters["year"].unique()) == sorted(cutoffs.index)
    for label, rows in clusters.groupby("year"):
        year = by_year[int(str(label))]
        wanted = brute_force.partition(year.ids, year.labels(cutoffs[year.year]))
        assert brute_force.partition(rows["report_id"].to_numpy(), rows["cluster_id"]) == wanted
    assert (clusters.groupby(["year", "cluster_id"]).size() >= 2).any()


@pytest.mark.parametrize("mode", MODES)
def test_clusters_are_numbered_from_the_largest(rebuilt: Rebuilt, mode: str) -> None:
    clusters = rebuilt.read("clusters", mode)
    assert clusters.equals(clusters.sort_values(["year", "cluster_id", "report_id"]))
    for _, rows in clusters.groupby("year"):
        sizes = rows.groupby("cluster_id").size()
        assert sizes.index.tolist() == list(range(1, len(sizes) + 1))
        first = rows.groupby("cluster_id")["report_id"].min()
        order = pd.DataFrame({"size": -sizes, "first": first})
        assert order.equals(order.sort_values(["size", "first"]))


@pytest.mark.parametrize("mode", MODES)
def test_metadata_count_clusters_and_singletons(rebuilt: Rebuilt, mode: str) -> None:
    sizes = rebuilt.read("clusters", mode).groupby(["year", "cluster_id"]).size()
    said = rebuilt.metadata("clusters", mode)
    assert said["clusters"] == (sizes >= 2).sum()
    assert said["singletons"] == (sizes == 1).sum()
    assert said["largest_cluster"] == sizes.max()
    assert (said["processes"], said["device"]) == (1, "cpu")


class Recorded(InThisProcess):
    """Runs worker programs in this process and notes which, and what it was asked of them."""

    def run(self, context: Any, module: str, extras: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
        LAUNCHES.append((module.rpartition(".")[2], extras))
        return super().run(context, module, extras, scratch)


LAUNCHES: list[tuple[str, Mapping[str, Any]]] = []


@pytest.fixture
def run(rebuilt: Rebuilt, tmp_path: Path) -> Any:
    """Materializes some assets again in a copy of the rebuilt sample: the launches that this took, and the bytes of
    all tables before and after.
    """

    def again(assets: list[str], mode: str | None) -> tuple[list[Any], dict[str, bytes], dict[str, bytes]]:
        copy = rebuilt.copy(tmp_path)
        LAUNCHES.clear()
        before = tables(copy)
        with tiny_sample():
            copy.run(assets, mode, Recorded())
        return list(LAUNCHES), before, tables(copy)

    return again


def tables(run: Run) -> dict[str, bytes]:
    folder = run.results.folder
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.parquet"))}


SHARED = ["clustered_reports", "dendrograms", "distance_scale", "cutoff_curve"]
STUDIED = ["cluster_features", "cluster_feature_summary"]


@pytest.mark.parametrize(
    ("assets", "mode", "launched"),
    [
        (SHARED, "base", ["dendrograms"]),
        (["distance_scale"], "base", ["dendrograms"]),
        (["cutoff_curve", "clustered_reports", "cutoffs"], None, []),
        (["clusters", *STUDIED], None, ["clusters"]),
        (["clusters"], "rolling", ["clusters"]),
        (["cluster_features"], None, ["clusters"]),
    ],
)
def test_a_step_launches_once_or_not_at_all_and_makes_the_same_again(
    run: Any, assets: list[str], mode: str | None, launched: list[str]
) -> None:
    """Years are linked for trees and scale alone; one launch serves all modes of the run, and cuts and studies."""
    launches, before, after = run(assets, mode)
    assert [name for name, _ in launches] == launched
    assert after == before
    for name, extras in launches:
        if name == "clusters":
            assert list(extras["modes"]) == ([mode] if mode else MODES)
            assert {key for given in extras["modes"].values() for key in given} == (
                {"cutoffs"} if "clusters" in assets else {"clusters"}
            )
            assert ("strong_features" in extras) == bool({*assets} & {*STUDIED})
