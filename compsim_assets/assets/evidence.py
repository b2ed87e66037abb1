"""How sure is it, and what stands? Intervals and tests of every statistic, and the verdict on each published claim."""

from typing import Any

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import (
    ALL_MODES,
    COMPARISON,
    DataFrame,
    columns,
    missing_modes,
    progress,
    say_left_out,
    table_options,
    universe_of,
    usable_scores,
)
from compsim_assets.contracts import TABLES
from compsim_assets.contracts.methods import is_reference
from compsim_assets.evidence.page import html_page, markdown_page
from compsim_assets.settings import Settings
from compsim_assets.storage.embeddings import EmbeddingFolder
from compsim_assets.storage.io_managers import ByMode, ResultsFolder
from compsim_assets.storage.shards import FeatureShards


class RobustnessConfig(dg.Config):
    """How many draws."""

    resamples: int = Field(default=10_000, ge=100, description="Bootstrap resamples of companies.")
    permutations: int = Field(default=1_000, ge=100, description="Shuffles of the labels, for what chance alone gives.")
    seed: int = Field(default=0, ge=0, description="Seed of all draws.")
    winsorised: float = Field(
        default=0.01,
        ge=0,
        lt=0.5,
        description="Share of returns at either end of a month that is pulled in before factors are taken out.",
    )


@dg.asset(
    ins={
        "clusters": ALL_MODES,
        "descriptions": columns("report_id", "cik", "company_name", "ticker", "year", "sic_code", "industry"),
    },
    **table_options("robustness", "evidence", "scipy", "statsmodels", stage=COMPARISON),
)
def robustness(
    context: dg.AssetExecutionContext,
    config: RobustnessConfig,
    settings: Settings,
    descriptions: DataFrame,
    returns: DataFrame,
    clusters: ByMode,
    walk_forward_clusters: DataFrame,
    embedding_clusters: DataFrame,
    control_clusters: DataFrame,
    baseline_clusters: DataFrame,
    mean_correlation: DataFrame,
    peer_statistics: DataFrame,
    control_statistics: DataFrame,
) -> DataFrame:
    """Every statistic with its uncertainty: MeanCorr unweighted, by pairs and by cluster size with BCa intervals over
    companies and paired differences; what shuffled labels give; differences by year and peer statistics with
    Newey-West errors; agreement with industry codes; and, where the universe has factors.parquet, MeanCorr of returns
    without common factors. P-values are corrected within their family.

    Clusters are compared on the years that all main methods have; a method that has none of these, on the years that
    both have, as `how` says. Correlations are those of the reports' returns.
    """
    import pandas as pd

    from compsim_assets.evidence import robustness as tables
    from compsim_assets.evidence.controls import control_rows
    from compsim_assets.evidence.groups import all_groups, company_of, main_years, years_apart
    from compsim_assets.science.companies import repeated_companies
    from compsim_assets.science.inference.bootstrap import bootstrap_correlation

    missing = missing_modes(context, clusters)
    others = baseline_clusters, embedding_clusters, returns, control_clusters
    groups = all_groups(clusters, walk_forward_clusters, *others)
    common = main_years(mean_correlation)
    years, company, several = common.years, company_of(descriptions), repeated_companies(descriptions)
    against = [method for method in groups if is_reference(method)]
    apart = years_apart(mean_correlation, common, against)
    together = [method for method in groups if (method, "") not in apart]
    context.log.info(f"{len(groups)} methods on {len(years)} common years")

    def resampled(monthly: DataFrame, suffix: str = "") -> list[DataFrame]:
        def bootstrap(methods: list[str], of_years: list[int], versus: list[str]) -> DataFrame:
            return bootstrap_correlation(
                {method: groups[method] for method in methods},
                monthly,
                company,
                years=of_years,
                against=versus,
                resamples=config.resamples,
                seed=config.seed,
                progress=progress(context, "resamples"),
            )

        shared = [method for method in against if method in together]
        parts = [tables.resampled_rows(bootstrap(together, years, shared), suffix)] if years else []
        return parts + tables.resampled_apart(bootstrap, apart, suffix)

    adjusted, note = _without_factors(context, settings, config, returns, company)
    parts = [
        *resampled(returns),
        tables.yearly_rows(mean_correlation, years, against, apart),
        tables.permutation_rows(groups, returns, years, config.permutations, config.seed, several, apart),
        tables.peer_rows(peer_statistics),
        tables.supervised_rows(peer_statistics),
        control_rows(mean_correlation, peer_statistics, control_statistics),
        tables.agreement_rows(groups, _codes(descriptions, groups), years, several, apart),
        *(resampled(adjusted, "_factor_adjusted") if adjusted is not None else []),
    ]
    left_out = say_left_out(context, common.left_out)
    context.add_output_metadata({"common_years": ", ".join(map(str, years)), "factors": note, **left_out, **missing})
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else TABLES["robustness"].empty()


