"""Tables of the other ways to compare companies: the walk-forward chain, embeddings, supervised latents."""

from compsim_assets.contracts.columns import (
    CLUSTER,
    CUT_CORRELATION,
    LATENT,
    METHOD,
    REPORT,
    YEAR,
    correlation,
    count,
    day,
    flag,
    number,
    size,
    text,
)
from compsim_assets.contracts.table import Column, table

# A file per encoder, a folder of their own: compsim_assets.storage.embeddings.
EMBEDDINGS = table("embeddings", "report_id")(
    REPORT, YEAR, Column("embedding", "float32[]", "Mean of the last hidden states.")
)

TABLES = (
    table("walk_forward_scores", "report_id")(
        REPORT,
        YEAR,
        Column(
            "scores",
            "float32[]",
            "Scores on the principal axes of all earlier years, zeros beyond their number; comparable within a year "
            "only.",
        ),
    ),
    table("walk_forward_cutoffs", "year")(
        YEAR,
        Column("theta", "float64", "Cutoff in units of the earlier years' distances."),
        Column("distance", "float64", "The same cutoff as cosine distance."),
        CUT_CORRELATION,
        flag("in_sample", "False: nothing of this year or of a later one took part in choosing theta."),
        count("n_earlier_reports", "Reports that scaler, PCA and distance scale were fitted on."),
        day(
            "knowledge",
            "Last day of what the model and the SAE have read by which this year and the earlier ones were read; null "
            "where it is not known.",
            nullable=True,
        ),
    ),
    table("walk_forward_clusters", "report_id")(YEAR, CLUSTER, REPORT),
    table("embedding_clusters", "method", "report_id")(
        METHOD, YEAR, text("cluster_id", "Cluster within method and year, 1 is the largest."), REPORT
    ),
    table("control_clusters", "method", "seed", "report_id")(
        METHOD,
        count("seed", "Of the draw that the control is; 1 where nothing is drawn.", at_least=1),
        YEAR,
        text("cluster_id", "Cluster within method, seed and year, 1 is the largest."),
        REPORT,
    ),
    table("control_statistics", "method", "seed", "year", "statistic", "level")(
        text("method", "Clusters or similarity of a control."),
        count("seed", "Of the draw that the control is; 1 where nothing is drawn.", at_least=1),
        YEAR,
        text("statistic", "mean_correlation, pair_weighted, or a statistic of peers."),
        size("level", "Number of peers, or per cent of pairs; 0 where there is no level."),
        correlation("value", "The statistic; null where it is not defined."),
    ),
    table("control_reasons", "method", "seed", "half", "statistic")(
        text("method", "trained: the SAE's own features; or a control."),
        count("seed", "Of the draw that the control is; 1 where nothing is drawn.", at_least=1),
        count("half", "Which random half of the companies was learned from, the other being judged.", at_least=1),
        text("statistic", "label_auc, theme_coverage or theme_coverage_beyond_chance."),
        number("value", "The statistic; null where that half has too little."),
        count("n_columns", "Columns that it is of, a random sample where there are more."),
    ),
    table("supervised_latents", "latent")(
        LATENT,
        Column(
            "score",
            "float64",
            "Mean return correlation of the training pairs in which the latent is active in both, less that of all "
            "training pairs.",
        ),
        count("n_pairs", "Those training pairs."),
        flag("selected", "Among the highest positive scores, which weigh the latents of the supervised similarity."),
    ),
)
