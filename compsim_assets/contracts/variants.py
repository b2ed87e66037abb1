"""Tables of the other ways to compare companies: the walk-forward chain, embeddings, supervised latents."""

from compsim_assets.contracts.columns import CLUSTER, LATENT, METHOD, REPORT, YEAR, correlation, count
from compsim_assets.contracts.table import Column, Table

TABLES: tuple[Table, ...] = (
    Table(
        "walk_forward_scores",
        ("report_id",),
        (
            REPORT,
            YEAR,
            Column("scores", "float32[]", "Scores on the principal axes of all earlier years, zeros beyond their number; comparable within a year only."),
        ),
    ),
    Table(
        "walk_forward_cutoffs",
        ("year",),
        (
            YEAR,
            Column("theta", "float64", "Cutoff in units of the earlier years' distances."),
            Column("distance", "float64", "The same cutoff as cosine distance."),
            correlation("mean_correlation", "MeanCorr of this year's clusters at the cutoff."),
            Column("in_sample", "bool", "False: nothing of this year or of a later one took part in choosing theta."),
            count("n_earlier_reports", "Reports that scaler, PCA and distance scale were fitted on."),
        ),
    ),
    Table("walk_forward_clusters", ("report_id",), (YEAR, CLUSTER, REPORT)),
    Table(
        "embedding_clusters",
        ("method", "report_id"),
        (METHOD, YEAR, Column("cluster_id", "string", "Cluster within method and year, 1 is the largest."), REPORT),
    ),
    Table(
        "supervised_latents",
        ("latent",),
        (
            LATENT,
            Column("score", "float64", "Mean return correlation of the training pairs in which the latent is active in both, less that of all training pairs."),
            count("n_pairs", "Those training pairs."),
            Column("selected", "bool", "Among the highest positive scores, which weigh the latents of the supervised similarity."),
        ),
    ),
)  # fmt: skip