def _codes(descriptions: DataFrame, groups: dict[str, DataFrame]) -> dict[str, DataFrame]:
    """Industry codes to agree with: report_id, year, code."""
    from compsim_assets.science.peers.agreement import classifications

    if "gics_sector" in groups:
        sector = groups["gics_sector"].set_index("report_id")["cluster_id"]
        descriptions = descriptions.assign(gics_sector=descriptions["report_id"].map(sector))
    return dict(classifications(descriptions))


def _without_factors(
    context: dg.AssetExecutionContext, settings: Settings, config: RobustnessConfig, returns: DataFrame, company: Any
) -> tuple[DataFrame | None, str]:
    """Returns without what common factors explain of them, where the universe has factors."""
    factors = universe_of(context, settings).factors()
    if factors is None:
        return None, "the universe has no factors.parquet: no factor-adjusted returns"
    from compsim_assets.science.correlation.factors import adjusted_returns
    from compsim_assets.universe.layout import UniverseError

    ends = config.winsorised, 1 - config.winsorised
    try:
        adjusted = adjusted_returns(returns, company, factors, ends)
    except ValueError as problem:
        raise UniverseError(f"factors.parquet: {problem}") from None
    names = ", ".join(c for c in factors.columns if c not in ("year", "month"))
    return adjusted, f"returns winsorised at {config.winsorised:.1%}, factors: {names}"


