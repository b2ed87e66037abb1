"""The figures, drawn from these results: PNG files, shown inline in the UI."""

from typing import Any

import dagster as dg

from compsim_assets.assets.common import ALL_MODES, BY_MODE, COMPARISON, SHARED, DataFrame, columns, in_group, options
from compsim_assets.settings import Settings

# Matplotlib's Figure; not named in annotations, which Dagster resolves when definitions load.
Figure = Any


def figure_options(stage: str) -> dict[str, Any]:
    """Options of an asset whose value is a figure."""
    figure = {**options(stage, "matplotlib", "png"), "io_manager_key": "figure_io_manager"}
    return in_group(figure, "figures", stage)


@dg.asset(**figure_options(SHARED))
def feature_value_histogram(settings: Settings, feature_distribution: DataFrame) -> Figure:
    """Figure 1: how SAE feature values are distributed, clipped at 7.5."""
    from compsim_assets.plots.features import feature_value_histogram as draw

    return draw(feature_distribution, settings.synthetic)


@dg.asset(**figure_options(COMPARISON))
def mean_correlation_by_year(settings: Settings, mean_correlation: DataFrame) -> Figure:
    """Figure 2: MeanCorr by year and method, with the population and how much of it each method covers."""
    from compsim_assets.plots.correlation_by_year import mean_correlation_by_year as draw

    return draw(mean_correlation, settings.synthetic)


@dg.asset(ins={"cutoffs": ALL_MODES}, **figure_options(COMPARISON))
def mean_correlation_by_theta(
    settings: Settings, cutoff_curve: DataFrame, cutoffs: dict[str, DataFrame], mean_correlation: DataFrame
) -> Figure:
    """MeanCorr against the cutoff, one panel a year: the exact step functions and the chosen cutoffs."""
    from compsim_assets.plots.correlation_by_theta import mean_correlation_by_theta as draw

    population = mean_correlation[mean_correlation["method"] == "population"].set_index("year")
    return draw(cutoff_curve, cutoffs, population["mean_correlation"], settings.synthetic)


@dg.asset(ins={"clustered_reports": columns("year")}, **figure_options(SHARED))
def objective_by_theta(settings: Settings, cutoff_curve: DataFrame, clustered_reports: DataFrame) -> Figure:
    """Figure 5: the objective of the base cutoff over its whole lattice, both folds, and where the best theta lies."""
    from compsim_assets.evidence.published_figures import published_thetas
    from compsim_assets.plots.cutoffs import objective_by_theta as draw
    from compsim_assets.science.cutoffs.choice import base_cutoffs, base_objective_table
    from compsim_assets.science.cutoffs.step_function import read_curves
    from compsim_assets.science.linkage.distance import DistanceScale

    # As `cutoffs` has it: a year in which no report is clustered, or none has returns, is not in a fold.
    years = sorted(clustered_reports["year"].unique().tolist())
    curves = read_curves(cutoff_curve, years)
    theta = base_cutoffs(curves, years, DistanceScale(0.0, 1.0, 0)).theta
    best = float(theta[0]) if len(theta) else float("nan")
    published = published_thetas([0])["base"][0]  # one for all years
    return draw(base_objective_table(curves), best, published, settings.synthetic)


@dg.asset(ins={"cutoffs": ALL_MODES}, **figure_options(COMPARISON))
def theta_by_year(settings: Settings, cutoffs: dict[str, DataFrame]) -> Figure:
    """The rolling cutoff and its MeanCorr by year, beside the one base cutoff."""
    from compsim_assets.plots.cutoffs import theta_by_year as draw

    return draw(cutoffs, settings.synthetic)


@dg.asset(**figure_options(BY_MODE))
def interpretability_over_sparsity(
    context: dg.AssetExecutionContext, settings: Settings, interpretability_curve: DataFrame
) -> Figure:
    """Figures 3, 4 and 7: mean interpretability of the latents that are strong in at least p per cent of the clusters
    (chance is 50), and how many are left."""
    from compsim_assets.plots.interpretability import interpretability_over_sparsity as draw

    return draw(interpretability_curve, context.partition_key, settings.synthetic)


@dg.asset(**figure_options(BY_MODE))
def proportion_of_strong_features(
    context: dg.AssetExecutionContext, settings: Settings, strong_feature_proportion: DataFrame
) -> Figure:
    """Figures 3, 4 and 7: which share of its candidates is strong in a cluster, and how that grows with its size."""
    from compsim_assets.plots.interpretability import proportion_of_strong_features as draw

    return draw(strong_feature_proportion, context.partition_key, settings.synthetic)


@dg.asset(**figure_options(COMPARISON))
def methods_forest(settings: Settings, robustness: DataFrame) -> Figure:
    """MeanCorr of every method with its 95 % interval, every cluster counted once and every pair counted once."""
    from compsim_assets.evidence.published_figures import published_by_method
    from compsim_assets.plots.forest import methods_forest as draw

    published = published_by_method()["mean_correlation_2001_2020"]
    return draw(robustness, published, settings.synthetic)


@dg.asset(**figure_options(COMPARISON))
def mean_correlation_by_size(settings: Settings, robustness: DataFrame) -> Figure:
    """Return correlation inside clusters by their size: what an average over clusters rewards."""
    from compsim_assets.plots.levels import mean_correlation_by_size as draw

    return draw(robustness, settings.synthetic)


@dg.asset(**figure_options(COMPARISON))
def lift_by_peers(settings: Settings, robustness: DataFrame) -> Figure:
    """How much more the K nearest peers move along than random ones, among all companies and within one industry."""
    from compsim_assets.plots.levels import lift_by_peers as draw

    return draw(robustness, settings.synthetic)


@dg.asset(**figure_options(COMPARISON))
def equity_curves(settings: Settings, pairs_daily: DataFrame, pairs_backtest: DataFrame) -> Figure:
    """Pairs trading: the published loop with its traps, and portfolios estimated beforehand beside random pairs."""
    from compsim_assets.plots.trading import equity_curves as draw

    return draw(pairs_daily, pairs_backtest, settings.synthetic)
