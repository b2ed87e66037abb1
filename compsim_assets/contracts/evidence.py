"""Tables of the evidence: statistics of similar companies, their uncertainty, and the verdicts."""

from compsim_assets.contracts.columns import YEAR, correlation, count, flag, number, share, size, text
from compsim_assets.contracts.table import table

TABLES = (
    table("peer_statistics", "method", "year", "statistic", "level")(
        text(
            "method",
            "Similarity that peers are chosen by: pca, walk_forward, an encoder, supervised, "
            "supervised_length_controlled, pairs, sic2.",
        ),
        YEAR,
        text(
            "statistic",
            "spearman, spearman_length_controlled, top_pairs, neighbours, neighbours_same_sic2, peer_r2 or "
            "peer_stability.",
        ),
        size("level", "Number of peers, or per cent of pairs; 0 where there is no level."),
        correlation("value", "The statistic; null where it is not defined."),
        correlation("random", "The same for random peers or pairs; null where it has none."),
        count("n", "Reports, or pairs, that it is a mean over."),
        flag(
            "in_sample",
            "True where the similarity was made with data of this or of later years beside the reports' own.",
        ),
    ),
    table("robustness", "statistic", "method", "versus", "level")(
        text("statistic", "What was measured."),
        text("method", "Of which clusters or similarity."),
        text("versus", "Compared with which; empty where with none."),
        text("level", "Cluster size, number of peers or per cent of pairs; empty where there is none."),
        number("value", "The statistic."),
        number("low", "Lower end of the 95 % interval."),
        number("high", "Upper end of it."),
        share("p_value", "Two-sided, of no difference; of the permutation null one-sided.", nullable=True),
        share("p_adjusted", "The same after Holm's correction within the family.", nullable=True),
        text("family", "Tests that are corrected together; empty where none is tested."),
        count("n", "Years, clusters, companies or resamples it rests on."),
        flag("in_sample", "True where the method knows data of the years it is judged on."),
        text("how", "Where interval and p-value come from."),
    ),
    table("findings", "claim")(
        text("claim", "What was claimed."),
        number("published", "The published number."),
        number("as_published", "The same computed here in the published way."),
        number("honest", "The same, corrected."),
        number("low", "Lower end of the 95 % interval of the corrected one."),
        number("high", "Upper end of it."),
        text("verdict", "stands, weaker, reversed or not testable here."),
        text("why", "What the verdict rests on."),
        text("table", "Table that the numbers are from."),
    ),
    table("control_findings", "control", "method", "statistic", "level")(
        text("claim", "What training would have to show."),
        text("control", "What stands in the SAE features' place."),
        text("method", "Our method: of the control, the one that is made in the same way."),
        text("statistic", "What was measured."),
        size("level", "Number of peers, or per cent of pairs; 0 where there is no level."),
        number("trained", "Mean over years or, of what columns say, halves of the companies; with the SAE's features."),
        number("control_value", "The same with the control, mean over its draws."),
        number("control_low", "Lower end of the 95 % interval over draws; null of a single one."),
        number("control_high", "Upper end of it."),
        number("difference", "Trained less control, paired by year or half."),
        number("low", "Lower end of its 95 % interval, over years or companies, and draws."),
        number("high", "Upper end of it."),
        share("p_value", "Two-sided, of no difference.", nullable=True),
        share(
            "p_adjusted", "The same after Holm's correction: of all those by year, of all those by half.", nullable=True
        ),
        count("n_draws", "Draws of the control."),
        count("n_years", "Years, or halves, that both have."),
        text("verdict", "stands, reversed, not told apart or not testable here."),
        text("why", "What the verdict rests on."),
    ),
    table("rebuild_report", "against", "table", "measure", "subject")(
        text("against", "last: the version that is published; pinned: the one that is kept to compare with."),
        text("table", "Result that the row is about; empty where it is about the version."),
        text("measure", "What was measured; `failed` where the result could not be compared."),
        text("subject", "Of what within the table: a method, a year, a claim, a company; empty where of all of it."),
        number("before", "Its value in that version; null where there was none, and of counts of rows."),
        number("after", "Its value now."),
        number("change", "After less before; or how many rows are gone, added or changed."),
        number("size", "What is held against the levels: the change, or its share of what was before."),
        number("level", "The level that it reaches; null where it reaches none."),
        text("grade", "fine, suspicious, stop (nothing is published) or failed (not compared)."),
        text("what", "The same in words, where there is more to say."),
    ),
)
