"""The verdicts: one line a claim, with links to the tables that each rests on."""

import dagster as dg

from compsim_assets.assets.common import COMPARISON, DataFrame, table_options
from compsim_assets.evidence.page import html_page, markdown_page
from compsim_assets.settings import Settings
from compsim_assets.storage.results import Results, read_manifest

_ALL_MODES = dg.AssetIn(partition_mapping=dg.AllPartitionMapping())


@dg.asset(
    ins={
        **dict.fromkeys(("cluster_features", "cluster_feature_summary"), _ALL_MODES),
        "descriptions": dg.AssetIn(
            metadata={"columns": [*("report_id", "cik", "company_name", "ticker", "year", "description")]}
        ),
    },
    deps=["sae_features", "embeddings"],
    **table_options("findings", "evidence", "pandas", "markdown", stage=COMPARISON),
)
def findings(
    context: dg.AssetExecutionContext,
    settings: Settings,
    descriptions: DataFrame,
    table_1: DataFrame,
    table_2: DataFrame,
    robustness: DataFrame,
    peer_statistics: DataFrame,
    pairs_backtest: DataFrame,
    cluster_features: dict[str, DataFrame],
    cluster_feature_summary: dict[str, DataFrame],
    fuzz_scores: DataFrame,
) -> DataFrame:
    """What stands? Each published claim on one line: the published number, ours computed the published way, ours
    corrected with its interval, and a verdict (stands, weaker, reversed, not testable here).

    Written as a page, too: `findings.md` and `findings.html` beside the table.
    """
    from compsim_assets.evidence.claims import published_claims
    from compsim_assets.evidence.judge import Evidence, judge
    from compsim_assets.evidence.reference import published_figures
    from compsim_assets.universe.encoders import FOLDER, MANIFEST

    results = Results.of(settings)
    interpretability = _interpretability(results, cluster_features, cluster_feature_summary, fuzz_scores)
    evidence = Evidence(table_1, robustness, peer_statistics, pairs_backtest, interpretability)
    encoders = read_manifest(results.array_folder(FOLDER), MANIFEST)["encoders"]
    encoder = encoders[0]["name"] if encoders else "embedding"
    table = judge(published_claims(published_figures(), encoder), evidence)
    universe, notes = _universe(settings, descriptions, table_1)
    shown = {
        "table_1": table_1,
        "table_2": table_2,
        "pairs_backtest": pairs_backtest,
        "robustness": robustness,
        "peer_statistics": _over_years(peer_statistics),
    }
    pages = {
        "findings.md": markdown_page(table, universe, notes),
        "findings.html": html_page(table, universe, notes, shown),
    }
    for name, page in pages.items():
        with results.new_file(results.folder / name) as aside:
            aside.write_text(page, encoding="utf-8")
        context.add_output_metadata({name: dg.MetadataValue.path(str(results.folder / name))})
    page = markdown_page(table, universe, notes, link="/assets/{table}")
    counts = table["verdict"].value_counts()
    context.add_output_metadata({"page": dg.MetadataValue.md(page), **{str(k): int(n) for k, n in counts.items()}})
    return table


def _interpretability(
    results: Results,
    features: dict[str, DataFrame],
    summary: dict[str, DataFrame],
    scores: DataFrame,
) -> tuple[float, float, float, float]:
    """The gain of `interpretability_gain` in base clusters; NaN where nothing was scored or studied."""
    from compsim_assets.science.latents.interpretability import interpretability_gain, scores_for

    nothing = (float("nan"),) * 4
    manifest = read_manifest(results.array_folder("sae_features"), "features.json")
    usable, _ = scores_for(scores, manifest["hookpoint"], manifest["n_latents"])
    if "base" not in features or "base" not in summary:
        return nothing
    candidates = features["base"]
    studied = usable[usable["latent"].isin(candidates["latent"])]
    if studied.empty:
        return nothing
    return interpretability_gain(candidates[candidates["strong"]], len(summary["base"]), studied)


def _universe(settings: Settings, descriptions: DataFrame, table_1: DataFrame) -> tuple[str, list[str]]:
    """What the findings were computed on, and what that universe cannot show."""
    from compsim_assets.evidence.cautions import cautions
    from compsim_assets.evidence.reference import published_by_method

    years = descriptions["year"]
    what = f"{len(descriptions):,} reports of {years.min()} to {years.max()}"
    if settings.synthetic:
        return f"the synthetic sample: {what}", [
            "The sample is generated: it shows how the page works and says nothing about real companies."
        ]
    own = table_1[(table_1["block"] == "as_published") & (table_1["method"] == "population")]
    published = published_by_method()["mean_correlation"]["population"]
    notes = cautions(descriptions, float(own["mean_correlation"].mean()), published)
    return f"{what} ({settings.source})", notes


def _over_years(statistics: DataFrame) -> DataFrame:
    """Peer statistics, their means over years."""
    keys = ["statistic", "level", "method"]
    means = statistics.groupby(keys, sort=False)[["value", "random"]].mean()
    return means.assign(n_years=statistics.groupby(keys).size()).reset_index()
