"""The figures, drawn from these results: PNG files, shown inline in the UI.

A figure is a function of the tables that its parameters name. There is one step for those of one cutoff mode, one for
those that compare modes and one for those that no mode has a part in; any figure can be asked for alone.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dagster as dg

from compsim_assets import checks
from compsim_assets.assets.common import (
    BY_MODE,
    COMPARISON,
    EVERY_MODE,
    ONE_RUN,
    SHARED,
    DataFrame,
    keys,
    lazily,
    options,
    wanted,
)
from compsim_assets.code_versions import code_version_of
from compsim_assets.partitions import cutoff_modes
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import Lazy, ResultsFolder

# Matplotlib's Figure; not named in annotations, which Dagster resolves when definitions load.
Figure = Any

# By name: what draws it, and when.
FIGURES: dict[str, tuple[Callable[..., Figure], str]] = {}


def _figure(stage: str) -> Callable[[Callable[..., Figure]], Callable[..., Figure]]:
    def register(draw: Callable[..., Figure]) -> Callable[..., Figure]:
        FIGURES[draw.__name__] = draw, stage
        return draw

    return register


@_figure(SHARED)
def feature_value_histogram(synthetic: bool, feature_distribution: DataFrame) -> Figure:
    """Figure 1: how SAE feature values are distributed, clipped at 7.5."""
    from compsim_assets.plots.features import feature_value_histogram as draw

    return draw(feature_distribution, synthetic)


@_figure(SHARED)
def training_curve(synthetic: bool, sae_training: DataFrame) -> Figure:
    """How the universe's own SAE was trained: variance unexplained, on texts held out too, and dead latents."""
    from compsim_assets.plots.training import training_curve as draw

    return draw(sae_training, synthetic)


@_figure(COMPARISON)
def mean_correlation_by_year(synthetic: bool, mean_correlation: DataFrame) -> Figure:
    """Figure 2: MeanCorr by year and method, with the population and how much of it each method covers."""
    from compsim_assets.plots.correlation_by_year import mean_correlation_by_year as draw

    return draw(mean_correlation, synthetic)


@_figure(COMPARISON)
def mean_correlation_by_theta(
    synthetic: bool, cutoff_curve: DataFrame, cutoffs: dict[str, DataFrame], mean_correlation: DataFrame
) -> Figure:
    """MeanCorr against the cutoff, one panel a year: the exact step functions and the chosen cutoffs."""
    from compsim_assets.plots.correlation_by_theta import mean_correlation_by_theta as draw

    population = mean_correlation[mean_correlation["method"] == "population"].set_index("year")
    return draw(cutoff_curve, cutoffs, population["mean_correlation"], synthetic)


@_figure(SHARED)
def objective_by_theta(synthetic: bool, cutoff_curve: DataFrame, clustered_reports: DataFrame) -> Figure:
    """Figure 5: the objective of the base cutoff over its whole lattice, both folds, and where the best theta lies."""
    from compsim_assets.evidence.published_figures import published_thetas
    from compsim_assets.plots.cutoffs import objective_by_theta as draw
    from compsim_assets.science.cutoffs.choice import base_cutoffs, base_objective_table
    from compsim_assets.science.cutoffs.step_function import read_curves
    from compsim_assets.science.linkage.scale import DistanceScale

    # As `cutoffs` has it: a year in which no report is clustered, or none has returns, is not in a fold.
    years = sorted(clustered_reports["year"].unique().tolist())
    curves = read_curves(cutoff_curve, years)
    theta = base_cutoffs(curves, years, DistanceScale(0.0, 1.0, 0)).theta
    best = float(theta[0]) if len(theta) else float("nan")
    published = published_thetas([0])["base"][0]  # one for all years
    return draw(base_objective_table(curves), best, published, synthetic)


