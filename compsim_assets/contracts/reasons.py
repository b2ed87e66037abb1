"""Tables of who is alike and why: peers with reasons, themes, latents in words, profiles of clusters."""

from compsim_assets.contracts.columns import (
    CLUSTER,
    LATENT,
    MEMBERS,
    REPORT,
    YEAR,
    correlation,
    count,
    number,
    share,
    size,
    text,
)
from compsim_assets.contracts.table import Column, table

THEME = count("theme", "Group of latents that are active in the same reports, 0 is the one with most latents.")
PEER = Column("peer_report_id", "int64", "The peer's report.")
LABEL = text("label", "Its first terms, as a name; empty where nothing sets its reports apart.")
TERMS = text("terms", "Terms that set its reports apart, the strongest first, separated by commas.")
AUC = share(
    "label_auc",
    "How well the terms tell its reports from others, in companies that the terms were not chosen on: area under the "
    "curve, .5 is chance; null where there are too few.",
    nullable=True,
)

TABLES = (
    table("peers", "report_id", "scope", "rank")(
        REPORT,
        YEAR,
        text("scope", "all: among all companies of the year. industry: among those of the two-digit SIC code."),
        count("rank", "1 is the most similar report of the same year in the scope.", at_least=1),
        PEER,
        correlation("cosine", "Cosine of the two reports' PCA scores, or as published.", nullable=False),
        share("percentile", "Share of the year's pairs of companies with a smaller cosine."),
        share(
            "confidence",
            "Share of bootstrap draws of latents in which it stays among the ten nearest of the scope, or in the "
            "nearer half of fewer than twenty; null without features.",
            nullable=True,
        ),
        Column(
            "peer_last_year",
            "bool",
            "Among the 50 nearest of the scope a year before, too; null where either company has no report then.",
            nullable=True,
        ),
        correlation("next_year_correlation", "Correlation of the two companies' returns in the year after."),
    ),
    table("peer_explanations", "report_id", "peer_report_id", "kind", "number")(
        REPORT,
        PEER,
        text("kind", "latent or theme: of each kind, the contributions of a pair sum to its cosine."),
        Column("number", "int64", "The latent or the theme; -1: all others together.", at_least=-1),
        number("contribution", "Its part of the cosine; negative where it speaks against."),
        number("unusual", "The contribution less its mean over the year's pairs: alike rather than like anybody."),
    ),
    table("company_map", "report_id")(
        REPORT,
        YEAR,
        Column("x", "float64", "Place on the map of its year; the axes mean nothing.", at_least=-1, at_most=1),
        Column("y", "float64", "The same.", at_least=-1, at_most=1),
        share("near", "Share of its ten nearest by cosine that are among the ten nearest on the map."),
    ),
    table("themes", "theme")(THEME, count("n_latents", "Latents in it.", at_least=1), LABEL, TERMS, AUC),
    table("latent_themes", "latent")(THEME, LATENT),
    table("latents", "latent")(
        LATENT,
        share("firing_rate", "Share of reports in which it is active."),
        count("n_reports", "Those reports."),
        Column(
            "quantiles", "float64[5]", "Its activation where it is active: minimum, quartiles, maximum.", nullable=True
        ),
        LABEL,
        TERMS,
        AUC,
        text("judge_label", "What a language model calls it; null where none was asked.", nullable=True),
        text("judge", "That model; null without one, empty in files that do not say.", nullable=True),
        Column("theme", "int64", "Theme that it belongs to; null where it never varies.", nullable=True),
        Column("twin", "int64", "Latent with the most similar decoder direction; null without an SAE.", nullable=True),
        correlation("twin_cosine", "Cosine of the two directions."),
        Column(
            "interpretability",
            "float64",
            "Fuzz score (0-100, chance 50); null where there is none.",
            nullable=True,
            at_least=0,
            at_most=100,
        ),
        count("n_windows", "Text windows shown for it."),
        text("evidence", "What label and terms rest on: windows, scores (of a judge), reports, none."),
    ),
    table("latent_reports", "latent", "rank")(
        LATENT,
        count("rank", "1 is the report with the largest activation; one report per company.", at_least=1),
        REPORT,
        size("activation", "Summed over the report's tokens."),
    ),
    table("latent_years", "latent", "year", "rank")(
        LATENT,
        YEAR,
        count("rank", "1 is the year's report with the largest activation; one report per company.", at_least=1),
        REPORT,
        size("activation", "Summed over the report's tokens."),
    ),
    table("latent_windows", "latent", "rank")(
        LATENT,
        count("rank", "1 is the window with the largest activation.", at_least=1),
        Column("report_id", "int64", "Report that the window is from; null in a judge's file.", nullable=True),
        size("activation", "Largest activation of a token in the window."),
        text("tokens", "JSON list of the window's tokens."),
        text("activations", "JSON list, an activation per token."),
        text("source", "extraction, or scores: the file of a judge."),
    ),
    table("cluster_profiles", "year", "cluster_id")(
        YEAR,
        CLUSTER,
        MEMBERS,
        text("members", "Tickers, or names where there is none, separated by commas; most central first."),
        text("strong_latents", "Its strong latents with their labels, the strongest first."),
        text("themes", "Themes that its members share, the largest contribution first."),
        text("sic_mix", "Two-digit SIC codes with their members, the most frequent first."),
        correlation("mean_correlation", "Mean return correlation of its pairs, of the same year."),
        number("low", "Lower end of its 95 % interval, companies resampled; null for pairs and triples."),
        number("high", "Upper end of it."),
        Column("from_cluster", "int64", "Cluster of the year before that holds most of its companies.", nullable=True),
        share("overlap", "Jaccard index of the two sets of companies.", nullable=True),
        text("entered", "Companies that were not in that cluster."),
        text("left", "Companies of that cluster that are not in this one."),
    ),
)
