"""Tables from features to clusters and what holds them together."""

from compsim_assets.contracts.columns import CLUSTER, LATENT, REPORT, YEAR, correlation, count, share
from compsim_assets.contracts.table import Column, Table

TABLES: tuple[Table, ...] = (
    Table(
        "feature_distribution",
        ("bin_left", "bin_right"),
        (
            Column("bin_left", "float64", "Left edge; 0 with right edge 0 counts exact zeros.", at_least=0),
            Column("bin_right", "float64", "Right edge, inclusive; infinite for the values above the clip.", at_least=0),
            count("count", "Feature values in the bin."),
            share("share", "Share of all feature values."),
        ),
    ),
    Table(
        "pca_scores",
        ("report_id",),
        (REPORT, YEAR, Column("scores", "float32[]", "Scores on the P principal axes.")),
    ),
    Table(
        "nearest_peers",
        ("report_id", "rank"),
        (
            REPORT,
            YEAR,
            Column("rank", "int64", "1 is the most similar report of the same year.", at_least=1),
            Column("peer_id", "int64", "The peer's report id."),
            correlation("cosine", "Cosine of the two reports' PCA scores.", nullable=False),
        ),
    ),
    Table("clustered_reports", ("report_id",), (REPORT, YEAR)),
    Table(
        "distance_scale",
        ("n_pairs",),
        (
            Column("mean", "float64", "Mean cosine distance m over all pairs of all years."),
            Column("deviation", "float64", "Population deviation v; 1 where all distances are equal.", at_least=0),
            count("n_pairs", "Pairs within a year, over all years."),
        ),
    ),
    Table(
        "cutoff_curve",
        ("year", "theta"),
        (
            YEAR,
            Column("theta", "float64", "Standardised cutoff from which this row holds, up to the year's next row."),
            correlation("mean_correlation", "MeanCorr of the clusters at this cutoff."),
            correlation("pair_weighted_mean_correlation", "Mean correlation over all pairs inside clusters."),
            count("n_clusters", "Clusters with at least two members."),
        ),
    ),
    Table(
        "cutoffs",
        ("year",),
        (
            YEAR,
            Column("theta", "float64", "Chosen standardised cutoff."),
            Column("distance", "float64", "The same cutoff as cosine distance: theta v + m."),
            correlation("mean_correlation", "MeanCorr of this year's clusters at the cutoff."),
            Column("in_sample", "bool", "True where returns of this year or of a later one took part in choosing theta."),
        ),
    ),
    Table("clusters", ("report_id",), (YEAR, CLUSTER, REPORT)),
    Table(
        "cluster_features",
        ("year", "cluster_id", "latent"),
        (
            YEAR,
            CLUSTER,
            LATENT,
            Column("mae", "float64", "Mean absolute change of cosine over the cluster's pairs without this latent.", at_least=0),
            Column("strong", "bool", "Above the cluster's elbow."),
        ),
    ),
    Table(
        "cluster_feature_summary",
        ("year", "cluster_id"),
        (
            YEAR,
            CLUSTER,
            Column("n_members", "int64", "Reports in the cluster.", at_least=2),
            Column("n_pairs", "int64", "Pairs studied (at most the configured number).", at_least=1),
            count("n_candidates", "Latents tried."),
            count("n_strong", "Latents above the elbow."),
            share("quantile", "Quantile of the MAE at which the elbow was found.", nullable=True),
            Column("mae_strong", "float64", "MAE when all strong latents are removed at once.", nullable=True, at_least=0),
            Column("mae_weak", "float64", "MAE when all weak latents are removed at once.", nullable=True, at_least=0),
        ),
    ),
)  # fmt: skip
