"""Why a claim cannot be tested: the reason names what is really missing."""

import math

import pandas as pd
import pytest

from compsim_assets.evidence import reasons
from compsim_assets.evidence.claims import published_claims
from compsim_assets.evidence.judge import Evidence, judge
from compsim_assets.evidence.published_figures import published_figures

NAN = math.nan
YEARS = 8


def table_1(**values: float) -> pd.DataFrame:
    rows = [("as_published", m, v, v, 0 if math.isnan(v) else YEARS) for m, v in values.items()]
    return pd.DataFrame(rows, columns=["block", "method", "mean_correlation", "pair_weighted", "n_years"])


def peers(rows: list[tuple[str, int, str, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["method", "year", "statistic", "level", "value"]).assign(random=NAN)


ALL = {"base": 0.4, "rolling": 0.4, "walk_forward": 0.3, "sic_code": 0.2, "minilm_base": 0.2, "population": 0.1}
NEAREST = [(m, y, "neighbours", 10.0, 0.1) for m in ("pca", "walk_forward", "minilm") for y in range(YEARS)]
BACKTEST = ["variant", "method", "cost_bp", "sharpe", "sharpe_low", "sharpe_high", "n_candidates", "n_pairs"]


def evidence(
    table: pd.DataFrame | None = None, of_peers: pd.DataFrame | None = None, traded: list[tuple] | None = None
) -> Evidence:
    robust = pd.DataFrame(columns=["statistic", "method", "versus", "level", "value", "low", "high"])
    return Evidence(
        table_1(**ALL) if table is None else table,
        robust,
        peers(NEAREST) if of_peers is None else of_peers,
        pd.DataFrame(traded or [], columns=BACKTEST),
        (NAN,) * 4,
        "no fuzz score at all",
    )


def without(*methods: str, **values: float) -> pd.DataFrame:
    return table_1(**{name: value for name, value in {**ALL, **values}.items() if name not in methods})


@pytest.mark.parametrize(
    ("table", "first", "second", "wanted"),
    [
        (without("sic_code"), "walk_forward", "sic_code", "no report has a SIC code"),
        (without(walk_forward=NAN), "walk_forward", "sic_code", "no cluster of two companies with returns"),
        (without(population=NAN, base=NAN), "base", "population", "no year has two companies with returns"),
        (without("walk_forward"), "walk_forward", "base", "made from the present data"),
        (without("minilm_base"), "base", "bert_base", "no embeddings"),
        (without(), "walk_forward", "sic_code", "no year in common"),
    ],
)  # fmt: skip
def test_clusters_that_are_not_compared(table: pd.DataFrame, first: str, second: str, wanted: str) -> None:
    assert wanted in reasons.no_difference(evidence(table), NAN, first, second)


def test_too_few_years_for_a_window_are_counted() -> None:
    table = without("walk_forward", "rolling").assign(n_years=4)
    said = reasons.no_difference(evidence(table), NAN, "walk_forward", "sic_code")
    assert "needs five years with returns before a year, and 4 have them" in said
    assert "no features" in reasons.no_difference(evidence(table, peers([])), NAN, "walk_forward", "sic_code")
    assert "4 have them" in reasons.no_difference(evidence(table, peers([])), NAN, "rolling", "base")


def test_a_difference_without_an_interval_is_not_a_missing_method() -> None:
    assert "too many resamples" in reasons.no_difference(evidence(), 0.1, "walk_forward", "sic_code")


def test_peers_that_are_not_there() -> None:
    def why(of_peers: pd.DataFrame, statistic: str, method: str, level: str = "", versus: str = "") -> str:
        return reasons.no_peers(evidence(of_peers=of_peers), statistic, method, versus, level)

    assert "there are no features" in why(peers([]), "spearman", "walk_forward")
    alone = peers([row for row in NEAREST if row[0] == "pca"])
    assert "walk_forward has no peers" in why(alone, "spearman", "walk_forward")
    assert "no latent is selected" in why(alone, "spearman", "supervised_length_controlled")
    lift = peers([*NEAREST, *(("walk_forward", y, "neighbours_same_sic2", 1.0, NAN) for y in range(YEARS))])
    assert "two-digit SIC code" in why(lift, "neighbours_same_sic2_lift", "walk_forward", "1")
    two = peers([*NEAREST, *(("walk_forward", y, "spearman", 0.0, 0.1 if y < 2 else NAN) for y in range(YEARS))])
    assert "2 years of walk_forward have spearman, and an interval needs 3" in why(two, "spearman", "walk_forward")
    assert "same two-digit SIC code" in reasons.no_peers_against_codes(evidence(), 10.0, 0)


@pytest.mark.parametrize(
    ("traded", "wanted"),
    [
        ([], "the universe has no prices"),
        ([("honest", "base", 10.0, NAN, NAN, NAN, 3, 0)], "walk_forward has no clusters in the years before trading"),
        ([("honest", "walk_forward", 10.0, NAN, NAN, NAN, 0, 0)], "share a walk_forward cluster"),
        ([("honest", "walk_forward", 10.0, NAN, NAN, NAN, 3, 0)], "no cointegrated pair of walk_forward"),
        ([("honest", "walk_forward", 0.0, 1.0, 0.0, 2.0, 3, 2)], "nothing was traded at 10 basis points"),
        ([("honest", "walk_forward", 10.0, 1.0, NAN, NAN, 3, 2)], "too few days"),
    ],
)
def test_pairs_that_were_not_traded(traded: list[tuple], wanted: str) -> None:
    assert wanted in reasons.no_sharpe(evidence(traded=traded), "walk_forward")


def test_without_returns_every_claim_of_clusters_and_peers_says_so() -> None:
    nothing = table_1(sic_code=NAN, population=NAN)
    table = judge(published_claims(published_figures(), "minilm"), evidence(nothing, peers(NEAREST)))
    assert (table["verdict"] == "not testable here").all()
    by_table = table.set_index("table")["why"]
    assert by_table["table_1"].str.contains("returns|embeddings").all()
    assert by_table["robustness"].str.contains("no year has two companies with returns").all()
    assert by_table["table_2"] == "no fuzz score at all"
