"""How understandable the features are that hold clusters together."""

import dagster as dg

from compsim_assets.assets.common import BY_MODE, DataFrame, table_options, usable_scores
from compsim_assets.assets.features import sae_features
from compsim_assets.contracts import TABLES
from compsim_assets.settings import Settings
from compsim_assets.universe.opening import open_universe


@dg.asset(deps=["descriptions"], **table_options("fuzz_scores", "interpretability", "pandas"))
def fuzz_scores(context: dg.AssetExecutionContext, settings: Settings) -> DataFrame:
    """Interpretability of each scored latent: how often a judge told real activations from fakes (chance 50).

    Read from the universe's delphi score files; empty where it has none. A latent without any answer is kept
    with a null score.
    """
    from compsim_assets.universe.score_files import read_scores

    universe = open_universe(settings)
    files = universe.fuzz_score_files()
    if not files:
        context.log.warning("the universe has no fuzz_scores/: no latent has an interpretability score")
    table = read_scores(files, universe.decisions.of("fuzz_scores"))[TABLES["fuzz_scores"].names]
    context.add_output_metadata(
        {
            "files": len(files),
            "hookpoints": ", ".join(sorted(table["hookpoint"].unique())) or "none",
            "mean_interpretability": float(table["interpretability"].mean()) if len(table) else "no scores",
            "examples_without_answer": int(table["n_unscored"].sum()),
        }
    )
    return table


@dg.asset(deps=[sae_features], **table_options("interpretability_curve", "interpretability", "pandas", stage=BY_MODE))
def interpretability_curve(
    context: dg.AssetExecutionContext,
    settings: Settings,
    cluster_features: DataFrame,
    cluster_feature_summary: DataFrame,
    fuzz_scores: DataFrame,
) -> DataFrame:
    """Interpretability over sparsity: mean score of the latents that are strong in at least p per cent of clusters."""
    from compsim_assets.science.latents.interpretability import interpretability_curve as curve_of

    usable, note = usable_scores(settings, fuzz_scores)
    studied = usable[usable["latent"].isin(cluster_features["latent"])]
    context.add_output_metadata({"scores": note, "latents_studied": len(studied)})
    strong = cluster_features[cluster_features["strong"]]
    return curve_of(strong, len(cluster_feature_summary), studied)


@dg.asset(**table_options("strong_feature_proportion", "interpretability", "pandas", stage=BY_MODE))
def strong_feature_proportion(cluster_feature_summary: DataFrame) -> DataFrame:
    """Strong features as a share of each cluster's own candidates, with the cluster's size: it depends on it."""
    from compsim_assets.science.latents.interpretability import strong_feature_proportion as proportion_of

    return proportion_of(cluster_feature_summary)
