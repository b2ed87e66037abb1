"""What the paper's authors published, brought into tables, and set beside ours."""

import dagster as dg

from compsim_assets.assets.common import (
    COMPARISON,
    EVERY_MODE,
    ONE_RUN,
    SHARED,
    WHO,
    DataFrame,
    columns,
    keys,
    lazily,
    table_outs,
    universe_of,
    wanted,
)
from compsim_assets.assets.evaluation import rows_as_published
from compsim_assets.contracts import TABLES
from compsim_assets.contracts.methods import METHODS
from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import ByMode, Lazy
from compsim_assets.storage.pairs import PairTable
from compsim_assets.storage.previews import plain_rows
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.similarity import open_similarity
from compsim_assets.universe.folder import Universe

# Where a universe has what was published.
_FOLDERS = {
    "published_strong_features": "published_strong_features",
    "published_cointegrated_pairs": "cointegrated_pairs",
}
# The published cluster set of each cutoff mode.
_SETS = {method.replays: method.name for method in METHODS if method.replays in CUTOFF_MODES}


@dg.multi_asset(
    name="published",
    group_name="published",
    outs=table_outs(
        SHARED,
        "pandas",
        published_strong_features="Strong features of clusters as the paper's authors published them, read from their "
        "pickles without running anything in them; empty where the universe has none.",
        published_cointegrated_pairs="Cointegrated pairs as the paper's authors published them, with tickers from "
        "their map of report ids, or from the reports; empty where the universe has none.",
    ),
    ins={"descriptions": columns("report_id", "ticker")},
    can_subset=True,
    backfill_policy=ONE_RUN,
)
def published_assets(context: dg.AssetExecutionContext, settings: Settings, descriptions: DataFrame):
    """Read what the paper's authors published."""
    names, universe = wanted(context), universe_of(context, settings)
    if "published_strong_features" in names:
        yield _strong_features(universe)
    if "published_cointegrated_pairs" in names:
        yield _cointegrated_pairs(universe, descriptions)


def _strong_features(universe: Universe) -> dg.Output:
    sets = universe.published_strong_features()
    counts = {f"{name}: clusters": int(table["members"].nunique()) for name, table in sets.items()}
    tables = [table.assign(set=name) for name, table in sets.items()]
    return _output("published_strong_features", tables, counts)


def _cointegrated_pairs(universe: Universe, descriptions: DataFrame) -> dg.Output:
    sets, tickers = universe.cointegrated_pairs(), universe.tickers()
    reports = descriptions if tickers is None else tickers
    ticker = reports.drop_duplicates("report_id").set_index("report_id")["ticker"]
    counts = {f"{method}: pairs": len(table) for method, table in sets.items()}
    tables = [
        table.assign(method=method, ticker_a=table["report_a"].map(ticker), ticker_b=table["report_b"].map(ticker))
        for method, table in sets.items()
    ]
    return _output("published_cointegrated_pairs", tables, counts)


def _output(name: str, tables: list[DataFrame], counts: dict[str, int]) -> dg.Output:
    import pandas as pd

    if not tables:
        return dg.Output(TABLES[name].empty(), name, metadata={"note": f"the universe has no {_FOLDERS[name]}/"})
    return dg.Output(pd.concat(tables, ignore_index=True), name, metadata=counts)


_OF_REPLAY = ("published_pairs", "baseline_clusters")
_BY_MODE = ("clusters", "cutoffs", "interpretability_curve", "strong_feature_proportion")
_OF_COMPARISON = (
    "published_pairs", "baseline_clusters", "descriptions", "returns", "pca_scores", "walk_forward_clusters",
    "embedding_clusters", "distance_scale", "mean_correlation", "fuzz_scores", "feature_distribution",
    "published_strong_features", "peer_statistics", "robustness", "pairs_backtest",
)  # fmt: skip


@dg.multi_asset(
    name="published_beside_ours",
    group_name="published",
    outs=table_outs(
        COMPARISON,
        "pandas",
        published_replay="Does the published cutoff give the published clusters? The universe's pairs, cut at the "
        "published thetas, against the published sets GCD and GCDR; empty where the universe lacks pairs or sets.",
        published_vs_ours="Every published figure beside ours: the published clusters measured on this universe, our "
        "own, the differences, and why a figure cannot be computed here. As published, the reports that a company has "
        "in one year are pairs, too.",
    ),
    ins={**lazily(*_OF_COMPARISON), **lazily(*_BY_MODE, mapping=EVERY_MODE)},
    internal_asset_deps={"published_replay": keys(*_OF_REPLAY), "published_vs_ours": keys(*_OF_COMPARISON, *_BY_MODE)},
    can_subset=True,
    backfill_policy=ONE_RUN,
)
def published_beside_ours_assets(context: dg.AssetExecutionContext, settings: Settings, **inputs: Lazy):
    """Cut the published pairs again, and set every published figure beside ours."""
    names = wanted(context)
    if "published_replay" in names:
        yield _replay(**{name: inputs[name].read() for name in _OF_REPLAY})
    if "published_vs_ours" in names:
        yield _beside_ours(settings, **{name: inputs[name].read() for name in (*_OF_COMPARISON, *_BY_MODE)})


