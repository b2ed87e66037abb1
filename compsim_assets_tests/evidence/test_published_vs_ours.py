"""Each published figure beside ours: small tables whose every value is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from compsim_assets.evidence.published_figures import published_figures
from compsim_assets.evidence.published_vs_ours import compare_with_published
from compsim_assets_tests.evidence.compared_figures import BACKTEST, NAN, PEERS, ROBUST, compared, correlations, nothing

YEARS = correlations(
    base={
        2000: (0.9, 0.8, 10, 4, 7),
        2001: (0.5, 0.2, 30, 2, 9),
        2002: (NAN, NAN, 0, 1, 2),
        2021: (0.1, 0.6, 20, 3, 5),
    },
    GCD={2001: (0.3, 0.4, 1, 1, 3), 2002: (0.7, 0.1, 3, 6, 2)},
    sic_code={2000: (0.1, 0.1, 5, 1, 3), 2001: (0.2, 0.1, 5, 1, 3), 2002: (0.3, 0.1, 5, 1, 3)},
    SIC={2001: (0.25, 0.1, 5, 1, 3), 2003: (0.9, 0.9, 5, 1, 3)},
)


@pytest.mark.parametrize(
    ("kind", "ours", "replayed"),
    [
        ("mean_correlation", 0.5, 0.5),
        ("mean_correlation_2001_2020", 0.5, 0.5),
        ("pair_weighted", (8 + 6 + 12) / 60, 0.7 / 4),
        ("n_clusters", 10, 7),
        ("largest_cluster", 9, 3),
    ],
)
def test_measures_of_a_method_and_of_its_published_set(kind: str, ours: float, replayed: float) -> None:
    row = compared(replace(nothing(), mean_correlation=YEARS), kind, "base", "GCD")
    assert row["ours"] == pytest.approx(ours)
    assert row["replayed"] == pytest.approx(replayed)
    assert row["difference"] == pytest.approx(ours - 0.25)
    assert row["replay_difference"] == pytest.approx(replayed - 0.25)
    assert (row["universe"], row["note"]) == ("a universe", "")


def test_common_years_are_2001_to_2020() -> None:
    years = {year: (float(year), 0.0, 1, 1, 2) for year in (2000, 2001, 2020, 2021)}
    table = correlations(base=years, GCD=years)
    row = compared(replace(nothing(), mean_correlation=table), "mean_correlation_2001_2020", "base", "GCD")
    assert row["ours"] == row["replayed"] == 2010.5


def test_differences_are_on_the_years_that_both_have() -> None:
    row = compared(replace(nothing(), mean_correlation=YEARS), "difference", "base", "GCD")
    # 2000 and 2001 of ours (2002 has no MeanCorr), 2001 of theirs.
    assert row["ours"] == pytest.approx((0.9 - 0.1 + 0.5 - 0.2) / 2)
    assert row["replayed"] == pytest.approx(0.3 - 0.25)


@pytest.mark.parametrize(
    ("kind", "method", "key", "why"),
    [
        ("mean_correlation", "base", "GCD", "no result for base"),
        ("n_clusters", "base", "GCD", "no result for base"),
        ("largest_cluster", "base", "GCD", "no result for base"),
        ("mean_correlation", "", "PaLM-gecko", "its encoder is not public"),
        ("mean_correlation", "SBERT_base", "SBERT", "embedding.toml names no encoder SBERT"),
        ("difference", "base", "GCD", "no year with base and SIC codes"),
        ("theta", "base", "", "no base cutoff"),
        ("theta", "rolling", "2001", "no rolling cutoff"),
        ("mean_interpretability", "", "", "the universe has no fuzz scores"),
        ("interpretability_at", "base", "30", "no scored latent is strong in 30 % of the base clusters"),
        ("median_proportion", "base", "", "no strong features of base clusters"),
        ("share_zero", "", "", "there are no features"),
        ("share_above", "", "", "there are no features"),
        ("sharpe", "base", "GCD", "no pair of base clusters was traded"),
        ("sharpe", "", "PaLM-gecko", "its encoder is not public"),
        ("interval_low", "base", "GCD", "no interval of base"),
        ("difference_high", "base", "GCD", "no interval of base"),
        ("peers", "pca", "spearman 0 value", "no such year, or no pca similarity"),
        ("pair_weighted_judged", "sic_code", "SIC", "no year of sic_code after the training years"),
    ],
)  # fmt: skip
def test_what_is_missing_is_null_and_says_why(kind: str, method: str, key: str, why: str) -> None:
    row = compared(nothing(), kind, method, key)
    assert row["note"] == f"not computable here: {why}"
    missing = ("ours", "replayed", "difference", "replay_difference")
    assert all(np.isnan(row[name]) for name in missing)


@pytest.mark.parametrize("kind", ["mean_correlation", "pair_weighted"])
def test_a_method_without_any_pair_is_null(kind: str) -> None:
    table = correlations(base={2001: (NAN, NAN, 0, 0, 0)}, GCD={2001: (0.5, 0.5, 2, 1, 2)})
    row = compared(replace(nothing(), mean_correlation=table), kind, "base", "GCD")
    assert np.isnan(row["ours"])
    assert row["replayed"] == 0.5
    assert row["note"] == "not computable here: base has no such year, cluster or pair"


def test_no_cluster_is_a_count_of_zero() -> None:
    table = correlations(base={2001: (NAN, NAN, 0, 0, 0)})
    row = compared(replace(nothing(), mean_correlation=table), "n_clusters", "base", "GCD")
    assert (row["ours"], row["note"]) == (0, "")


def test_published_sets_of_embeddings_are_replayed() -> None:
    table = correlations(SBERT={2001: (0.5, 0.4, 2, 1, 2)})
    computed = replace(nothing(), mean_correlation=table)
    row = compared(computed, "mean_correlation", "SBERT_base", "SBERT")
    assert row["replayed"] == 0.5
    assert np.isnan(row["ours"])


def test_clusters_of_an_encoder_of_the_published_name_stand_beside_it() -> None:
    table = correlations(SBERT_base={2001: (0.4, 0.4, 2, 1, 2)})
    computed = replace(nothing(), mean_correlation=table)
    row = compared(computed, "mean_correlation", "SBERT_base", "SBERT")
    assert (row["ours"], row["note"]) == (0.4, "")


def test_the_sharpe_ratio_is_that_of_the_published_loop() -> None:
    row = compared(replace(nothing(), backtest=BACKTEST), "sharpe", "base", "GCD")
    assert (row["ours"], row["replayed"]) == (9.0, 8.0)


@pytest.mark.parametrize(
    ("kind", "ours", "replayed"),
    [
        ("interval_low", 0.1, NAN),
        ("interval_high", 0.2, NAN),
        ("difference_low", 0.3, 0.5),  # ours to our codes, theirs to theirs
        ("difference_high", 0.4, 0.6),
    ],
)
def test_ends_of_intervals(kind: str, ours: float, replayed: float) -> None:
    row = compared(replace(nothing(), robustness=ROBUST), kind, "base", "GCD")
    assert row["ours"] == ours
    assert row["replayed"] == pytest.approx(replayed, nan_ok=True)


@pytest.mark.parametrize(
    ("kind", "key", "expected"),
    [
        ("peers", "neighbours 10 value", 0.4),
        ("peers", "neighbours 10 random", 0.225),
        ("peers", "neighbours 10 lift", 0.175),
        ("peers", "neighbours 1 value", 0.9),
        ("peers", "neighbours 10 value 2014 2015", 0.3),
        ("peers_judged", "neighbours 10 value", 0.5),
    ],
)
def test_peer_statistics_over_the_years_asked_for(kind: str, key: str, expected: float) -> None:
    row = compared(replace(nothing(), peer_statistics=PEERS), kind, "pca", key)
    assert row["ours"] == pytest.approx(expected)
    assert np.isnan(row["replayed"])


def test_codes_are_judged_in_the_years_of_the_supervised_similarity() -> None:
    years = {2014: (0.1, 0.1, 10, 1, 5), 2016: (0.2, 0.3, 10, 1, 5)}
    table = correlations(sic_code=years, SIC={2016: (0.2, 0.7, 10, 1, 5)})
    computed = replace(nothing(), mean_correlation=table, peer_statistics=PEERS)
    row = compared(computed, "pair_weighted_judged", "sic_code", "SIC")
    assert (row["ours"], row["replayed"]) == pytest.approx((0.3, 0.7))


def test_the_population_pools_all_pairs() -> None:
    table = correlations(population={2001: (0.5, 0.5, 1, 1, 2), 2002: (0.1, 0.1, 3, 1, 3)})
    row = compared(replace(nothing(), mean_correlation=table), "pair_weighted", "population")
    assert row["ours"] == pytest.approx(0.2)
    assert np.isnan(row["replayed"])


def test_counts() -> None:
    counts = {"n_reports": 4, "n_pairs": 6, "n_pairs_with_correlation": 5}
    for kind, value in counts.items():
        assert compared(replace(nothing(), counts=counts), kind)["ours"] == value


def test_thetas_by_mode_and_year() -> None:
    cutoffs = {
        "base": pd.DataFrame({"year": [2001, 2002], "theta": [-3.0, -3.0]}),
        "rolling": pd.DataFrame({"year": [2006, 2007], "theta": [-2.0, -2.5]}),
    }
    computed = replace(nothing(), cutoffs=cutoffs)
    assert compared(computed, "theta", "base")["ours"] == -3.0
    assert compared(computed, "theta", "rolling", "2007")["ours"] == -2.5
    missing = compared(computed, "theta", "rolling", "2001")
    assert np.isnan(missing["ours"])
    assert missing["note"] == "not computable here: no rolling cutoff in 2001"


def test_every_published_figure_is_a_row_in_the_published_order() -> None:
    figures = published_figures()
    table = compare_with_published(figures, nothing(), "a universe")
    for name in ("figure", "source", "published"):
        assert table[name].tolist() == figures[name].tolist()
    assert table["figure"].is_unique
    there = table["ours"].notna()
    counts = ["Reports", "Pairs", "Pairs with a correlation"]
    assert table.loc[there, "figure"].tolist() == counts
    assert (table.loc[~there, "note"].str.startswith("not computable here: ")).all()
    assert (table["note"].str.len() > len("not computable here: ")).eq(~there).all()
