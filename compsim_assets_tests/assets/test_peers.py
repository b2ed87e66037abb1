"""Peer statistics and supervised latents as assets, on tables of a small universe."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets.assets.peers import peer_statistics, supervised_latents
from compsim_assets_tests.assets.peer_tables import ENCODER, LATENTS, NO_FEATURES, NO_TEXT, YEARS, N, Small
from compsim_assets_tests.runs import Rebuilt

METHODS = ["sic2", "pca", "walk_forward", ENCODER, "supervised", "supervised_length_controlled"]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    return Small(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def made(small: Small) -> tuple[pd.DataFrame, pd.DataFrame]:
    return small.materialize()


def row_of(table: pd.DataFrame, method: str, year: int, statistic: str, level: float) -> pd.Series:
    keys = ["method", "year", "statistic", "level"]
    return table.set_index(keys).loc[(method, year, statistic, level)]


def test_methods_cover_the_years_they_have(made: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    table, _ = made
    assert table["method"].unique().tolist() == METHODS
    years = table.groupby("method")["year"].unique().map(sorted).to_dict()
    judged = [2007, 2008]
    assert years["sic2"] == years["pca"] == years[ENCODER] == list(YEARS)
    assert years["walk_forward"] == list(range(2004, 2009))
    assert years["supervised"] == years["supervised_length_controlled"] == judged
    in_sample = table.groupby("method")["in_sample"].unique().map(list).to_dict()
    assert in_sample == {method: [method == "pca"] for method in METHODS}
    stable = table[table["statistic"] == "peer_stability"].groupby("method")["year"].min()
    assert stable.to_dict() == {
        "pca": 2002, ENCODER: 2002, "walk_forward": 2005,
        "supervised": 2008, "supervised_length_controlled": 2008,
    }  # fmt: skip


@pytest.mark.parametrize(("method", "left_out"), [("pca", None), (ENCODER, NO_TEXT)])
def test_nearest_peers_of_a_year_are_those_of_its_vectors(
    small: Small, made: tuple[pd.DataFrame, pd.DataFrame], method: str, left_out: int | None
) -> None:
    rows = np.flatnonzero(small.company != (-1 if left_out is None else left_out))
    for year in YEARS:
        wanted = small.nearest(small.scores.astype(float), year, rows)
        found = row_of(made[0], method, year, "neighbours", 1)
        assert found["n"] == len(wanted) == (17 if left_out is None else 16)
        assert found["value"] == pytest.approx(np.mean(wanted), abs=1e-9)


def test_supervised_peers_share_the_selected_latents(small: Small, made: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    table, latents = made
    chosen = latents[latents["selected"]]
    assert {0, 1, 2} <= set(chosen["latent"])
    assert (chosen["score"] > 0).all()
    activity = (small.features[:, chosen["latent"]] > 0) * np.sqrt(chosen["score"].to_numpy())
    rows = np.flatnonzero(small.company != NO_FEATURES)
    for year in (2007, 2008):
        wanted = small.nearest(activity, year, rows)
        found = row_of(table, "supervised_length_controlled", year, "neighbours", 1)
        assert found["n"] == len(wanted) == 16
        assert found["value"] == pytest.approx(np.mean(wanted), abs=1e-9)


def test_length_is_the_total_activation_of_the_features(small: Small, made: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    for year in YEARS:
        pairs = row_of(made[0], "pca", year, "spearman", 0)["n"]
        known = row_of(made[0], "pca", year, "spearman_length_controlled", 0)["n"]
        assert (pairs, known) == (17 * 16 / 2, 16 * 15 / 2)


def test_companies_are_followed_by_registrant_or_ticker(made: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    found = row_of(made[0], "pca", 2005, "peer_stability", 3)
    assert found["n"] == 17
    assert found["random"] == pytest.approx(3 / 16)


def test_what_comes_later_changes_no_honest_row(
    small: Small, made: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    """Of the last year everything is another: returns, features, scores, codes. The training years are the same."""
    other = Small(tmp_path)
    rng = np.random.default_rng(5)
    last = other.year == 2008
    other.returns[last] = rng.normal(size=(N, 12))
    other.features[last] = rng.uniform(size=(N, LATENTS))
    other.scores[last] = rng.normal(size=(N, 5))
    other.write(published=False)
    table, latents = other.materialize()
    pd.testing.assert_frame_equal(latents, made[1], check_exact=True)
    first, second = (t[~t["in_sample"] & (t["year"] < 2008)].reset_index(drop=True) for t in (made[0], table))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert set(first["method"]) == set(METHODS) - {"pca"}
    assert not table[table["year"] == 2008].equals(made[0][made[0]["year"] == 2008])


def test_the_order_of_the_rows_that_others_wrote_changes_nothing(
    made: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    other = Small(tmp_path)
    other.order = 2
    other.write(published=False)
    pd.testing.assert_frame_equal(other.materialize()[0], made[0], check_exact=True)


def test_published_pairs_are_a_method_and_give_the_correlations(tmp_path: Path) -> None:
    small = Small(tmp_path, published=True)
    table, latents = small.materialize()
    assert latents.empty
    assert table["method"].unique().tolist() == ["sic2", "pairs"]
    assert table.loc[table["method"] == "pairs", "in_sample"].all()
    existing = small.pairs.dropna()
    for year, pairs in existing.groupby("year"):
        found = row_of(table, "pairs", int(year), "spearman", 0)  # type: ignore[call-overload]
        assert found["n"] == len(pairs)
        wanted = pairs["cosine"].corr(pairs["correlation"], method="spearman")
        assert found["value"] == pytest.approx(wanted, abs=1e-9)
        best = pairs.nlargest(found_size(len(pairs), 5.0), "cosine")["correlation"].mean()
        top = row_of(table, "pairs", int(year), "top_pairs", 5.0)  # type: ignore[call-overload]
        assert top["value"] == pytest.approx(best, abs=1e-9)
    assert "spearman_length_controlled" not in set(table["statistic"])


def found_size(n_pairs: int, share: float) -> int:
    return max(1, round(n_pairs * share / 100))


def test_assets_depend_on_what_they_read() -> None:
    supplied = {
        asset.key.to_user_string(): {key.to_user_string() for key in asset.asset_deps[asset.key]}
        for asset in (supervised_latents, peer_statistics)
    }
    assert supplied["supervised_latents"] == {"sae_features", "returns", "descriptions"}
    assert supplied["peer_statistics"] == {
        "pca_scores", "walk_forward_scores", "embeddings", "control_scores", "sae_features", "published_pairs",
        "descriptions", "returns", "supervised_latents",
    }  # fmt: skip


def test_peers_explain_the_samples_accounts_which_follow_its_planted_lines(rebuilt: Rebuilt) -> None:
    table = rebuilt.read("fundamentals_explained")
    assert set(table["metric"]) == {"operating_margin", "sales_growth", "asset_turnover"}
    of = table.set_index(["method", "level", "scope", "metric", "ahead"])
    clusters = {"base", "rolling", "walk_forward", "sic_code", "sic_division", "sic2"}
    assert clusters <= set(table.loc[table["level"] == 0, "method"])
    nearest = {"pca", "walk_forward", "supervised", "supervised_length_controlled"}
    assert nearest <= set(table.loc[table["level"] == 10, "method"])
    assert "population" not in set(table["method"])
    for ahead in (0, 1):
        assert of.loc[("pca", 1, "all", "operating_margin", ahead), "value"] > 0
    in_sample = table.groupby(["method", "level"])["in_sample"].first()
    assert in_sample["base", 0]
    assert in_sample["pca", 1]
    assert not in_sample["walk_forward", 0]
    assert not in_sample["walk_forward", 1]
    assert not in_sample["sic_code", 0]
    assert rebuilt.metadata("fundamentals_explained")["metrics"] == "asset_turnover, operating_margin, sales_growth"
