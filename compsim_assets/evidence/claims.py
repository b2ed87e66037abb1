"""The paper's claims, and its follow-ups', with the published number of each."""

import pandas as pd

from compsim_assets.evidence.judge import Claim, clusters, interpretability, over_years, peers_against_codes, sharpe

_MEAN = "mean_correlation"
_PCA, _WALK_FORWARD = ("pca", ""), ("walk_forward", "")
_SUPERVISED, _CONTROLLED = "supervised", "supervised_length_controlled"


def published_claims(figures: pd.DataFrame, encoder: str) -> list[Claim]:
    """All claims, in reading order: first what re-ranking within an industry gives, then clusters.

    Args:
        figures: figure, published; see `published_figures.csv`.
        encoder: the universe's text encoder that stands for the published ones.
    """
    number = figures.set_index("figure")["published"]
    within, clusters = _within_industries(number), _of_clusters(number, encoder)
    return [*within, *clusters, *_of_trading(number), *_of_peers(number), *_of_latents(number)]


def _within_industries(number: pd.Series) -> list[Claim]:
    nearest = number["Nearest neighbour in the same 2-digit SIC, K = 1"]
    lift = "neighbours_same_sic2_lift", _PCA, _WALK_FORWARD
    return [
        Claim(
            "Within the same two-digit SIC code the nearest company moves along more than a random one",
            nearest - number["Random peer in the same 2-digit SIC"],
            over_years(*lift, "1"),
            "robustness",
        ),
        Claim(
            "So do the ten nearest", number["Lift over a random peer, K = 10"], over_years(*lift, "10"), "robustness"
        ),
    ]


def _of_clusters(number: pd.Series, encoder: str) -> list[Claim]:
    base, rolling = number["MeanCorr, GCD (base)"], number["MeanCorr, GCDR (rolling)"]
    by_pairs = number["Pair-weighted correlation, GCD (base)"] - number["Pair-weighted correlation, SIC"]
    codes = ("base", "sic_code"), ("walk_forward", "sic_code")
    all_pairs = ("base", "population"), ("walk_forward", "population")
    embeddings = ("base", f"{encoder}_base"), ("walk_forward", f"{encoder}_rolling")
    modes = ("rolling", "base"), ("rolling", "base")
    return [
        Claim(
            "Companies in clusters of SAE features move together more than companies of one SIC code: MeanCorr, where "
            "every cluster counts once",
            base - number["MeanCorr, SIC"],
            clusters(_MEAN, *codes),
            "table_1",
        ),
        Claim(
            "The same where every pair of companies counts once", by_pairs, clusters("pair_weighted", *codes), "table_1"
        ),
        Claim(
            "They move together more than any two companies: MeanCorr less that of the population",
            base - number["MeanCorr, population (all pairs pooled)"],
            clusters(_MEAN, *all_pairs),
            "table_1",
        ),
        Claim(
            "They move together more than companies in clusters of text embeddings (published: SBERT): MeanCorr",
            base - number["MeanCorr, SBERT"],
            clusters(_MEAN, *embeddings),
            "table_1",
        ),
        Claim(
            "A cutoff chosen anew each year beats one cutoff for all years: MeanCorr of rolling less base",
            rolling - base,
            clusters(_MEAN, *modes),
            "table_1",
        ),
    ]


def _of_trading(number: pd.Series) -> list[Claim]:
    return [
        Claim(
            "Trading cointegrated pairs of one cluster has a Sharpe ratio above 10: pairs of SAE clusters",
            number["Sharpe as published, GCD (base)"],
            sharpe("base", "walk_forward"),
            "pairs_backtest",
        ),
        Claim(
            "Pairs of one SIC code: Sharpe ratio",
            number["Sharpe as published, SIC"],
            sharpe("sic_code", "sic_code"),
            "pairs_backtest",
        ),
    ]


def _of_peers(number: pd.Series) -> list[Claim]:
    return [
        Claim(
            "The ten nearest of all companies move along less than those of the same SIC code",
            number["Global top-10 neighbours"] - number["Top-10 neighbours, SIC"],
            peers_against_codes(10.0),
            "peer_statistics",
            direction=-1,
        ),
        Claim(
            "Over all pairs, more similar companies move together more: Spearman of cosine and return correlation",
            number["Spearman of cosine and correlation, 2014-2020"],
            over_years("spearman", _PCA, _WALK_FORWARD),
            "robustness",
        ),
    ]


def _of_latents(number: pd.Series) -> list[Claim]:
    alone = (_SUPERVISED, ""), (_CONTROLLED, "")
    against_cosine = (_SUPERVISED, "pca"), (_CONTROLLED, "pca")
    return [
        Claim(
            "Latents selected by training years' returns predict return correlation in later years: Spearman "
            "(corrected: description length controlled)",
            number["Supervised selection: Spearman out of sample"],
            over_years("spearman", *alone),
            "robustness",
        ),
        Claim(
            "Their most similar 1 % of pairs move together more than the cosine's (corrected: length controlled)",
            number["Supervised selection: top 1 % of pairs"] - number["Top 1 % of pairs, PCA cosine"],
            over_years("top_pairs", *against_cosine, "1"),
            "robustness",
        ),
        Claim(
            "Latents that hold many clusters together are easier to interpret than others, in points of 100",
            number["Interpretability at 30 % of clusters, base"] - number["Mean interpretability of scored latents"],
            interpretability(),
            "table_2",
        ),
    ]
