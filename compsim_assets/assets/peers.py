"""Do the companies that a similarity calls peers move together? Statistics of every way to choose peers."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from compsim_assets.assets.common import DataFrame, by_pairs, explaining_memory, progress, table_options
from compsim_assets.contracts import TABLES
from compsim_assets.evidence.peer_methods import PeerMethod, activity_of, peer_methods
from compsim_assets.settings import Settings
from compsim_assets.storage.results import Results

if TYPE_CHECKING:
    from compsim_assets.science.peers.returns import Levels
    from compsim_assets.science.peers.statistics import YearReports


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


@dg.asset(deps=["sae_features"], ins={"returns": dg.AssetIn()}, **table_options("supervised_latents", "peers", "numpy"))
def supervised_latents(
    context: dg.AssetExecutionContext, config: SupervisedConfig, settings: Settings, returns: DataFrame
) -> DataFrame:
    """Latents scored by the returns of the first 75 % of years: mean correlation of the pairs in which a latent is
    active in both reports, less that of all pairs. The highest positive scores weigh the supervised similarity, which is
    judged on the other years alone.

    A row for each latent with enough training pairs; empty where there are no features.
    """
    import numpy as np
    import pandas as pd

    from compsim_assets.science.peers.supervised import score_latents, training_years
    from compsim_assets.storage.shards import FeatureShards

    shards = FeatureShards(Results.of(settings).array_folder("sae_features"))
    known = returns.set_index("report_id").loc[shards.report_id]
    training = training_years(known["year"])
    monthly = np.stack(known["returns"].to_list()) if len(known) else np.empty((0, 12))
    with explaining_memory("the scores of latents", "a smaller block"):
        scores = score_latents(
            shards, known["year"].to_numpy(), monthly, training, config.block, progress(context, "scored latents")
        )
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


class PeerStatisticsConfig(dg.Config):
    """What is asked of each year."""

    peers: list[int] = Field(default=[1, 3, 5, 10], description="Numbers of nearest peers.")
    shares: list[float] = Field(default=[0.5, 1.0, 2.0, 5.0, 10.0], description="Per cent of the most similar pairs.")
    draws: int = Field(default=5, ge=1, description="Draws of random peers, for peer_r2.")
    seed: int = Field(default=0, ge=0, description="Seed of the draws, with the year.")


@dg.asset(
    deps=["pca_scores", "walk_forward_scores", "embeddings", "sae_features", "published_pairs"],
    ins={"descriptions": dg.AssetIn(metadata={"columns": ["report_id", "cik", "ticker", "company_name", "sic_code"]})},
    **table_options("peer_statistics", "peers", "scipy"),
)
def peer_statistics(
    context: dg.AssetExecutionContext,
    config: PeerStatisticsConfig,
    settings: Settings,
    descriptions: DataFrame,
    returns: DataFrame,
    supervised_latents: DataFrame,
) -> DataFrame:
    """By method and year: does similarity rank pairs as their returns do, do nearest peers and the most similar pairs
    correlate more than random ones, also within an industry, do peers explain a company's return, do they stay the same.

    Return correlations are those of the reports' returns or, where companies are compared by published pairs, the
    published ones. `in_sample` says which similarity knows the years that it is judged on.
    """
    import pandas as pd

    from compsim_assets.science.peers.returns import Levels

    results, published = Results.of(settings), by_pairs(settings)
    levels = Levels(tuple(config.peers), tuple(map(float, config.shares)), config.draws, config.seed)
    lower = "fewer numbers of peers, or a universe of smaller years (memory grows with the square of the largest year)"
    with explaining_memory("the statistics of peers", lower):
        activity, length = activity_of(results, supervised_latents)
        reports = _Reports(results, descriptions, returns, length, published)
        rows: list[dict[str, Any]] = []
        for method in peer_methods(results, activity, supervised_latents, returns, published):
            said = progress(context, f"peers by {method.name}, years")
            rows += _rows_of(method, reports, levels, said)
    return pd.DataFrame(rows, columns=TABLES["peer_statistics"].names)


def _rows_of(
    method: PeerMethod, reports: "_Reports", levels: "Levels", said: Callable[[int, int], None]
) -> Iterator[dict[str, Any]]:
    """Rows of all years that a method has; each year is looked at on its own, but for what stayed since the last."""
    from compsim_assets.science.peers.returns import year_statistics
    from compsim_assets.science.peers.statistics import group_statistics

    before = None
    for done, year in enumerate(reports.years, start=1):
        of_year = reports.of_year(year)
        if method.of_year is None:
            statistics = group_statistics(of_year)
        elif (found := method.of_year(of_year)) is not None:
            similarity, positions = found
            own = of_year.take(positions)
            statistics, before = year_statistics(similarity, own, levels, before)
        else:
            statistics = []
        said(done, len(reports.years))
        for statistic in statistics:
            yield {"method": method.name, "year": year, "in_sample": method.in_sample} | statistic._asdict()


class _Reports:
    """The universe's reports with their correlations, made year by year as they are asked for."""

    def __init__(
        self, results: Results, descriptions: DataFrame, returns: DataFrame, length: "dict[int, float]", published: bool
    ) -> None:
        import pandas as pd

        from compsim_assets.evidence.methods import company_of
        from compsim_assets.storage.pairs import PairTable

        table = returns.merge(descriptions, on="report_id", how="left", validate="one_to_one")
        table["company"] = pd.factorize(company_of(table))[0]
        table["sic2"] = pd.factorize(table["sic_code"].astype("string").str.slice(0, 2))[0]
        table["length"] = table["report_id"].map(length).astype(float)
        self._by_year = {int(year): table.loc[table["year"] == year] for year in table["year"].unique()}
        self._pairs = PairTable(results.table("published_pairs")) if published else None
        self.years = sorted(self._by_year)

    def of_year(self, year: int) -> "YearReports":
        import numpy as np

        from compsim_assets.science.correlation.returns import normalise_returns
        from compsim_assets.science.peers.statistics import correlations, dense, year_reports

        rows = self._by_year[year].sort_values("report_id")
        ids, monthly = rows["report_id"].to_numpy(), np.stack(rows["returns"].to_list())
        if self._pairs is None:
            correlation = correlations(*normalise_returns(monthly))
        else:
            pairs = self._pairs.of_year(year)
            correlation = dense(pairs, ids, pairs.correlation)
        codes = (rows[name].to_numpy() for name in ("sic2", "company", "length"))
        return year_reports(year, ids, correlation, monthly, *codes)