@_figure(COMPARISON)
def theta_by_year(synthetic: bool, cutoffs: dict[str, DataFrame]) -> Figure:
    """The rolling cutoff and its MeanCorr by year, beside the one base cutoff."""
    from compsim_assets.plots.cutoffs import theta_by_year as draw

    return draw(cutoffs, synthetic)


@_figure(BY_MODE)
def interpretability_over_sparsity(synthetic: bool, mode: str, interpretability_curve: DataFrame) -> Figure:
    """Figures 3, 4 and 7: mean interpretability of the latents that are strong in at least p per cent of the clusters
    (chance is 50), and how many are left."""
    from compsim_assets.plots.interpretability import interpretability_over_sparsity as draw

    return draw(interpretability_curve, mode, synthetic)


@_figure(BY_MODE)
def proportion_of_strong_features(synthetic: bool, mode: str, strong_feature_proportion: DataFrame) -> Figure:
    """Figures 3, 4 and 7: which share of its candidates is strong in a cluster, and how that grows with its size."""
    from compsim_assets.plots.interpretability import proportion_of_strong_features as draw

    return draw(strong_feature_proportion, mode, synthetic)


@_figure(COMPARISON)
def methods_forest(synthetic: bool, robustness: DataFrame) -> Figure:
    """MeanCorr of every method with its 95 % interval, every cluster counted once and every pair counted once."""
    from compsim_assets.evidence.published_figures import published_by_method
    from compsim_assets.plots.forest import methods_forest as draw

    published = published_by_method()["mean_correlation_2001_2020"]
    return draw(robustness, published, synthetic)


@_figure(COMPARISON)
def mean_correlation_by_size(synthetic: bool, robustness: DataFrame) -> Figure:
    """Return correlation inside clusters by their size: what an average over clusters rewards."""
    from compsim_assets.plots.levels import mean_correlation_by_size as draw

    return draw(robustness, synthetic)


@_figure(COMPARISON)
def lift_by_peers(synthetic: bool, robustness: DataFrame) -> Figure:
    """How much more the K nearest peers move along than random ones, among all companies and within one industry."""
    from compsim_assets.plots.levels import lift_by_peers as draw

    return draw(robustness, synthetic)


@_figure(COMPARISON)
def fundamentals_by_method(synthetic: bool, fundamentals_explained: DataFrame) -> Figure:
    """What peers and clusters explain of a company's accounts, beyond all companies and beyond its industry."""
    from compsim_assets.plots.fundamentals import fundamentals_by_method as draw

    return draw(fundamentals_explained, synthetic)


@_figure(COMPARISON)
def equity_curves(synthetic: bool, pairs_daily: DataFrame, pairs_backtest: DataFrame) -> Figure:
    """Pairs trading: the published loop with its traps, and portfolios estimated beforehand beside random pairs."""
    from compsim_assets.plots.trading import equity_curves as draw

    return draw(pairs_daily, pairs_backtest, synthetic)


@_figure(SHARED)
def year_map(synthetic: bool, company_map: DataFrame, descriptions: DataFrame) -> Figure:
    """The companies of the newest year on their map, coloured by industry."""
    from compsim_assets.plots.year_map import year_map as draw

    who = descriptions.set_index("report_id").reindex(company_map["report_id"]).reset_index(drop=True)
    named = company_map.assign(name=who["ticker"].fillna(who["company_name"]), industry=who["industry"])
    return draw(named.sort_values("report_id"), synthetic)


@_figure(SHARED)
def why_alike(
    synthetic: bool, peers: DataFrame, peer_explanations: DataFrame, themes: DataFrame, descriptions: DataFrame
) -> Figure:
    """What the cosine of two companies is made of, theme by theme: a pair of the newest year that is as alike as a
    report and its nearest peer are in the middle.
    """
    from compsim_assets.explore.typical_pair import typical_pair
    from compsim_assets.plots.reasons import why_alike as draw

    pair = typical_pair(peers, peer_explanations, themes, descriptions)
    return draw(pair.reasons, pair.names, pair.year, pair.cosine, pair.rest, synthetic)