def _replay(published_pairs: PairTable, baseline_clusters: DataFrame) -> dg.Output:
    import dataclasses

    import pandas as pd

    from compsim_assets.evidence.published_figures import published_thetas
    from compsim_assets.science.cutoffs.groupings import agreement
    from compsim_assets.science.cutoffs.pairs import cut_pairs

    pairs = published_pairs
    theirs = _published(baseline_clusters) if pairs.years else {}
    # Years of the published clusters without pairs are cut too: nothing of them comes back.
    years = sorted({*pairs.years, *(year for _, year in theirs)})
    thetas = published_thetas(years)
    by_set = {
        name: {year: theta for year, theta in thetas[mode].items() if (name, year) in theirs}
        for mode, name in _SETS.items()
    }
    rows = []
    for ours in cut_pairs(years, pairs.of_year, by_set):
        published = theirs[ours.name, ours.year]
        names = published["cluster_id"].to_numpy(dtype=str)
        same = agreement(ours.report_id, ours.cluster, published["report_id"].to_numpy(), names)
        rows.append({"set": ours.name, "year": ours.year, "theta": ours.theta} | dataclasses.asdict(same))
    if not rows:
        missing = "published_clusters of GCD or GCDR in a year with a published cutoff" if pairs.years else "pairs"
        note = {"note": f"the universe has no {missing}"}
        return dg.Output(TABLES["published_replay"].empty(), "published_replay", metadata=note)
    table = pd.DataFrame(rows).sort_values(["set", "year"], ignore_index=True)
    counts = {
        f"{name}: years identical": f"{of_set['identical'].sum()} of {len(of_set)}"
        for name, of_set in table.groupby("set")
    }
    return dg.Output(table, "published_replay", metadata=counts)


def _published(baseline_clusters: DataFrame) -> dict[tuple[str, int], DataFrame]:
    """The published sets with a published cutoff, by name and year."""
    sets = baseline_clusters[baseline_clusters["method"].isin(_SETS.values())]
    return {(str(name), int(rows["year"].iloc[0])): rows for (name, _), rows in sets.groupby(["method", "year"])}


def _beside_ours(
    settings: Settings,
    descriptions: DataFrame,
    returns: DataFrame,
    pca_scores: ScoreTable,
    published_pairs: PairTable,
    clusters: ByMode,
    walk_forward_clusters: DataFrame,
    embedding_clusters: DataFrame,
    baseline_clusters: DataFrame,
    distance_scale: DataFrame,
    mean_correlation: DataFrame,
    cutoffs: ByMode,
    interpretability_curve: ByMode,
    strong_feature_proportion: ByMode,
    fuzz_scores: DataFrame,
    feature_distribution: DataFrame,
    published_strong_features: DataFrame,
    peer_statistics: DataFrame,
    robustness: DataFrame,
    pairs_backtest: DataFrame,
) -> dg.Output:
    from compsim_assets.evidence.groups import all_groups
    from compsim_assets.evidence.published_figures import published_figures
    from compsim_assets.evidence.published_vs_ours import Computed, compare_with_published

    groups = all_groups(clusters, walk_forward_clusters, baseline_clusters, embedding_clusters, returns)
    with_own = rows_as_published(open_similarity(pca_scores, published_pairs, descriptions[list(WHO)]), groups, returns)
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
            **(_published_pairs(published_pairs) or _our_pairs(distance_scale, mean_correlation)),
        },
    )
    years = descriptions["year"]
    universe = f"{settings.data_name}: {len(descriptions):,} reports, {years.min()}-{years.max()}"
    table = compare_with_published(published_figures(), computed, universe)
    return dg.Output(table, "published_vs_ours", metadata={"report": dg.MetadataValue.md(_report(table, universe))})


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


def _published_pairs(pairs: PairTable) -> dict[str, int]:
    """The same of the universe's published pairs; empty where it has none."""
    return {"n_pairs": len(pairs), "n_pairs_with_correlation": pairs.n_with_correlation()} if len(pairs) else {}
