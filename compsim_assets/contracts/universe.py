"""Tables of what a universe gives: reports, returns, prices, and what others published."""

from compsim_assets.contracts.columns import LATENT, METHOD, REPORT, YEAR, correlation, count
from compsim_assets.contracts.table import Column, Table

TABLES: tuple[Table, ...] = (
    Table(
        "descriptions",
        ("report_id",),
        (
            REPORT,
            Column("cik", "string", "SEC registrant number.", nullable=True),
            Column("company_name", "string", "Company.", nullable=True),
            Column("ticker", "string", "Joins to the price history.", nullable=True),
            YEAR,
            Column("sic_code", "string", "Four-digit SIC code; null where unknown.", nullable=True),
            Column("industry", "string", "SIC division of the code.", nullable=True),
            Column("description", "string", "Business description; null where the universe has none.", nullable=True),
        ),
    ),
    Table(
        "returns",
        ("report_id",),
        (
            REPORT,
            YEAR,
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
            YEAR,
            correlation("cosine", "Published cosine of the two reports.", nullable=False),
            correlation("correlation", "Published correlation of the reports' monthly returns; null where missing."),
        ),
    ),
    Table(
        "published_strong_features",
        ("set", "members", "latent"),
        (
            Column("set", "string", "Name of the published file, a cutoff mode for the paper's own."),
            Column("members", "string", "The cluster: its report ids, ascending, joined by commas."),
            Column("n_members", "int64", "Reports in the cluster.", at_least=1),
            LATENT,
            Column("mae", "float64", "Published mean absolute change of cosine without this latent.", at_least=0),
            Column("strong", "bool", "Strong as published."),
        ),
    ),
    Table(
        "published_cointegrated_pairs",
        ("method", "year", "cluster_id", "report_a", "report_b"),
        (
            METHOD,
            Column("cluster_id", "string", "Cluster or group of the pair."),
            YEAR,
            Column("report_a", "int64", "First report, as published."),
            Column("report_b", "int64", "Second report, as published."),
            Column("ticker_a", "string", "Its first ticker; null where unknown.", nullable=True),
            Column("ticker_b", "string", "Its first ticker; null where unknown.", nullable=True),
            correlation("correlation", "Published correlation of the prices.", nullable=False),
            Column("adf_statistic", "float64", "Published ADF statistic of the price difference."),
            Column("p_value", "float64", "Published p-value of it.", at_least=0, at_most=1),
        ),
    ),
    Table(
        "baseline_clusters",
        ("method", "report_id"),
        (METHOD, YEAR, Column("cluster_id", "string", "Group name within method and year."), REPORT),
    ),
    Table(
        "fuzz_scores",
        ("hookpoint", "latent"),
        (
            LATENT,
            Column("interpretability", "float64", "Per cent of answered examples judged right; chance is 50.", nullable=True, at_least=0, at_most=100),
            Column("balanced_accuracy", "float64", "Mean of the two classes' per cent right.", nullable=True, at_least=0, at_most=100),
            count("n_examples", "Examples in the file."),
            count("n_unscored", "Examples the judge gave no answer for."),
            Column("hookpoint", "string", "Module of the language model whose latent was scored."),
        ),
    ),
)  # fmt: skip
