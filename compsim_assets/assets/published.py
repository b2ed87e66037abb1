"""What the paper's authors published, brought into tables, and set beside ours."""

import dagster as dg

from compsim_assets.assets.common import ALL_MODES, COMPARISON, DataFrame, columns, table_options
from compsim_assets.assets.evaluation import rows_as_published
from compsim_assets.contracts import TABLES
from compsim_assets.contracts.methods import METHODS
from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.settings import Settings
from compsim_assets.storage.previews import plain_rows
from compsim_assets.storage.results import Results
from compsim_assets.universe.opening import open_universe

# The published cluster set of each cutoff mode.
_SETS = {method.replays: method.name for method in METHODS if method.replays in CUTOFF_MODES}


@dg.asset(deps=["descriptions"], **table_options("published_strong_features", "published", "pandas"))
def published_strong_features(context: dg.AssetExecutionContext, settings: Settings) -> DataFrame:
    """Strong features of clusters as the paper's authors published them, read from their pickles without running
    anything in them; empty where the universe has none.
    """
    import pandas as pd

    sets = open_universe(settings).published_strong_features()
    context.add_output_metadata(
        {f"{name}: clusters": int(table["members"].nunique()) for name, table in sets.items()}
        if sets
        else {"note": "the universe has no published_strong_features/"}
    )
    tables = [table.assign(set=name) for name, table in sets.items()]
    return pd.concat(tables, ignore_index=True) if tables else TABLES["published_strong_features"].empty()


@dg.asset(
    ins={"descriptions": columns("report_id", "ticker")},
    **table_options("published_cointegrated_pairs", "published", "pandas"),
)
def published_cointegrated_pairs(
    context: dg.AssetExecutionContext, settings: Settings, descriptions: DataFrame
) -> DataFrame:
    """Cointegrated pairs as the paper's authors published them, with tickers from their map of report ids, or from the
    reports; empty where the universe has none.
    """
    import pandas as pd

    universe = open_universe(settings)
    sets, tickers = universe.cointegrated_pairs(), universe.tickers()
    reports = descriptions if tickers is None else tickers
    ticker = reports.drop_duplicates("report_id").set_index("report_id")["ticker"]
    context.add_output_metadata(
        {f"{method}: pairs": len(table) for method, table in sets.items()}
        if sets
        else {"note": "the universe has no cointegrated_pairs/"}
    )
    tables = [
        table.assign(method=method, ticker_a=table["report_a"].map(ticker), ticker_b=table["report_b"].map(ticker))
        for method, table in sets.items()
    ]
    return pd.concat(tables, ignore_index=True) if tables else TABLES["published_cointegrated_pairs"].empty()


@dg.asset(deps=["published_pairs"], **table_options("published_replay", "published", "pandas", stage=COMPARISON))
def published_replay(context: dg.AssetExecutionContext, settings: Settings, baseline_clusters: DataFrame) -> DataFrame:
    """Does the published cutoff give the published clusters? The universe's pairs, cut at the published thetas, against
    the published sets GCD and GCDR; empty where the universe lacks pairs or sets.
    """
    import dataclasses

    import pandas as pd

    from compsim_assets.evidence.published_figures import published_thetas
    from compsim_assets.science.cutoffs.groupings import agreement
    from compsim_assets.science.cutoffs.pairs import cut_pairs
    from compsim_assets.storage.pairs import PairTable

    pairs = PairTable(Results.of(settings).table("published_pairs"))
    theirs = _published(baseline_clusters) if pairs.years else {}
    # Years of the published clusters without pairs are cut too: nothing of them comes back.
    years = sorted({*pairs.years, *(year for _, year in theirs)})
    thetas = published_thetas(years)
    wanted = {
        name: {year: theta for year, theta in thetas[mode].items() if (name, year) in theirs}
        for mode, name in _SETS.items()
    }
    rows = []
    for ours in cut_pairs(years, pairs.of_year, wanted):
        published = theirs[ours.name, ours.year]
        names = published["cluster_id"].to_numpy(dtype=str)
        same = agreement(ours.report_id, ours.cluster, published["report_id"].to_numpy(), names)
        rows.append({"set": ours.name, "year": ours.year, "theta": ours.theta} | dataclasses.asdict(same))
    if not rows:
        missing = "published_clusters of GCD or GCDR in a year with a published cutoff" if pairs.years else "pairs"
        context.add_output_metadata({"note": f"the universe has no {missing}"})
        return TABLES["published_replay"].empty()
    table = pd.DataFrame(rows).sort_values(["set", "year"], ignore_index=True)
    context.add_output_metadata(
        {
            f"{name}: years identical": f"{of_set['identical'].sum()} of {len(of_set)}"
            for name, of_set in table.groupby("set")
        }
    )
    return table


