"""Tables of what a universe gives: reports, returns, prices, and what others published."""

from compsim_assets.contracts.columns import (
    LATENT,
    METHOD,
    REPORT,
    YEAR,
    correlation,
    count,
    day,
    flag,
    per_cent,
    share,
    size,
    text,
)
from compsim_assets.contracts.table import Column, table

TABLES = (
    table("universe_report", "file", "subject", "grade", "what", "example")(
        text("file", "File of the universe's folder, or table that it should have."),
        text("subject", "Column, table or rule that the row is about."),
        text("grade", "fine, assumed (universe.toml can say otherwise), left_out, missing or suspicious."),
        text("what", "What was decided, and why."),
        count("count", "Rows, values or files that it is about; 0 where nothing is counted."),
        text("example", "The first of them; empty without one."),
        text("remedy", "What to do where it is not right; empty where nothing need be done."),
    ),
    table("descriptions", "report_id")(
        REPORT,
        text("cik", "SEC registrant number.", nullable=True),
        text("company_name", "Company.", nullable=True),
        text("ticker", "Joins to the price history.", nullable=True),
        YEAR,
        text("sic_code", "Four-digit SIC code; null where unknown.", nullable=True),
        text("industry", "SIC division of the code.", nullable=True),
        text("description", "Business description; null where the universe has none.", nullable=True),
    ),
    table("returns", "report_id")(
        REPORT,
        YEAR,
        Column("returns", "float64[12]", "Natural-log returns, January to December; NaN for a missing month."),
    ),
    table("price_history", "ticker", "date")(
        text("ticker", "Joins to descriptions."),
        day("date", "Trading day."),
        size("adj_close", "Close adjusted for splits and dividends."),
    ),
    table("published_pairs", "report_a", "report_b")(
        Column("report_a", "int64", "The smaller report id."),
        Column("report_b", "int64", "The larger report id, of the same year."),
        YEAR,
        correlation("cosine", "Published cosine of the two reports.", nullable=False),
        correlation("correlation", "Published correlation of the reports' monthly returns; null where missing."),
    ),
    table("published_strong_features", "set", "members", "latent")(
        text("set", "Name of the published file, a cutoff mode for the paper's own."),
        text("members", "The cluster: its report ids, ascending, joined by commas."),
        count("n_members", "Reports in the cluster.", at_least=1),
        LATENT,
        size("mae", "Published mean absolute change of cosine without this latent."),
        flag("strong", "Strong as published."),
    ),
    table("published_cointegrated_pairs", "method", "year", "cluster_id", "report_a", "report_b")(
        METHOD,
        text("cluster_id", "Cluster or group of the pair."),
        YEAR,
        Column("report_a", "int64", "First report, as published."),
        Column("report_b", "int64", "Second report, as published."),
        text("ticker_a", "Its first ticker; null where unknown.", nullable=True),
        text("ticker_b", "Its first ticker; null where unknown.", nullable=True),
        correlation("correlation", "Published correlation of the prices.", nullable=False),
        Column("adf_statistic", "float64", "Published ADF statistic of the price difference."),
        share("p_value", "Published p-value of it."),
    ),
    table("baseline_clusters", "method", "report_id")(
        METHOD, YEAR, text("cluster_id", "Group name within method and year."), REPORT
    ),
    table("fuzz_scores", "hookpoint", "latent")(
        LATENT,
        per_cent("interpretability", "Per cent of answered examples judged right; chance is 50.", nullable=True),
        per_cent("balanced_accuracy", "Mean of the two classes' per cent right.", nullable=True),
        count("n_examples", "Examples in the file."),
        count("n_unscored", "Examples the judge gave no answer for."),
        text("hookpoint", "Module of the language model whose latent was scored."),
    ),
    table("judged_latents", "hookpoint", "latent")(
        LATENT,
        text("hookpoint", "Module of the language model whose latent was judged."),
        text("judge_label", "What a language model calls it; null where only a score is there.", nullable=True),
        text("judge", "The model, as its endpoint calls it; empty in files that do not say."),
        Column("prompt_version", "int64", "Which words it was asked with; null in files of others.", nullable=True),
        per_cent("detection", "Per cent of answered windows in which the label found it; chance is 50.", nullable=True),
        count("n_examples", "Windows in the detection file."),
        count("n_unscored", "Windows the judge gave no answer for."),
    ),
)
