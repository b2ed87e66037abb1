"""The figures of the evidence: intervals, cluster sizes, peers and trading."""

import dagster as dg

from compsim_assets.assets.common import COMPARISON, DataFrame
from compsim_assets.assets.figures import Figure, figure_options
from compsim_assets.settings import Settings


@dg.asset(**figure_options(COMPARISON))
def methods_forest(settings: Settings, robustness: DataFrame) -> Figure:
    """MeanCorr of every method with its 95 % interval, every cluster counted once and every pair counted once."""
    from compsim_assets.evidence.reference import published_by_method
    from compsim_assets.plots.evidence import methods_forest as draw

    published = published_by_method()["mean_correlation_2001_2020"]
    return draw(robustness, published, settings.synthetic)


@dg.asset(**figure_options(COMPARISON))
def mean_correlation_by_size(settings: Settings, robustness: DataFrame) -> Figure:
    """Return correlation inside clusters by their size: what an average over clusters rewards."""
    from compsim_assets.plots.evidence import mean_correlation_by_size as draw

    return draw(robustness, settings.synthetic)


@dg.asset(**figure_options(COMPARISON))
def lift_by_peers(settings: Settings, robustness: DataFrame) -> Figure:
    """How much more the K nearest peers move along than random ones, among all companies and within one industry."""
    from compsim_assets.plots.evidence import lift_by_peers as draw

    return draw(robustness, settings.synthetic)


@dg.asset(**figure_options(COMPARISON))
def equity_curves(settings: Settings, pairs_daily: DataFrame, pairs_backtest: DataFrame) -> Figure:
    """Pairs trading: the published loop with its traps, and portfolios estimated beforehand beside random pairs."""
    from compsim_assets.plots.trading import equity_curves as draw

    return draw(pairs_daily, pairs_backtest, settings.synthetic)
