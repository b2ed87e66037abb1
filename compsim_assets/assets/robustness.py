"""How sure is it? Intervals, tests against chance and comparisons of every statistic of clusters and peers."""

from typing import Any

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import (
    COMPARISON,
    DataFrame,
    missing_modes,
    progress,
    table_options,
)
from compsim_assets.settings import Settings
from compsim_assets.universe.folder import open_universe

_INTERVALS = ["statistic", "method", "versus", "level", "value", "low", "high", "n"]
# Methods that all others are compared with, where they are there; cuts of embeddings besides.
_AGAINST = ("sic_code", "SIC", "population", "base")


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
        "clusters": dg.AssetIn(partition_mapping=dg.AllPartitionMapping()),
        "descriptions": dg.AssetIn(
            metadata={"columns": [*("report_id", "cik", "company_name", "ticker", "year", "sic_code", "industry")]}
        ),
    },
    **table_options("robustness", "evidence", "scipy", "statsmodels", stage=COMPARISON),
)
def robustness(
    context: dg.AssetExecutionContext,
    config: RobustnessConfig,
    settings: Settings,
    descriptions: DataFrame,
    returns: DataFrame,
    clusters: dict[str, DataFrame],
    walk_forward_clusters: DataFrame,
    embedding_clusters: DataFrame,
    baseline_clusters: DataFrame,
    mean_correlation: DataFrame,
    peer_statistics: DataFrame,
) -> DataFrame:
    """Every statistic with its uncertainty: MeanCorr unweighted, by pairs and by cluster size with BCa intervals over
    companies and paired differences; what shuffled labels give; differences by year and peer statistics with
    Newey-West errors; agreement with industry codes; and, where the universe has factors.parquet, MeanCorr of returns
    without common factors. P-values are corrected within their family.

    Clusters are compared on the years that all main methods have. Correlations are those of the reports' returns.
    """
    import pandas as pd

    from compsim_assets.evidence import robustness as tables
    from compsim_assets.evidence.methods import all_groups, company_of
    from compsim_assets.science.correlation.groups import main_years

    missing_modes(context, clusters)
    groups = all_groups(clusters, walk_forward_clusters, baseline_clusters, embedding_clusters, returns)
    years, _ = main_years(mean_correlation)
    company = company_of(descriptions)
    against = [m for m in groups if m in _AGAINST or m.endswith(("_base", "_rolling"))]
    context.log.info(f"{len(groups)} methods on {len(years)} common years")
    draw = _Bootstrap(context, config, groups, company, years)
    parts = [
        tables.resampled_rows(draw(returns, against)),
        tables.yearly_rows(mean_correlation, years, against),
        tables.permutation_rows(groups, returns, years, config.permutations, config.seed),
        tables.peer_rows(peer_statistics),
        tables.supervised_rows(peer_statistics),
        tables.agreement_rows(groups, _codes(descriptions, groups), years),
    ]
    adjusted, note = _without_factors(settings, config, returns, company)
    if adjusted is not None:
        parts.append(tables.resampled_rows(draw(adjusted, against), "_factor_adjusted"))
    context.add_output_metadata({"common_years": ", ".join(map(str, years)), "factors": note})
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


class _Bootstrap:
    """`bootstrap_correlation` of all methods, with the run's settings."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        config: RobustnessConfig,
        groups: dict[str, DataFrame],
        company: Any,
        years: list[int],
    ) -> None:
        self._context, self._config = context, config
        self._groups, self._company, self._years = groups, company, years

    def __call__(self, returns: DataFrame, against: list[str]) -> DataFrame:
        import pandas as pd

        from compsim_assets.science.inference.bootstrap import bootstrap_correlation

        if not self._years:  # nothing to compare the methods on
            return pd.DataFrame(columns=_INTERVALS)
        return bootstrap_correlation(
            self._groups,
            returns,
            self._company,
            years=self._years,
            against=against,
            resamples=self._config.resamples,
            seed=self._config.seed,
            progress=progress(self._context, "resamples"),
        )


def _codes(descriptions: DataFrame, groups: dict[str, DataFrame]) -> dict[str, DataFrame]:
    """Industry codes to agree with: report_id, year, code."""
    from compsim_assets.science.peers.agreement import classifications

    if "gics_sector" in groups:
        sector = groups["gics_sector"].set_index("report_id")["cluster_id"]
        descriptions = descriptions.assign(gics_sector=descriptions["report_id"].map(sector))
    return dict(classifications(descriptions))


def _without_factors(
    settings: Settings, config: RobustnessConfig, returns: DataFrame, company: Any
) -> tuple[DataFrame | None, str]:
    """Returns without what common factors explain of them, where the universe has factors."""
    factors = open_universe(settings).factors()
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
