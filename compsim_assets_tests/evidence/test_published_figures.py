"""The published figures, copied here once more by hand: the paper's, its follow-ups', and the cutoffs."""

import pytest

from compsim_assets.evidence.published_figures import published_by_method, published_figures, published_thetas
from compsim_assets.partitions import cutoff_modes

PUBLISHED = {
    "base": 0.3590,
    "GCD": 0.3590,
    "rolling": 0.3848,
    "GCDR": 0.3848,
    "sic_code": 0.2311,
    "SIC": 0.2311,
    "PaLM-gecko": 0.2195,
    "SBERT": 0.2193,
    "SBERT_base": 0.2193,
    "BERT": 0.1977,
    "BERT_base": 0.1977,
    "sic_division": 0.1868,
    "Industry": 0.1868,
    "population": 0.1609,
}

# MeanCorr, the same on 2001-2020, by pairs, Sharpe; None where nothing was published.
TABLE = {
    "GCD (base)": (0.3590, 0.3867, 0.151, 12.18),
    "GCDR (rolling)": (0.3848, 0.3848, None, 9.69),
    "SIC": (0.2311, 0.2409, 0.252, 9.70),
    "PaLM-gecko": (0.2195, 0.2237, None, 10.57),
    "SBERT": (0.2193, 0.2245, 0.210, 7.69),
    "BERT": (0.1977, 0.2041, None, 7.58),
    "industry": (0.1868, 0.1912, None, None),
}
HEADINGS = ("MeanCorr", "MeanCorr 2001-2020", "Pair-weighted correlation", "Sharpe as published")
OTHERS = {
    "MeanCorr, population (all pairs pooled)": 0.1609,
    "Reports": 27888,
    "Pairs": 15002324,
    "Pairs with a correlation": 14920749,
    "Clusters of two or more, GCD (base)": 559,
    "Largest cluster, GCD (base)": 322,
    "Mean interpretability of scored latents": 61.80,
    "Interpretability at 30 % of clusters, base": 80.6,
    "Interpretability at 24 % of clusters, rolling": 77.0,
    "Median proportion of strong features, base": 0.05,
    "Median proportion of strong features, rolling": 0.01,
    "Feature values that are 0": 0.45,
    "Feature values above 7.5": 0.12,
    "GCD minus SIC, MeanCorr": 0.128,
    "GCD, lower end of the 95 % interval": 0.328,
    "GCD, upper end of the 95 % interval": 0.415,
    "GCD minus SIC, lower end of the 95 % interval": 0.096,
    "GCD minus SIC, upper end of the 95 % interval": 0.186,
    "Nearest neighbour in the same 2-digit SIC, K = 1": 0.263,
    "Random peer in the same 2-digit SIC": 0.208,
    "Lift over a random peer, K = 3": 0.0387,
    "Lift over a random peer, K = 5": 0.0304,
    "Lift over a random peer, K = 10": 0.0240,
    "Global top-10 neighbours": 0.222,
    "Top-10 neighbours, SIC": 0.244,
    "Spearman of cosine and correlation, 2014-2020": 0.028,
    "Supervised selection: Spearman out of sample": 0.217,
    "Supervised selection: top 1 % of pairs": 0.376,
    "Top 1 % of pairs, PCA cosine": 0.160,
    "Top 1 % of pairs, SIC": 0.284,
}
BASE_THETA = -3.13
ROLLING_THETAS = dict(
    zip(
        range(2001, 2021),
        [-2.5, -2.6, -2.6, -2.9, -2.9, -2.9, -2.9, -2.5, -2.8, -2.8,
         -2.6, -2.6, -2.8, -3.1, -3.0, -4.2, -3.1, -3.1, -3.1, -3.1],
        strict=True,
    )
)  # fmt: skip


def test_every_published_figure_is_there_with_its_number() -> None:
    expected = {
        f"{heading}, {method}": value
        for method, values in TABLE.items()
        for heading, value in zip(HEADINGS, values, strict=True)
        if value is not None
    }
    expected |= {**OTHERS, "Cutoff theta, base": BASE_THETA}
    expected |= {f"Cutoff theta, rolling {year}": t for year, t in ROLLING_THETAS.items()}
    table = published_figures()
    assert table["figure"].is_unique
    found = dict(zip(table["figure"], table["published"], strict=True))
    assert found == pytest.approx(expected, abs=1e-12)
    assert list(table) == ["figure", "kind", "method", "key", "published", "source"]
    assert table["source"].str.len().gt(0).all()


def test_each_mode_has_the_published_cutoffs_of_the_years_asked_for() -> None:
    found = published_thetas(list(range(1996, 2023)))
    assert found["base"] == dict.fromkeys(range(1996, 2023), BASE_THETA)
    assert found["rolling"] == ROLLING_THETAS
    assert published_thetas([2020, 1996]) == {"base": {2020: BASE_THETA, 1996: BASE_THETA}, "rolling": {2020: -3.1}}
    assert published_thetas([]) == {"base": {}, "rolling": {}}


def test_published_values_under_our_names_and_theirs() -> None:
    found = published_by_method()
    assert found["mean_correlation"] == pytest.approx(PUBLISHED, abs=1e-12)
    common, sharpe = found["mean_correlation_2001_2020"], found["sharpe"]
    assert (common["base"], common["GCD"], common["SBERT_base"]) == (0.3867, 0.3867, 0.2245)
    assert "population" not in common
    assert (sharpe["rolling"], sharpe["GCDR"], sharpe["sic_code"]) == (9.69, 9.69, 9.70)
    assert set(sharpe) == {"base", "GCD", "rolling", "GCDR", "sic_code", "SIC", "PaLM-gecko",
                           "SBERT", "SBERT_base", "BERT", "BERT_base"}  # fmt: skip


def test_each_cutoff_mode_has_a_published_value() -> None:
    assert set(cutoff_modes.get_partition_keys()) <= set(published_by_method()["mean_correlation"])
