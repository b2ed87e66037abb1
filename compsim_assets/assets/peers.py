"""Do the companies that a similarity calls peers move together? Statistics of every way to choose peers."""

from typing import Any

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import (
    HEAVY,
    WHO,
    DataFrame,
    alone,
    columns,
    explaining_memory,
    progress,
    table_options,
)
from compsim_assets.contracts import TABLES
from compsim_assets.storage.controls import ControlScores
from compsim_assets.storage.embeddings import EmbeddingFolder
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

    from compsim_assets.evidence.peer_statistics import PeerReports, activity_of, peer_methods, peer_rows
    from compsim_assets.science.peers.returns import Levels

    similarity = open_similarity(pca_scores, published_pairs, descriptions)
    levels = Levels(tuple(config.peers), tuple(map(float, config.shares)), config.draws, config.seed)
    lower = "fewer numbers of peers, or a universe of smaller years (memory grows with the square of the largest year)"
    with explaining_memory("the statistics of peers", lower):
        activity, length = activity_of(sae_features, supervised_latents)
        reports = PeerReports(similarity, descriptions.drop(columns="year"), returns, length)
        rows: list[dict[str, Any]] = []
        scores = {"pca": pca_scores, "walk_forward": walk_forward_scores}
        pairs = published_pairs if similarity.name == "pairs" else None
        others = embeddings, control_scores
        for method in peer_methods(pairs, scores, *others, activity, supervised_latents, returns):
            rows += peer_rows(method, reports, levels, progress(context, f"peers by {method.name}, years"))
    return pd.DataFrame(rows, columns=TABLES["peer_statistics"].names)
