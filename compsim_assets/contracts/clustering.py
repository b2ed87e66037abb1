"""Tables from features to clusters and what holds them together."""

from compsim_assets.contracts.columns import (
    CLUSTER,
    CLUSTERS,
    CUT_CORRELATION,
    LATENT,
    MEMBERS,
    REPORT,
    YEAR,
    correlation,
    count,
    flag,
    share,
    size,
)
from compsim_assets.contracts.table import Column, table

# In shards of Arrow files, a folder of its own: compsim_assets.storage.shards.
FEATURES = table("sae_features", "report_id")(
    REPORT, Column("features", "float32[]", "Activations summed over the tokens.")
)

TABLES = (
    table("feature_distribution", "bin_left", "bin_right")(
        size("bin_left", "Left edge; 0 with right edge 0 counts exact zeros."),
        size("bin_right", "Right edge, inclusive; infinite for the values above the clip."),
        count("count", "Feature values in the bin."),
        share("share", "Share of all feature values."),
    ),
    table("pca_scores", "report_id")(REPORT, YEAR, Column("scores", "float32[]", "Scores on the P principal axes.")),
    table("clustered_reports", "report_id")(REPORT, YEAR),
    table("dendrograms", "year", "step")(
        YEAR,
        count("step", "Merges of the year in ascending distance, from 0."),
        Column("left", "int64", "Smallest report id of the cluster that this merge makes."),
        Column("right", "int64", "Smallest report id of the part that does not hold `left`."),
        size("distance", "Cosine distance at which the two parts merge; equal ones (to 1e-12) are the same number."),
    ),
    table("distance_scale", "n_pairs")(
        Column("mean", "float64", "Mean cosine distance m over all pairs of all years."),
        size("deviation", "Population deviation v; 1 where all distances are equal."),
        count("n_pairs", "Pairs within a year, over all years."),
    ),
    table("cutoff_curve", "year", "theta")(
        YEAR,
        Column("theta", "float64", "Standardised cutoff from which this row holds, up to the year's next row."),
        correlation("mean_correlation", "MeanCorr of the clusters at this cutoff."),
        correlation("pair_weighted_mean_correlation", "Mean correlation over all pairs inside clusters."),
        CLUSTERS,
    ),
    table("cutoffs", "year")(
        YEAR,
        Column("theta", "float64", "Chosen standardised cutoff."),
        Column("distance", "float64", "The same cutoff as cosine distance: theta v + m."),
        CUT_CORRELATION,
        flag("in_sample", "True where returns of this year or of a later one took part in choosing theta."),
    ),
    table("clusters", "report_id")(YEAR, CLUSTER, REPORT),
    table("cluster_features", "year", "cluster_id", "latent")(
        YEAR,
        CLUSTER,
        LATENT,
        size("mae", "Mean absolute change of cosine over the cluster's pairs without this latent."),
        flag("strong", "Above the cluster's elbow."),
    ),
    table("cluster_feature_summary", "year", "cluster_id")(
        YEAR,
        CLUSTER,
        MEMBERS,
        count("n_pairs", "Pairs studied (at most the configured number).", at_least=1),
        count("n_candidates", "Latents tried."),
        count("n_strong", "Latents above the elbow."),
        share("quantile", "Quantile of the MAE at which the elbow was found.", nullable=True),
        size("mae_strong", "MAE when all strong latents are removed at once.", nullable=True),
        size("mae_weak", "MAE when all weak latents are removed at once.", nullable=True),
    ),
)