def _tables(name: str) -> list[str]:
    """The tables that a figure is drawn from."""
    return [parameter for parameter in inspect.signature(FIGURES[name][0]).parameters if parameter not in _SAID]


_SAID = ("synthetic", "mode")
_OF_MODE = [name for name, (_, stage) in FIGURES.items() if stage == BY_MODE]
_SHARED = [name for name, (_, stage) in FIGURES.items() if stage == SHARED]
_OF_ALL = [name for name, (_, stage) in FIGURES.items() if stage == COMPARISON]
_PER_MODE = ("cutoffs",)  # tables of a cutoff mode that a figure of all modes reads


def _step(names: list[str]) -> dict[str, Any]:
    """Outputs, dependencies and checks of a step that draws these figures."""
    return {
        "group_name": "figures",
        "outs": {
            name: dg.AssetOut(
                io_manager_key="figure_io_manager",
                is_required=False,
                description=inspect.getdoc(FIGURES[name][0]),
                code_version=code_version_of(FIGURES[name][0]),
                **options(FIGURES[name][1], "matplotlib", "png"),
            )
            for name in names
        },
        "internal_asset_deps": {name: keys(*_tables(name)) for name in names},
        "check_specs": [checks.spec(name, checks.figure_decodes) for name in names],
        "can_subset": True,
        "backfill_policy": ONE_RUN,
    }


def _every_table(names: list[str]) -> list[str]:
    return sorted({table for name in names for table in _tables(name)})


@dg.multi_asset(
    name="figures_of_mode", ins=lazily(*_every_table(_OF_MODE)), partitions_def=cutoff_modes, **_step(_OF_MODE)
)
def figures_of_mode(context: dg.AssetExecutionContext, settings: Settings, folder: ResultsFolder, **tables: Lazy):
    """The figures of one cutoff mode, or of each mode of the run."""
    for name in [name for name in _OF_MODE if name in wanted(context)]:
        inputs = {table: tables[table].read() for table in _tables(name)}
        draw = FIGURES[name][0]
        figures = {
            mode: draw(settings.synthetic, mode, **{table: by_mode[mode] for table, by_mode in inputs.items()})
            for mode in context.partition_keys
        }
        yield dg.Output(figures, name)
        paths = [folder.results.figure(name, mode) for mode in context.partition_keys]
        yield from checks.judge(context, name, checks.figure_decodes, paths)


def _draw(
    context: dg.AssetExecutionContext, settings: Settings, folder: ResultsFolder, tables: Mapping[str, Lazy]
) -> Iterator[dg.Output | dg.AssetCheckResult]:
    """The selected figures, of a step for no single mode."""
    for name in [name for name in FIGURES if name in wanted(context)]:
        inputs = {table: tables[table].read() for table in _tables(name)}
        yield dg.Output(FIGURES[name][0](settings.synthetic, **inputs), name)
        yield from checks.judge(context, name, checks.figure_decodes, [folder.results.figure(name)])


@dg.multi_asset(name="shared_figures", ins=lazily(*_every_table(_SHARED)), **_step(_SHARED))
def shared_figures(context: dg.AssetExecutionContext, settings: Settings, folder: ResultsFolder, **tables: Lazy):
    """The figures that no cutoff mode has a part in."""
    yield from _draw(context, settings, folder, tables)


@dg.multi_asset(
    name="figures",
    ins={
        **lazily(*[table for table in _every_table(_OF_ALL) if table not in _PER_MODE]),
        **lazily(*_PER_MODE, mapping=EVERY_MODE),
    },
    **_step(_OF_ALL),
)
def figures(context: dg.AssetExecutionContext, settings: Settings, folder: ResultsFolder, **tables: Lazy):
    """The figures of all cutoff modes together."""
    yield from _draw(context, settings, folder, tables)
