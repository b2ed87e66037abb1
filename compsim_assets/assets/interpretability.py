"""How understandable the features are that hold clusters together."""

import dagster as dg

from compsim_assets.assets.common import (
    BY_MODE,
    ONE_RUN,
    DataFrame,
    columns,
    keys,
    lazily,
    table_options,
    table_outs,
    universe_of,
    usable_scores,
    wanted,
)
from compsim_assets.contracts import TABLES
from compsim_assets.partitions import cutoff_modes
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import ByMode, Lazy


@dg.asset(ins={"descriptions": columns("report_id")}, **table_options("fuzz_scores", "interpretability", "pandas"))
def fuzz_scores(context: dg.AssetExecutionContext, settings: Settings, descriptions: DataFrame) -> DataFrame:
    """Interpretability of each scored latent: how often a judge told real activations from fakes (chance 50).

    Read from the universe's delphi score files; empty where it has none. A latent without any answer is kept
    with a null score.
    """
    from compsim_assets.universe.score_files import read_scores

    universe = universe_of(context, settings)
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


@dg.asset(ins={"descriptions": columns("report_id")}, **table_options("judged_latents", "interpretability", "pandas"))
def judged_latents(context: dg.AssetExecutionContext, settings: Settings, descriptions: DataFrame) -> DataFrame:
    """Labels of latents by a language model, and how well they find text in which the latent is active (chance 50).

    Read from what `compsim judge`, or delphi, left in the universe's fuzz_scores/; empty where nobody has judged.
    """
    from compsim_assets.universe.judging.judged import read_judged

    universe = universe_of(context, settings)
    table = read_judged(universe.folder / "fuzz_scores", universe.decisions.of("fuzz_scores"))
    judges = sorted(set(table["judge"]) - {""})
    context.add_output_metadata(
        {
            "labels": int(table["judge_label"].notna().sum()),
            "judges": ", ".join(judges) or ("unknown" if len(table) else "none"),
            **({} if len(table) else {"note": "nobody has judged latents: `compsim judge` does, where it is set up"}),
            "mean_detection": float(table["detection"].mean()) if table["detection"].notna().any() else "no scores",
            "examples_without_answer": int(table["n_unscored"].sum()),
        }
    )
    return table[TABLES["judged_latents"].names]


_OF_CURVE = ("sae_features", "cluster_features", "fuzz_scores")


@dg.multi_asset(
    name="interpretability",
    group_name="interpretability",
    outs=table_outs(
        BY_MODE,
        "pandas",
        interpretability_curve="Interpretability over sparsity: mean score of the latents that are strong in at least "
        "p per cent of clusters.",
        strong_feature_proportion="Strong features as a share of each cluster's own candidates, with the cluster's "
        "size: it depends on it.",
    ),
    internal_asset_deps={
        "interpretability_curve": keys("cluster_feature_summary", *_OF_CURVE),
        "strong_feature_proportion": keys("cluster_feature_summary"),
    },
    ins=lazily(*_OF_CURVE),
    partitions_def=cutoff_modes,
    can_subset=True,
    backfill_policy=ONE_RUN,
)
def interpretability_assets(
    context: dg.AssetExecutionContext,
    sae_features: Lazy,
    cluster_features: Lazy,
    cluster_feature_summary: ByMode,
    fuzz_scores: Lazy,
):
    """How interpretable strong features are, and how many of a cluster's candidates are strong."""
    from compsim_assets.science.latents.interpretability import interpretability_curve, strong_feature_proportion

    names = wanted(context)
    if "interpretability_curve" in names:
        usable, note = usable_scores(sae_features.read(), fuzz_scores.read())
        curves = {}
        for mode, features in cluster_features.read().items():
            studied = usable[usable["latent"].isin(features["latent"])]
            strong = features[features["strong"]]
            curves[mode] = interpretability_curve(strong, len(cluster_feature_summary[mode]), studied)
            context.add_asset_metadata(
                {"scores": note, "latents_studied": len(studied)}, "interpretability_curve", partition_key=mode
            )
        yield dg.Output(curves, "interpretability_curve")
    if "strong_feature_proportion" in names:
        proportions = {mode: strong_feature_proportion(table) for mode, table in cluster_feature_summary.items()}
        yield dg.Output(proportions, "strong_feature_proportion")
