"""Who is alike, how sure that is, and why: peers, what their cosines are made of, themes of latents."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import (
    BY_MODE,
    HEAVY,
    ONE_RUN,
    SHARED,
    WHO,
    DataFrame,
    alone,
    columns,
    default_device,
    explaining_memory,
    keys,
    lazily,
    no_rows,
    progress,
    selected,
    table_options,
    table_outs,
    wanted,
)
from compsim_assets.contracts import TABLES
from compsim_assets.storage.io_managers import ByMode, Lazy
from compsim_assets.storage.pairs import PairTable
from compsim_assets.storage.pca import Pca
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.storage.similarity import open_similarity

if TYPE_CHECKING:
    from compsim_assets.science.reasons.themes import Trial

_TRIED = "learned on half of the companies, judged on nearest pairs of the others; 1 where that could not be tried"
_NO_THEMES = "there are no features: there are no themes"
_NO_REASONS = "companies are compared by published pairs: there are no features, so there are no reasons"
_LATER_YEARS = (
    "scaler, PCA and themes are those of all years, later ones included: reasons of a year know what came after it"
)


class ThemesConfig(dg.Config):
    """How latents are grouped."""

    n_themes: int = Field(
        default=0, ge=0, description="Themes; 0: the number that held-out companies and seeds bear out best."
    )
    reports: int = Field(
        default=20,
        ge=1,
        description="Reports, one per company, that a theme's terms are of; at most of an eighth of all companies.",
    )
    terms: int = Field(default=8, ge=1, description="Terms of a theme, at most.")
    seed: int = Field(default=0, ge=0, description="Seed of the groups, and of the halves of companies.")


@dg.multi_asset(
    name="themes",
    group_name="reasons",
    outs=table_outs(
        SHARED,
        "scikitlearn",
        themes="Themes: groups of latents that are active in the same reports, with the words that set their reports "
        "apart. How many there are is what held-out companies bear out best.",
        latent_themes="Which theme each latent belongs to; a latent that never varies has none.",
    ),
    ins={"descriptions": columns(*WHO, "description")},
    can_subset=True,
    op_tags=HEAVY,
    backfill_policy=ONE_RUN,
)
@alone
def theme_assets(
    context: dg.AssetExecutionContext,
    config: ThemesConfig,
    sae_features: FeatureShards,
    pca: Pca,
    pca_scores: ScoreTable,
    descriptions: DataFrame,
):
    """Place latents on the principal axes, group them, and describe the reports in which a group is most active."""
    import numpy as np
    import pandas as pd

    from compsim_assets.evidence.theme_words import words_of_themes
    from compsim_assets.science.companies import report_companies
    from compsim_assets.science.reasons.themes import (
        group_latents,
        number_of_themes,
        place_latents,
        theme_activity,
        try_numbers,
    )
    from compsim_assets.storage.axes import scored_reports

    if sae_features.shape[0] == 0:
        yield from no_rows(context, _NO_THEMES)
        return
    names = wanted(context)
    with explaining_memory("the themes", "a PCA of fewer components"):
        reports, year = scored_reports(sae_features, pca, pca_scores)
        variance = pca.arrays(["explained_variance"])["explained_variance"]
        company = report_companies(descriptions, sae_features.report_id)
        count, metadata = config.n_themes, dict[str, Any](number="as configured")
        if not count:
            trials = try_numbers(reports, year, company, seed=config.seed)
            count, metadata = number_of_themes(trials), {"number": _TRIED, "numbers_tried": _as_table(trials)}
        theme = group_latents(place_latents(reports.axes, variance, reports.n_latents), count, config.seed)
        if "latent_themes" in names:
            there = theme >= 0
            table = pd.DataFrame({"theme": theme[there], "latent": there.nonzero()[0]})
            never = {"latents_that_never_vary": int((~there).sum())}
            yield dg.Output(table.sort_values(["theme", "latent"]), "latent_themes", metadata=never)
        if "themes" in names:
            activity = theme_activity(reports, theme, progress(context, "themes, latents summed"))
            of_reports = descriptions.set_index("report_id").loc[sae_features.report_id].reset_index()
            words = words_of_themes(activity, of_reports, company, config.reports, config.terms, config.seed)
            words["n_latents"] = np.bincount(theme[theme >= 0], minlength=len(words))
            yield dg.Output(words, "themes", metadata=metadata)


def _as_table(trials: "list[Trial]") -> dg.MetadataValue:
    from tabulate import tabulate

    return dg.MetadataValue.md(tabulate([vars(trial) for trial in trials], "keys", "pipe", floatfmt=".3f") or "none")


def _without_reasons(context: dg.AssetExecutionContext, peers: DataFrame) -> Iterator[dg.Output]:
    """The tables where companies are compared by published pairs."""
    context.log.info(_NO_REASONS)
    outputs = (("peers", peers[TABLES["peers"].names]), ("peer_explanations", TABLES["peer_explanations"].empty()))
    yield from selected(context, *(dg.Output(table, name, metadata={"note": _NO_REASONS}) for name, table in outputs))


class PeersConfig(dg.Config):
    """How many peers, and how much is said of them."""

    n_peers: int = Field(default=50, ge=1, description="Peers per report and scope; fewer where there are fewer.")
    n_explained: int = Field(default=10, ge=0, description="Nearest peers of each scope that get reasons.")
    most_for: int = Field(default=6, ge=1, description="Latents, and themes, listed that speak for a pair.")
    most_against: int = Field(default=4, ge=1, description="Latents, and themes, listed that speak against it.")
    draws: int = Field(default=1000, ge=1, description="Draws of latents, for the confidence.")
    gigabytes: float = Field(
        default=1.0, gt=0, description="Memory for sums over pairs, and twice as much for a block of latents."
    )


_SCORED = ("sae_features", "pca", "pca_scores", "published_pairs", "descriptions")


@dg.multi_asset(
    name="peers",
    group_name="reasons",
    outs=table_outs(
        SHARED,
        "torch",
        peers="For every report the most similar reports of its year, among all and within its two-digit SIC code, by "
        "cosine of their PCA scores or as published; with how sure that is. A report without a code has no industry.",
        peer_explanations="Why the nearest peers are alike: what latents and themes add to the cosine or take from "
        "it, exactly, and what all others do together. Empty where companies are compared by published pairs.",
    ),
    ins={
        "descriptions": columns(*WHO, "sic_code"),
        "returns": columns("report_id", "returns"),
        **lazily("sae_features", "pca", "latent_themes"),
    },
    internal_asset_deps={
        "peers": keys(*_SCORED, "returns"),
        "peer_explanations": keys(*_SCORED, "returns", "latent_themes"),
    },
    can_subset=True,
    pool="gpu",
    op_tags=HEAVY,
    backfill_policy=ONE_RUN,
)
@alone
def peer_assets(
    context: dg.AssetExecutionContext,
    config: PeersConfig,
    sae_features: Lazy,
    pca: Lazy,
    pca_scores: ScoreTable,
    published_pairs: PairTable,
    descriptions: DataFrame,
    returns: DataFrame,
    latent_themes: Lazy,
):
    """List the nearest, then go once through the features: for the confidence of the lists and for the reasons."""
    import numpy as np

    from compsim_assets.evidence.peers.lists import listed_peers
    from compsim_assets.evidence.peers.reasons import Options, reasons_of_peers
    from compsim_assets.explore.reasons import theme_by_latent
    from compsim_assets.storage.axes import scored_reports

    names = wanted(context)
    similarity = open_similarity(pca_scores, published_pairs, descriptions)
    with explaining_memory("the peers", "fewer peers"):
        peers = listed_peers(similarity, descriptions, returns, config.n_peers)
    if similarity.name == "pairs":
        yield from _without_reasons(context, peers)
        return
    context.log.info(_LATER_YEARS)
    features, axes = sae_features.read(), pca.read()
    theme = np.full(features.n_latents, -1)
    if "peer_explanations" in names:
        theme = theme_by_latent(latent_themes.read(), features.n_latents)
    reports, year = scored_reports(features, axes, pca_scores)
    n_explained = config.n_explained if "peer_explanations" in names else 0
    options = Options(
        "peers" in names, config.draws, n_explained, config.most_for, config.most_against, config.gigabytes
    )
    with explaining_memory("the reasons of peers", "fewer peers or gigabytes"):
        peers["confidence"], explained, off = reasons_of_peers(
            reports,
            features.report_id,
            year,
            peers,
            theme,
            similarity.company,
            options,
            default_device(),
            progress(context, "reasons of peers, latents"),
        )
    note = {"knows": _LATER_YEARS}
    if "peers" in names:
        yield dg.Output(peers[TABLES["peers"].names], "peers", metadata=note)
    if "peer_explanations" in names:
        yield dg.Output(explained, "peer_explanations", metadata={**note, "largest_difference": off})


@dg.asset(
    ins={
        "descriptions": columns(*WHO, "sic_code"),
        "returns": columns("report_id", "returns"),
        "latents": columns("latent", "label"),
        "themes": columns("theme", "label"),
        **lazily("sae_features", "pca", "latent_themes"),
    },
    op_tags=HEAVY,
    **table_options("cluster_profiles", "reasons", "torch", stage=BY_MODE),
)
@alone
def cluster_profiles(
    context: dg.AssetExecutionContext,
    clusters: ByMode,
    cluster_features: ByMode,
    sae_features: Lazy,
    pca: Lazy,
    pca_scores: ScoreTable,
    published_pairs: PairTable,
    descriptions: DataFrame,
    returns: DataFrame,
    latents: DataFrame,
    themes: DataFrame,
    latent_themes: Lazy,
) -> dict[str, DataFrame]:
    """Each cluster of two or more: its members, the strong features and themes that they share, in words, their SIC
    codes, how they move together, with an interval, and which cluster of the year before they were in.
    """
    from compsim_assets.evidence.cluster_profiles import Profiled, profiles, report_names, shared_by_clusters
    from compsim_assets.explore.reasons import theme_by_latent
    from compsim_assets.storage.axes import scored_reports

    similarity = open_similarity(pca_scores, published_pairs, descriptions)
    if with_features := similarity.name == "features":
        features = sae_features.read()
        reports, _ = scored_reports(features, pca.read(), pca_scores)
        theme = theme_by_latent(latent_themes.read(), features.n_latents)
    tables = {}
    for mode, of_mode in clusters.items():
        names, shared = report_names(descriptions), None
        if with_features:
            with explaining_memory("the themes of clusters", "a PCA of fewer components"):
                shared, near = shared_by_clusters(of_mode, reports, features.report_id, theme, similarity.company)
            names["nearness"] = near.reindex(names.index).fillna(0.0)
        labels = (latents.set_index("latent")["label"], themes.set_index("theme")["label"])
        profiled = Profiled(names, similarity, returns.set_index("report_id")["returns"], *labels)
        strong = cluster_features[mode]
        strong = strong[strong["strong"]].sort_values("mae", ascending=False, kind="stable")
        table = profiles(of_mode, strong, shared, profiled)
        tables[mode] = table if len(table) else TABLES["cluster_profiles"].empty()
    return tables
