"""The tables that cross an asset boundary: columns, types, ranges and keys."""

from compsim_assets.tables import Column, ContractError, Table, validate

__all__ = ["TABLES", "Column", "ContractError", "Table", "validate"]

_REPORT = Column("report_id", "int64", "Report: one company in one year; the universe's own id.")
_YEAR = Column("year", "int64", "Calendar year of the returns.", at_least=1900, at_most=2200)
_CLUSTER = Column(
    "cluster_id", "int64", "Cluster number within its year, 1 is the largest.", at_least=1
)
_LATENT = Column("latent", "int64", "SAE feature, 0-based.", at_least=0)
_METHOD = Column(
    "method", "string", "How reports are grouped: our modes, SIC groups, published cluster sets."
)


def _correlation(name: str, description: str, nullable: bool = True) -> Column:
    return Column(
        name, "float64", description, nullable=nullable, at_least=-1.0000001, at_most=1.0000001
    )


def _share(name: str, description: str, nullable: bool = False) -> Column:
    return Column(name, "float64", description, nullable=nullable, at_least=0, at_most=1)


def _count(name: str, description: str) -> Column:
    return Column(name, "int64", description, at_least=0)


_TABLES: tuple[Table, ...] = (
    Table(
        "descriptions",
        ("report_id",),
        (
            _REPORT,
            Column("cik", "string", "SEC registrant number.", nullable=True),
            Column("company_name", "string", "Company.", nullable=True),
            Column("ticker", "string", "Joins to the price history.", nullable=True),
            _YEAR,
            Column("sic_code", "string", "Four-digit SIC code; null where unknown.", nullable=True),
            Column("industry", "string", "SIC division of the code.", nullable=True),
            Column("description", "string", "Business description; null where the universe has none.", nullable=True),
        ),
    ),
    Table(
        "returns",
        ("report_id",),
        (
            _REPORT,
            _YEAR,
            Column("returns", "float64[12]", "Natural-log returns, January to December; NaN for a missing month."),
        ),
    ),
    Table(
        "price_history",
        ("ticker", "date"),
        (
            Column("ticker", "string", "Joins to descriptions."),
            Column("date", "date32", "Trading day."),
            Column("adj_close", "float64", "Close adjusted for splits and dividends.", at_least=0),
        ),
    ),
    Table(
        "published_pairs",
        ("report_a", "report_b"),
        (
            Column("report_a", "int64", "The smaller report id."),
            Column("report_b", "int64", "The larger report id, of the same year."),
            _YEAR,
            _correlation("cosine", "Published cosine of the two reports.", nullable=False),
            _correlation("correlation", "Published correlation of the reports' monthly returns; null where missing."),
        ),
    ),
    Table(
        "published_strong_features",
        ("set", "members", "latent"),
        (
            Column("set", "string", "Name of the published file, a cutoff mode for the paper's own."),
            Column("members", "string", "The cluster: its report ids, ascending, joined by commas."),
            Column("n_members", "int64", "Reports in the cluster.", at_least=1),
            _LATENT,
            Column("mae", "float64", "Published mean absolute change of cosine without this latent.", at_least=0),
            Column("strong", "bool", "Strong as published."),
        ),
    ),
    Table(
        "published_cointegrated_pairs",
        ("method", "year", "cluster_id", "report_a", "report_b"),
        (
            _METHOD,
            Column("cluster_id", "string", "Cluster or group of the pair."),
            _YEAR,
            Column("report_a", "int64", "First report, as published."),
            Column("report_b", "int64", "Second report, as published."),
            Column("ticker_a", "string", "Its first ticker; null where unknown.", nullable=True),
            Column("ticker_b", "string", "Its first ticker; null where unknown.", nullable=True),
            _correlation("correlation", "Published correlation of the prices.", nullable=False),
            Column("adf_statistic", "float64", "Published ADF statistic of the price difference."),
            Column("p_value", "float64", "Published p-value of it.", at_least=0, at_most=1),
        ),
    ),
    Table(
        "feature_distribution",
        ("bin_left", "bin_right"),
        (
            Column("bin_left", "float64", "Left edge; 0 with right edge 0 counts exact zeros.", at_least=0),
            Column("bin_right", "float64", "Right edge, inclusive; infinite for the values above the clip.", at_least=0),
            _count("count", "Feature values in the bin."),
            _share("share", "Share of all feature values."),
        ),
    ),
    Table(
        "pca_scores",
        ("report_id",),
        (_REPORT, _YEAR, Column("scores", "float32[]", "Scores on the P principal axes.")),
    ),
    Table(
        "nearest_peers",
        ("report_id", "rank"),
        (
            _REPORT,
            _YEAR,
            Column("rank", "int64", "1 is the most similar report of the same year.", at_least=1),
            Column("peer_id", "int64", "The peer's report id."),
            _correlation("cosine", "Cosine of the two reports' PCA scores.", nullable=False),
        ),
    ),
    Table("clustered_reports", ("report_id",), (_REPORT, _YEAR)),
    Table(
        "distance_scale",
        ("n_pairs",),
        (
            Column("mean", "float64", "Mean cosine distance m over all pairs of all years."),
            Column("deviation", "float64", "Population deviation v; 1 where all distances are equal.", at_least=0),
            _count("n_pairs", "Pairs within a year, over all years."),
        ),
    ),
    Table(
        "cutoff_curve",
        ("year", "theta"),
        (
            _YEAR,
            Column("theta", "float64", "Standardised cutoff from which this row holds, up to the year's next row."),
            _correlation("mean_correlation", "MeanCorr of the clusters at this cutoff."),
            _correlation("pair_weighted_mean_correlation", "Mean correlation over all pairs inside clusters."),
            _count("n_clusters", "Clusters with at least two members."),
        ),
    ),
    Table(
        "cutoffs",
        ("year",),
        (
            _YEAR,
            Column("theta", "float64", "Chosen standardised cutoff."),
            Column("distance", "float64", "The same cutoff as cosine distance: theta v + m."),
            _correlation("mean_correlation", "MeanCorr of this year's clusters at the cutoff."),
            Column("in_sample", "bool", "True where returns of this year or of a later one took part in choosing theta."),
        ),
    ),
    Table("clusters", ("report_id",), (_YEAR, _CLUSTER, _REPORT)),
    Table(
        "cluster_features",
        ("year", "cluster_id", "latent"),
        (
            _YEAR,
            _CLUSTER,
            _LATENT,
            Column("mae", "float64", "Mean absolute change of cosine over the cluster's pairs without this latent.", at_least=0),
            Column("strong", "bool", "Above the cluster's elbow."),
        ),
    ),
    Table(
        "cluster_feature_summary",
        ("year", "cluster_id"),
        (
            _YEAR,
            _CLUSTER,
            Column("n_members", "int64", "Reports in the cluster.", at_least=2),
            Column("n_pairs", "int64", "Pairs studied (at most the configured number).", at_least=1),
            _count("n_candidates", "Latents tried."),
            _count("n_strong", "Latents above the elbow."),
            _share("quantile", "Quantile of the MAE at which the elbow was found.", nullable=True),
            Column("mae_strong", "float64", "MAE when all strong latents are removed at once.", nullable=True, at_least=0),
            Column("mae_weak", "float64", "MAE when all weak latents are removed at once.", nullable=True, at_least=0),
        ),
    ),
    Table(
        "baseline_clusters",
        ("method", "report_id"),
        (_METHOD, _YEAR, Column("cluster_id", "string", "Group name within method and year."), _REPORT),
    ),
    Table(
        "fuzz_scores",
        ("hookpoint", "latent"),
        (
            _LATENT,
            Column("interpretability", "float64", "Per cent of answered examples judged right; chance is 50.", nullable=True, at_least=0, at_most=100),
            Column("balanced_accuracy", "float64", "Mean of the two classes' per cent right.", nullable=True, at_least=0, at_most=100),
            _count("n_examples", "Examples in the file."),
            _count("n_unscored", "Examples the judge gave no answer for."),
            Column("hookpoint", "string", "Module of the language model whose latent was scored."),
        ),
    ),
    Table(
        "interpretability_curve",
        ("min_share",),
        (
            Column("min_share", "float64", "Strong in at least this per cent of the clusters.", at_least=0, at_most=100),
            Column("mean_interpretability", "float64", "Mean over the latents left; null where none is.", nullable=True, at_least=0, at_most=100),
            _count("n_latents", "Latents left."),
            _share("share_of_latents", "Share of the scored latents left."),
        ),
    ),
    Table(
        "strong_feature_proportion",
        ("year", "cluster_id"),
        (
            _YEAR,
            _CLUSTER,
            Column("n_members", "int64", "Reports in the cluster.", at_least=2),
            _share("proportion", "Strong latents among the cluster's candidates."),
        ),
    ),
    Table(
        "mean_correlation",
        ("method", "year"),
        (
            _METHOD,
            _YEAR,
            _correlation("mean_correlation", "Mean over clusters of the mean correlation of their pairs."),
            _correlation("pair_weighted", "Mean correlation over all pairs inside clusters."),
            _count("n_clusters", "Clusters with at least two members."),
            _count("n_reports", "Reports in such clusters."),
            _count("largest_cluster", "Members of the largest cluster."),
            _count("n_pairs", "Pairs with a return correlation."),
            _share("coverage", "Share of the year's reports that are in such clusters."),
        ),
    ),
    Table(
        "table_1",
        ("method",),
        (
            _METHOD,
            _count("n_years", "Years with a MeanCorr."),
            _correlation("mean_correlation", "Mean over the method's own years."),
            _correlation("mean_correlation_common", "Mean over the years that all main methods have."),
            _correlation("pair_weighted_common", "The same years, pooled over pairs."),
            _share("coverage_common", "Share of the reports of those years that are in clusters.", nullable=True),
            _count("n_clusters_common", "Clusters in those years."),
            _count("largest_cluster_common", "Members of the largest cluster of those years."),
            _correlation("published", "The paper's MeanCorr, on its own universe and years; null where it has none."),
        ),
    ),
    Table(
        "published_replay",
        ("set", "year"),
        (
            Column("set", "string", "Published cluster set."),
            _YEAR,
            Column("theta", "float64", "Published cutoff at which the universe's pairs were cut."),
            _count("n_reports", "Reports in the published clusters and in the pairs."),
            _count("only_ours", "Reports with pairs, but not in the published clusters."),
            _count("only_theirs", "Reports in the published clusters, but without pairs."),
            _count("n_ours", "Our clusters of at least two of the reports in both."),
            _count("n_theirs", "The published ones."),
            _count("n_same", "Published clusters that are, report for report, one of ours."),
            Column("identical", "bool", "The same reports in the same clusters, singletons included."),
        ),
    ),
    Table(
        "published_vs_ours",
        ("figure",),
        (
            Column("figure", "string", "What was published."),
            Column("source", "string", "Where."),
            Column("published", "float64", "The published value, on the paper's universe."),
            Column("replayed", "float64", "The published clusters or strong features, measured on this universe.", nullable=True),
            Column("ours", "float64", "Ours, on this universe.", nullable=True),
            Column("difference", "float64", "Ours less the published value.", nullable=True),
            Column("replay_difference", "float64", "Replayed less the published value.", nullable=True),
            Column("universe", "string", "What replayed and ours were computed on."),
            Column("note", "string", "Why a value is missing."),
        ),
    ),
    Table(
        "table_2",
        ("mode",),
        (
            Column("mode", "string", "Cutoff mode."),
            _count("n_clusters", "Clusters with at least two members."),
            _count("n_clusters_studied", "Clusters whose strong features were searched."),
            _count("n_latents_scored", "Latents with a fuzz score."),
            Column("mean_interpretability", "float64", "Mean over all scored latents (0-100, chance 50).", nullable=True),
            Column("top_interpretability", "float64", "Mean at the largest share for which a latent is left.", nullable=True),
            Column("top_min_share", "float64", "That share, in per cent of clusters.", nullable=True),
            _share("median_proportion_strong", "Median over clusters of strong / candidates.", nullable=True),
        ),
    ),
)  # fmt: skip

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
