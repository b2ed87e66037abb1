"""Do the companies that a similarity calls peers move together? Statistics of every way to choose peers."""

from typing import Any

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import (
    ALL_MODES,
    COMPARISON,
    HEAVY,
    WHO,
    DataFrame,
    alone,
    columns,
    explaining_memory,
    missing_modes,
    progress,
    table_options,
    universe_of,
)
from compsim_assets.contracts import TABLES
from compsim_assets.settings import Settings
from compsim_assets.storage.controls import ControlScores
from compsim_assets.storage.embeddings import EmbeddingFolder
from compsim_assets.storage.io_managers import ByMode
from compsim_assets.storage.pairs import PairTable
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.storage.similarity import open_similarity


class SupervisedConfig(dg.Config):
    """How latents are selected."""

    n_latents: int = Field(default=1000, ge=1, description="Latents selected, at most.")
    min_pairs: int = Field(
        default=50, ge=1, description="Training pairs with the latent active in both that a score needs."
    )
    block: int = Field(
        default=2048,
        ge=1,
        description="Latents read at once; memory for them is 4 bytes x reports x block, and 8 bytes x the largest "
        "year's reports x block.",
    )


@dg.asset(ins={"descriptions": columns(*WHO)}, **table_options("supervised_latents", "peers", "numpy"))
def supervised_latents(
    context: dg.AssetExecutionContext,
    config: SupervisedConfig,
    sae_features: FeatureShards,
    returns: DataFrame,
    descriptions: DataFrame,
) -> DataFrame:
    """Latents scored by the returns of the first 75 % of years: mean correlation of the pairs in which a latent is
    active in both reports, less that of all pairs. The highest positive scores weigh the supervised similarity, which
    is judged on the other years alone.

    A row for each latent with enough training pairs; empty where there are no features.
    """
    import numpy as np
    import pandas as pd

    from compsim_assets.science.companies import company_codes, repeated_companies
    from compsim_assets.science.peers.supervised import score_latents, training_years

    shards = sae_features
    reports = returns.set_index("report_id").loc[shards.report_id]
    year, training = reports["year"].to_numpy(), training_years(reports["year"])
    monthly = np.stack(reports["returns"].to_list()) if len(reports) else np.empty((0, 12))
    with explaining_memory("the scores of latents", "a smaller block"):
        log = progress(context, "scored latents")
        company = company_codes(repeated_companies(descriptions), shards.report_id)
        scores = score_latents(shards, year, monthly, training, config.block, log, company)
    selected = scores.selected(config.n_latents, config.min_pairs)
    context.add_output_metadata(
        {
            "training_years": f"{training[0]} to {training[-1]}" if training else "none",
            "selected_latents": int(selected.sum()),
        }
    )
    table = pd.DataFrame(
        {"latent": np.arange(len(selected)), "score": scores.score, "n_pairs": scores.n_pairs, "selected": selected}
    )
    return table[scores.enough(config.min_pairs)].reset_index(drop=True)


class LevelsConfig(dg.Config):
    """How many peers, and which pairs, are looked at in each year."""

    peers: list[int] = Field(default=[1, 3, 5, 10], description="Numbers of nearest peers.")
    shares: list[float] = Field(default=[0.5, 1.0, 2.0, 5.0, 10.0], description="Per cent of the most similar pairs.")


class PeerStatisticsConfig(LevelsConfig):
    """What is asked of each year."""

    draws: int = Field(default=5, ge=1, description="Draws of random peers, for peer_r2.")
    seed: int = Field(default=0, ge=0, description="Seed of the draws, with the year.")