@dg.asset(
    ins={
        **dict.fromkeys(("cluster_features", "cluster_feature_summary"), ALL_MODES),
        "descriptions": columns("report_id", "cik", "company_name", "ticker", "year", "description"),
    },
    **table_options("findings", "evidence", "pandas", "markdown", stage=COMPARISON),
)
def findings(
    context: dg.AssetExecutionContext,
    settings: Settings,
    folder: ResultsFolder,
    descriptions: DataFrame,
    table_1: DataFrame,
    table_2: DataFrame,
    robustness: DataFrame,
    peer_statistics: DataFrame,
    pairs_backtest: DataFrame,
    cluster_features: ByMode,
    cluster_feature_summary: ByMode,
    fuzz_scores: DataFrame,
    sae_features: FeatureShards,
    embeddings: EmbeddingFolder,
    control_findings: DataFrame,
    walk_forward_cutoffs: DataFrame,
) -> DataFrame:
    """What stands? Each published claim on one line: the published number, ours computed the published way, ours
    corrected with its interval, and a verdict (stands, weaker, reversed, not testable here).

    Written as a page, too: `findings.md` and `findings.html` beside the table. The first claim, and the first thing on
    the page, is the nearest peer within its industry against a random one of the same industry.
    """
    from compsim_assets.evidence.cautions import of_the_encoder
    from compsim_assets.evidence.claims import published_claims
    from compsim_assets.evidence.control_summary import summary
    from compsim_assets.evidence.headline import headline
    from compsim_assets.evidence.judge import Evidence, judge
    from compsim_assets.evidence.published_figures import published_figures

    results = folder.results
    gain, why_none = _interpretability(sae_features, cluster_features, cluster_feature_summary, fuzz_scores)
    evidence = Evidence(table_1, robustness, peer_statistics, pairs_backtest, gain, why_none)
    encoder = next(iter(embeddings.encoders), "embedding")
    table = judge(published_claims(published_figures(), encoder), evidence)
    universe, notes = _universe(settings, descriptions, table_1)
    if not settings.synthetic:
        origin, knowledge = (sae_features.manifest.get(key) or "" for key in ("origin", "knowledge"))
        notes.append(of_the_encoder(origin, knowledge, walk_forward_cutoffs, embeddings.by_vintages))
    shown = {"table_1": table_1, "table_2": table_2, "pairs_backtest": pairs_backtest, "robustness": robustness}
    shown |= {"peer_statistics": _over_years(peer_statistics), "control_findings": control_findings}
    above = summary(control_findings), headline(peer_statistics, robustness)
    pages = {
        "findings.md": markdown_page(table, universe, notes, "{table}.parquet", *above),
        "findings.html": html_page(table, universe, notes, shown, *above),
    }
    for name, page in pages.items():
        with results.new_file(results.folder / name) as aside:
            aside.write_text(page, encoding="utf-8")
        context.add_output_metadata({name: dg.MetadataValue.path(str(results.folder / name))})
    page = markdown_page(table, universe, notes, "/assets/{table}", *above)
    counts = table["verdict"].value_counts()
    context.add_output_metadata({"page": dg.MetadataValue.md(page), **{str(k): int(n) for k, n in counts.items()}})
    return table


def _interpretability(
    shards: FeatureShards, features: dict[str, DataFrame], summary: dict[str, DataFrame], scores: DataFrame
) -> tuple[tuple[float, float, float, float], str]:
    """The gain of `interpretability_gain` in base clusters; NaN where nothing was scored or studied, and why."""
    from compsim_assets.science.latents.interpretability import interpretability_gain

    nothing = (float("nan"),) * 4
    usable, note = usable_scores(shards, scores)
    if "base" not in features or "base" not in summary:
        return nothing, "no strong features of base clusters that were made from the present data"
    candidates = features["base"]
    if candidates.empty:
        return nothing, "no base cluster has a candidate for a strong feature"
    studied = usable[usable["latent"].isin(candidates["latent"])]
    if studied.empty:
        return nothing, note if usable.empty else "no fuzz score is of a latent that was studied in base clusters"
    gain = interpretability_gain(candidates[candidates["strong"]], len(summary["base"]), studied)
    return gain, "too few scored latents are strong in many base clusters: it takes ten of each"


def _universe(settings: Settings, descriptions: DataFrame, table_1: DataFrame) -> tuple[str, list[str]]:
    """What the findings were computed on, and what that universe cannot show."""
    from compsim_assets.evidence.cautions import cautions
    from compsim_assets.evidence.published_figures import published_by_method

    years = descriptions["year"]
    what = f"{len(descriptions):,} reports of {years.min()} to {years.max()}"
    if settings.synthetic:
        return f"the synthetic sample: {what}", [
            "The sample is generated: it shows how the page works and says nothing about real companies."
        ]
    population = table_1[(table_1["block"] == "as_published") & (table_1["method"] == "population")]
    published = published_by_method()["mean_correlation"]["population"]
    notes = cautions(descriptions, float(population["mean_correlation"].mean()), published)
    return f"{what} ({settings.source})", notes


def _over_years(statistics: DataFrame) -> DataFrame:
    """Peer statistics, their means over years."""
    keys = ["statistic", "level", "method"]
    means = statistics.groupby(keys, sort=False)[["value", "random"]].mean()
    return means.assign(n_years=statistics.groupby(keys).size()).reset_index()
