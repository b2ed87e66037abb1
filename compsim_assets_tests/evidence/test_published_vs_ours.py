"""Each published figure beside ours: small tables whose every value is known."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compsim_assets.evidence.published_figures import published_figures
from compsim_assets.evidence.published_vs_ours import Computed, compare_with_published
from compsim_assets.science.latents.values import value_distribution

NAN = float("nan")
COLUMNS = ["figure", "kind", "method", "key", "published", "source"]
CURVE_COLUMNS = ["min_share", "mean_interpretability", "n_latents", "share_of_latents"]

PEERS = pd.DataFrame(
    [
        ("pca", 2014, "neighbours", 10.0, 0.30, 0.20),
        ("pca", 2016, "neighbours", 10.0, 0.50, 0.25),
        ("pca", 2016, "neighbours", 1.0, 0.90, 0.10),
        ("supervised", 2016, "spearman", 0.0, 0.40, float("nan")),
    ],
    columns=["method", "year", "statistic", "level", "value", "random"],
)
ROBUST = pd.DataFrame(
    [
        ("mean_correlation", "base", "", 0.1, 0.2),
        ("mean_correlation", "base", "sic_code", 0.3, 0.4),
        ("mean_correlation", "base", "SIC", 9.0, 9.0),
        ("mean_correlation", "GCD", "SIC", 0.5, 0.6),
        ("pair_weighted", "base", "", 7.0, 8.0),
    ],
    columns=["statistic", "method", "versus", "low", "high"],
).assign(level="", value=9.0)
BACKTEST = pd.DataFrame(
    [("as_published", "base", 9.0), ("honest", "base", 1.0), ("as_published", "GCD", 8.0)],
    columns=["variant", "method", "sharpe"],
)


def correlations(**methods: Mapping[int, tuple[float, float, int, int, int]]) -> pd.DataFrame:
    """By method and year: MeanCorr, pair-weighted, pairs, clusters, largest."""
    names = ["mean_correlation", "pair_weighted", "n_pairs", "n_clusters", "largest_cluster"]
    rows = [
        {"method": method, "year": year, **dict(zip(names, values, strict=True))}
        for method, years in methods.items()
        for year, values in years.items()
    ]
    return pd.DataFrame(rows, columns=["method", "year", *names])


def nothing() -> Computed:
    """What a universe gives that has nothing but reports."""
    return Computed(
        mean_correlation=correlations(),
        cutoffs={},
        curves={},
        proportions={},
        fuzz_scores=pd.DataFrame({"latent": [], "interpretability": []}, dtype=float),
        feature_distribution=value_distribution([]),
        strong_features={},
        counts={"n_reports": 4, "n_pairs": 0, "n_pairs_with_correlation": 0},
        peer_statistics=PEERS.iloc[:0],
        robustness=ROBUST.iloc[:0],
        backtest=BACKTEST.iloc[:0],
    )


def compared(computed: Computed, kind: str, method: str = "", key: str = "") -> dict[str, Any]:
    """The one row of a figure whose published value is 0.25."""
    figures = pd.DataFrame([["a figure", kind, method, key, 0.25, "paper"]], columns=COLUMNS)
    (row,) = compare_with_published(figures, computed, "a universe").to_dict("records")
    return row


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


STRONG = pd.DataFrame(
    {
        "members": ["1,2"] * 3 + ["3,4"] * 3 + ["5,6"] * 3 + ["7,8"] * 3,
        "latent": [1, 2, 3] * 4,
        # Latent 1 is strong in all clusters, 2 in one of four, 3 in none.
        "strong": [True, True, False] + [True, False, False] * 3,
    }
)
SCORES = pd.DataFrame({"latent": [1, 2, 3, 9], "interpretability": [80.0, 60.0, NAN, 10.0]})


def test_interpretability_of_published_strong_features_and_of_ours() -> None:
    curve = pd.DataFrame([[24, 70.0, 2, 1.0], [30, 75.0, 1, 0.5]], columns=CURVE_COLUMNS)
    computed = replace(nothing(), curves={"base": curve}, fuzz_scores=SCORES, strong_features={"base": STRONG})
    at_30 = compared(computed, "interpretability_at", "base", "30")
    assert (at_30["ours"], at_30["replayed"], at_30["note"]) == (75.0, 80.0, "")
    assert compared(computed, "interpretability_at", "base", "24")["replayed"] == 70.0
    # Latent 9 has a score, but no published cluster knew it.
    assert compared(computed, "interpretability_at", "base", "0")["replayed"] == 70.0
    other = compared(computed, "interpretability_at", "rolling", "24")
    assert np.isnan(other["ours"])
    assert np.isnan(other["replayed"])


def test_no_latent_left_at_a_share_is_null() -> None:
    curve = pd.DataFrame([[30, NAN, 0, 0.0]], columns=CURVE_COLUMNS)
    row = compared(replace(nothing(), curves={"base": curve}), "interpretability_at", "base", "30")
    assert np.isnan(row["ours"])
    assert "no scored latent is strong in 30 %" in row["note"]


def test_median_proportion_of_strong_features() -> None:
    own = pd.DataFrame({"proportion": [0.1, 0.2, 0.9]})
    computed = replace(nothing(), proportions={"base": own}, strong_features={"base": STRONG})
    row = compared(computed, "median_proportion", "base")
    assert row["ours"] == 0.2
    # Two, one, one and one strong of the thousand that the published script divides by.
    assert row["replayed"] == 0.001


def test_shares_of_feature_values() -> None:
    values = np.array([[0.0, 0.0, 0.0, 7.5], [7.6, 100.0, 1.0, 0.01]], dtype=np.float32)
    computed = replace(nothing(), feature_distribution=value_distribution([values]))
    assert compared(computed, "share_zero")["ours"] == 3 / 8
    assert compared(computed, "share_above")["ours"] == 2 / 8


def test_mean_interpretability_is_that_of_the_scored_latents() -> None:
    computed = replace(nothing(), fuzz_scores=SCORES)
    assert compared(computed, "mean_interpretability")["ours"] == 50.0


def test_scores_without_any_answer_say_so() -> None:
    scores = pd.DataFrame({"latent": [1], "interpretability": [NAN]})
    row = compared(replace(nothing(), fuzz_scores=scores), "mean_interpretability")
    assert row["note"] == "not computable here: no fuzz score has an answer"


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