@dg.asset(
    ins={"descriptions": columns(*WHO, "sic_code")}, op_tags=HEAVY, **table_options("peer_statistics", "peers", "scipy")
)
@alone
def peer_statistics(
    context: dg.AssetExecutionContext,
    config: PeerStatisticsConfig,
    sae_features: FeatureShards,
    pca_scores: ScoreTable,
    walk_forward_scores: ScoreTable,
    embeddings: EmbeddingFolder,
    control_scores: ControlScores,
    published_pairs: PairTable,
    descriptions: DataFrame,
    returns: DataFrame,
    supervised_latents: DataFrame,
) -> DataFrame:
    """By method and year: does similarity rank pairs as their returns do, do nearest peers and the most similar pairs
    correlate more than random ones, also within an industry, do peers explain a company's return, do they stay the
    same.

    Return correlations are those of the reports' returns or, where companies are compared by published pairs, the
    published ones. `in_sample` says which similarity knows the years that it is judged on.
    """
    import pandas as pd

    from compsim_assets.evidence.peers.statistics import PeerReports, activity_of, peer_methods, peer_rows
    from compsim_assets.science.peers.returns import Levels

    similarity = open_similarity(pca_scores, published_pairs, descriptions)
    levels = Levels(tuple(config.peers), tuple(map(float, config.shares)), config.draws, config.seed)
    lower = "fewer numbers of peers, or a universe of smaller years (memory grows with the square of the largest year)"
    with explaining_memory("the statistics of peers", lower):
        activity, length = activity_of(sae_features, supervised_latents)
        reports = PeerReports(similarity, descriptions.drop(columns="year"), returns, length)
        rows: list[dict[str, Any]] = []
        vectors = pca_scores, walk_forward_scores, embeddings, control_scores
        for method in peer_methods(similarity, *vectors, activity, supervised_latents, returns):
            rows += peer_rows(method, reports, levels, progress(context, f"peers by {method.name}, years"))
    return pd.DataFrame(rows, columns=TABLES["peer_statistics"].names)


class FundamentalsConfig(dg.Config):
    """Which peers are asked, and how sure the answer is."""

    peers: list[int] = Field(default=[1, 10], description="Numbers of nearest peers.")
    winsorised: float = Field(
        default=0.01, ge=0, lt=0.5, description="Share of a metric's values in a year that is pulled in at either end."
    )
    resamples: int = Field(default=1_000, ge=100, description="Bootstrap resamples of companies.")
    seed: int = Field(default=0, ge=0, description="Seed of the resamples.")


@dg.asset(
    ins={"clusters": ALL_MODES, "descriptions": columns(*WHO, "sic_code")},
    op_tags=HEAVY,
    **table_options("fundamentals_explained", "peers", "scipy", stage=COMPARISON),
)
@alone
def fundamentals_explained(
    context: dg.AssetExecutionContext,
    config: FundamentalsConfig,
    settings: Settings,
    descriptions: DataFrame,
    returns: DataFrame,
    sae_features: FeatureShards,
    pca_scores: ScoreTable,
    walk_forward_scores: ScoreTable,
    embeddings: EmbeddingFolder,
    control_scores: ControlScores,
    published_pairs: PairTable,
    supervised_latents: DataFrame,
    clusters: ByMode,
    walk_forward_clusters: DataFrame,
    embedding_clusters: DataFrame,
    control_clusters: DataFrame,
    baseline_clusters: DataFrame,
) -> DataFrame:
    """The accounting yardstick: the share of a company's metrics, this year's and next year's, that the mean of its
    peers explains, beyond the mean of all companies and beyond that of its industry, for every method that has peers or
    clusters, with BCa intervals over companies.

    Empty where the universe has no fundamentals.parquet. Next year's metric is explained by what peers have this year.
    """
    from compsim_assets.evidence.groups import all_groups
    from compsim_assets.evidence.peers.fundamentals import Companies, by_groups, by_similarity, fundamentals_rows
    from compsim_assets.evidence.peers.statistics import activity_of, peer_methods

    fundamentals = universe_of(context, settings).fundamentals(descriptions)
    if fundamentals is None:
        context.add_output_metadata({"note": "the universe has no fundamentals.parquet"})
        return TABLES["fundamentals_explained"].empty()
    companies = Companies.of(descriptions, fundamentals, config.winsorised)
    context.add_output_metadata({"metrics": ", ".join(companies.metrics), **missing_modes(context, clusters)})
    lower = "fewer numbers of peers, fewer metrics, or a universe of smaller years"
    with explaining_memory("the accounting yardstick", lower):
        similarity = open_similarity(pca_scores, published_pairs, descriptions)
        activity, _ = activity_of(sae_features, supervised_latents)
        vectors = pca_scores, walk_forward_scores, embeddings, control_scores
        methods = peer_methods(similarity, *vectors, activity, supervised_latents, returns)
        ways = [way for method in methods for way in by_similarity(companies, method, config.peers)]
        baselines = baseline_clusters, embedding_clusters, descriptions, control_clusters
        ways += by_groups(companies, all_groups(clusters, walk_forward_clusters, *baselines))
        resampled = config.resamples, config.seed, progress(context, "resamples")
        return fundamentals_rows(companies, ways, *resampled)