def _published(baseline_clusters: DataFrame) -> dict[tuple[str, int], DataFrame]:
    """The published sets with a published cutoff, by name and year."""
    sets = baseline_clusters[baseline_clusters["method"].isin(_SETS.values())]
    return {(str(name), int(rows["year"].iloc[0])): rows for (name, _), rows in sets.groupby(["method", "year"])}


@dg.asset(
    ins={
        **dict.fromkeys(("clusters", "cutoffs", "interpretability_curve", "strong_feature_proportion"), ALL_MODES),
        "descriptions": columns("report_id", "year"),
    },
    deps=["published_pairs"],
    **table_options("published_vs_ours", "published", "pandas", stage=COMPARISON),
)
def published_vs_ours(
    context: dg.AssetExecutionContext,
    settings: Settings,
    descriptions: DataFrame,
    returns: DataFrame,
    clusters: dict[str, DataFrame],
    walk_forward_clusters: DataFrame,
    embedding_clusters: DataFrame,
    baseline_clusters: DataFrame,
    distance_scale: DataFrame,
    mean_correlation: DataFrame,
    cutoffs: dict[str, DataFrame],
    interpretability_curve: dict[str, DataFrame],
    strong_feature_proportion: dict[str, DataFrame],
    fuzz_scores: DataFrame,
    feature_distribution: DataFrame,
    published_strong_features: DataFrame,
    peer_statistics: DataFrame,
    robustness: DataFrame,
    pairs_backtest: DataFrame,
) -> DataFrame:
    """Every published figure beside ours: the published clusters measured on this universe, our own, the differences,
    and why a figure cannot be computed here. As published, the reports that a company has in one year are pairs, too.
    """
    from compsim_assets.evidence.groups import all_groups
    from compsim_assets.evidence.published_figures import published_figures
    from compsim_assets.evidence.published_vs_ours import Computed, compare_with_published

    groups = all_groups(clusters, walk_forward_clusters, baseline_clusters, embedding_clusters, returns)
    with_own = rows_as_published(settings, groups, returns)
    computed = Computed(
        mean_correlation=mean_correlation if with_own is None else with_own,
        cutoffs=cutoffs,
        curves=interpretability_curve,
        proportions=strong_feature_proportion,
        fuzz_scores=fuzz_scores,
        feature_distribution=feature_distribution,
        strong_features={str(name): rows for name, rows in published_strong_features.groupby("set")},
        peer_statistics=peer_statistics,
        robustness=robustness,
        backtest=pairs_backtest,
        counts={
            "n_reports": len(descriptions),
            **(_published_pairs(Results.of(settings)) or _our_pairs(distance_scale, mean_correlation)),
        },
    )
    years = descriptions["year"]
    universe = f"{settings.data_name}: {len(descriptions):,} reports, {years.min()}-{years.max()}"
    table = compare_with_published(published_figures(), computed, universe)
    context.add_output_metadata({"report": dg.MetadataValue.md(_report(table, universe))})
    return table


def _report(table: DataFrame, universe: str) -> str:
    """All rows, for the UI."""
    from tabulate import tabulate

    columns = ["figure", "published", "replayed", "ours", "difference", "note"]
    rows = plain_rows(table[columns])
    return f"Computed on {universe}.\n\n" + tabulate(rows, columns, "pipe", floatfmt=",.4g")


def _our_pairs(distance_scale: DataFrame, mean_correlation: DataFrame) -> dict[str, int]:
    """Pairs within a year, and those of them with a return correlation."""
    population = mean_correlation[mean_correlation["method"] == "population"]
    return {
        "n_pairs": int(distance_scale["n_pairs"].sum()),
        "n_pairs_with_correlation": int(population["n_pairs"].sum()),
    }


def _published_pairs(results: Results) -> dict[str, int]:
    """The same of the universe's published pairs; empty where it has none."""
    from compsim_assets.storage.pairs import PairTable

    pairs = PairTable(results.table("published_pairs"))
    return {"n_pairs": len(pairs), "n_pairs_with_correlation": pairs.n_with_correlation()} if len(pairs) else {}
