"""Does an SAE's training matter? What its features are held against: random directions, raw activations, words."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from compsim_assets.assets.baselines import cut_as_ours, with_returns
from compsim_assets.assets.common import (
    COMPARISON,
    HEAVY,
    ONE_RUN,
    SHARED,
    WHO,
    DataFrame,
    alone,
    cluster_counts,
    columns,
    default_device,
    explaining_memory,
    key_of,
    markdown_table,
    options,
    progress,
    require_memory,
    table_options,
)
from compsim_assets.assets.peers import LevelsConfig
from compsim_assets.assets.similarity import FitConfig
from compsim_assets.contracts import TABLES
from compsim_assets.settings import Settings
from compsim_assets.storage.controls import SCORES, SCORES_MANIFEST, Control, ControlFeatures, ControlScores, Draws
from compsim_assets.storage.embeddings import write_embeddings
from compsim_assets.storage.finished import FinishedParts, PartsOf
from compsim_assets.storage.io_managers import ResultsFolder
from compsim_assets.storage.pairs import PairTable
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.storage.similarity import open_similarity

if TYPE_CHECKING:
    from compsim_assets.evidence.control_scores import ControlPca, Scored

_LOWER = "a smaller block or n_components"
_SHOWN = ["control", "seed", "n_reports", "columns", "components"]


class ControlScoresConfig(FitConfig):
    """Which controls there are, and how their PCA is fitted; the seed is of the shuffles, too, with their number."""

    shuffles: int = Field(default=3, ge=0, description="Draws of shuffled_features; 0 for none.")
    words: int = Field(default=65_536, ge=1, description="Words of tfidf, at most: the most frequent ones.")


@dg.asset(
    group_name="controls",
    ins={"descriptions": columns("report_id", "year", "description")},
    io_manager_key="folder_io_manager",
    pool="gpu",
    op_tags=HEAVY,
    backfill_policy=ONE_RUN,
    **options(SHARED, "torch", "scikitlearn"),
)
@alone
def control_scores(
    context: dg.AssetExecutionContext,
    config: ControlScoresConfig,
    folder: ResultsFolder,
    sae_features: FeatureShards,
    control_features: ControlFeatures,
    descriptions: DataFrame,
) -> Iterator[dg.Output]:
    """What stands in the place of the SAE's features, through the same scaler and PCA: random directions and raw
    activations where features are extracted here, the features dealt out anew over the reports, and weights of words
    (TF-IDF), these also by their plain cosine.

    Without features there are words alone; without texts there are no words.
    """
    from compsim_assets.evidence.control_matrices import ControlMatrices
    from compsim_assets.evidence.control_scores import made_from

    content, listed = blake2b(digest_size=16), []
    year = descriptions.set_index("report_id")["year"]
    with folder.results.scratch(SCORES) as scratch:
        aside = scratch / "tables"
        aside.mkdir()
        matrices = ControlMatrices(Draws(config.shuffles, config.words, config.seed), scratch)
        finished = FinishedParts(folder.results, SCORES)
        key = key_of(context, config, *made_from(sae_features, control_features, descriptions))
        pca = _pca(context, config, matrices.notes, finished.of(key))
        with explaining_memory("the scores of controls", _LOWER):
            for each in pca.scored(matrices.of(sae_features, control_features, descriptions)):
                content.update(each.control.file.encode())
                years = year.loc[each.report_id].to_numpy("int64")
                path = aside / f"{each.control.file}.parquet"
                write_embeddings(path, each.report_id, years, each.scores, each.row, content)
                listed.append(_listed(each))
        made = {"encoders": listed, "notes": pca.notes, "draws": asdict(matrices.draws)}
        manifest = {**made, "content": content.hexdigest()}
        (aside / SCORES_MANIFEST).write_text(json.dumps(manifest, indent=2))
        metadata: dict[str, Any] = {"controls": len(listed), "preview": markdown_table(listed, _SHOWN)}
        yield dg.Output(aside, metadata=metadata | ({"note": "; ".join(pca.notes)} if pca.notes else {}))
        finished.clear()


def _pca(
    context: dg.AssetExecutionContext, config: ControlScoresConfig, notes: list[str], parts: PartsOf
) -> "ControlPca":
    from compsim_assets.evidence.control_scores import ControlPca
    from compsim_assets.science.pca.fit import memory_needed

    def allowed(control: Control, n: int, width: int) -> None:
        needed = memory_needed(n, width, config.n_components, config.block)
        require_memory(context, f"the PCA of {control.file}", needed, _LOWER)

    device, log = default_device(), context.log.info
    given = config.model_dump(exclude={"shuffles", "words"})
    return ControlPca(**given, device=device, allowed=allowed, log=log, notes=notes, parts=parts)


def _listed(each: "Scored") -> dict[str, Any]:
    control = each.control
    named = {"name": control.file, "control": control.name, "seed": control.seed}
    return {**named, "n_reports": len(each.report_id), "columns": each.n_columns, "components": each.scores.shape[1]}


@dg.asset(
    ins={"descriptions": columns(*WHO)},
    pool="gpu",
    op_tags=HEAVY,
    **table_options("control_clusters", "controls", "torch", settings=("drop_without_returns",)),
)
@alone
def control_clusters(
    context: dg.AssetExecutionContext,
    settings: Settings,
    control_scores: ControlScores,
    returns: DataFrame,
    descriptions: DataFrame,
) -> DataFrame:
    """Clusters of every control: single linkage, cut as ours (`_base`, `_rolling`), of every draw."""
    import pandas as pd
    from tabulate import tabulate

    from compsim_assets.science.companies import repeated_companies

    names, company = TABLES["control_clusters"].names, repeated_companies(descriptions)
    tables, counts = [], []
    for control, scores in control_scores.controls():
        if settings.without_returns_dropped:
            scores = with_returns(scores, returns)
        for cut, table in cut_as_ours(context, control.file, scores, returns, company).items():
            tables.append(table.assign(method=f"{control.name}_{cut}", seed=control.seed))
            counts.append([f"{control.name}_{cut}", control.seed, *cluster_counts(table).values()])
    if not tables:
        note = "; ".join(control_scores.manifest["notes"]) or "no report has returns"
        context.add_output_metadata({"note": f"there are no clusters of controls: {note}"})
        return TABLES["control_clusters"].empty()
    headers = ["method", "seed", "clusters", "singletons", "largest"]
    context.add_output_metadata({"methods": dg.MetadataValue.md(tabulate(counts, headers, "pipe"))})
    return pd.concat(tables, ignore_index=True)[names].sort_values(names, ignore_index=True).astype({"cluster_id": str})


@dg.asset(
    ins={"descriptions": columns(*WHO, "sic_code")},
    op_tags=HEAVY,
    **table_options("control_statistics", "controls", "scipy", stage=COMPARISON),
)
@alone
def control_statistics(
    context: dg.AssetExecutionContext,
    config: LevelsConfig,
    sae_features: FeatureShards,
    pca_scores: ScoreTable,
    published_pairs: PairTable,
    control_scores: ControlScores,
    control_clusters: DataFrame,
    mean_correlation: DataFrame,
    peer_statistics: DataFrame,
    descriptions: DataFrame,
    returns: DataFrame,
    supervised_latents: DataFrame,
) -> DataFrame:
    """Every statistic of every draw of a control, by year. The first draw's are those of `mean_correlation` and
    `peer_statistics`.
    """
    import pandas as pd

    from compsim_assets.evidence.controls import draws_of_clusters, draws_of_peers
    from compsim_assets.evidence.groups import by_method
    from compsim_assets.evidence.peers.statistics import PeerReports, activity_of, by_vectors, peer_rows
    from compsim_assets.science.peers.returns import Levels

    similarity = open_similarity(pca_scores, published_pairs, descriptions)
    parts = [draws_of_clusters(mean_correlation), draws_of_peers(peer_statistics)]
    for seed in sorted(set(control_clusters["seed"].tolist()) - {1}):
        groups = by_method(control_clusters[control_clusters["seed"] == seed])
        parts.append(draws_of_clusters(similarity.correlation_by_year(groups, returns), seed))
    length = activity_of(sae_features, supervised_latents.iloc[:0])[1]
    reports = PeerReports(similarity, descriptions.drop(columns="year"), returns, length)
    levels = Levels(tuple(config.peers), tuple(map(float, config.shares)), draws=1)
    for control, scores in control_scores.controls():
        if control.seed > 1:
            log = progress(context, f"peers by {control.file}, years")
            rows = pd.DataFrame(peer_rows(by_vectors(control.name, *scores), reports, levels, log))
            parts.append(draws_of_peers(rows, control.seed))
    names = TABLES["control_statistics"].names
    return pd.concat(parts, ignore_index=True).sort_values(names[:-1], ignore_index=True)


class ControlReasonsConfig(dg.Config):
    """What is looked at of what columns say."""

    columns: int = Field(default=8192, ge=1, description="Columns of a matrix; of more a random sample.")
    themes: int = Field(
        default=32, ge=8, description="Groups that columns are put into; at most an eighth of the narrowest matrix."
    )
    labels: int = Field(default=512, ge=1, description="Of these, columns that terms are sought for; a sample of more.")
    reports: int = Field(default=20, ge=2, description="Reports of a column that terms are of, one per company.")
    halves: int = Field(default=6, ge=3, description="Random halves of the companies, learned from and judged on.")
    seed: int = Field(default=0, ge=0, description="Seed of the sample, of the halves and of the groups.")


@dg.asset(
    ins={"descriptions": columns(*WHO, "description")},
    op_tags=HEAVY,
    **table_options("control_reasons", "controls", "torch", "scikitlearn"),
)
@alone
def control_reasons(
    context: dg.AssetExecutionContext,
    config: ControlReasonsConfig,
    folder: ResultsFolder,
    sae_features: FeatureShards,
    control_features: ControlFeatures,
    control_scores: ControlScores,
    pca_scores: ScoreTable,
    descriptions: DataFrame,
) -> DataFrame:
    """What the columns of the SAE's features and of every control say: how well terms tell the reports in which a
    column is most active, and what share of the cosines of nearest companies five themes cover; judged on companies
    that were not learned from.
    """
    import pandas as pd

    from compsim_assets.evidence.control_matrices import MatricesOfControls
    from compsim_assets.evidence.control_reasons import compared_reports, reason_rows

    if sae_features.shape[0] == 0:
        context.add_output_metadata({"note": "there are no features to hold against"})
        return TABLES["control_reasons"].empty()
    lower, parts = "fewer columns", []
    with folder.results.scratch("control_reasons") as scratch, explaining_memory("what controls say", lower):
        matrices = MatricesOfControls(sae_features, control_features, control_scores, pca_scores, scratch)
        options = {**config.model_dump(), "themes": min(config.themes, matrices.narrowest // 8)}
        compared = compared_reports(sae_features.report_id, descriptions, options)
        for matrix in matrices.read(descriptions):
            context.log.info(f"columns of {matrix.method}, draw {matrix.draw}")
            parts.append(reason_rows(matrix, compared))
    table = pd.concat(parts, ignore_index=True)
    means = table.pivot_table(index="method", columns="statistic", values="value")
    context.add_output_metadata({"means": dg.MetadataValue.md(means.to_markdown(floatfmt=".3f"))})
    keys = ["method", "seed", "half", "statistic"]
    return table.sort_values(keys, ignore_index=True)


@dg.asset(**table_options("control_findings", "controls", "pandas", stage=COMPARISON))
def control_findings(
    context: dg.AssetExecutionContext,
    control_scores: ControlScores,
    control_statistics: DataFrame,
    control_reasons: DataFrame,
    mean_correlation: DataFrame,
    peer_statistics: DataFrame,
    robustness: DataFrame,
) -> DataFrame:
    """Does training matter? Trained features less each control, by clusters and peers, with intervals over years and
    draws, and by what their columns say, with intervals over companies; corrected for the number of tests.
    """
    import pandas as pd

    from compsim_assets.evidence.control_reasons import reason_findings
    from compsim_assets.evidence.controls import control_findings as judge_controls

    why = "; ".join(control_scores.manifest["notes"])
    table = judge_controls(mean_correlation, peer_statistics, control_statistics, robustness, why)
    table = pd.concat([table, reason_findings(control_reasons, why)], ignore_index=True)
    counts = table["verdict"].value_counts()
    context.add_output_metadata({str(verdict): int(n) for verdict, n in counts.items()})
    return table
