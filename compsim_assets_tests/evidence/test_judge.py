"""Each claim's numbers come from the rows that they should come from."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from compsim_assets.evidence import judge as findings
from compsim_assets.evidence.claims import published_claims
from compsim_assets.evidence.judge import Claim, Evidence, Measured, judge
from compsim_assets.evidence.published_figures import published_figures
from compsim_assets.science.inference.tests import hac_mean

NAN = math.nan
PCA, WALK_FORWARD = ("pca", ""), ("walk_forward", "")
ROBUST = ["statistic", "method", "versus", "level", "value", "low", "high"]


def robustness(*rows: tuple[str, str, str, str, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=ROBUST)


def table_1(**values: float) -> pd.DataFrame:
    """MeanCorr by method, twice as much by pairs, and rows of the other block that must not be taken."""
    rows = [("as_published", m, v, 2 * v) for m, v in values.items()]
    rows += [("honest", m, -7.0, -7.0) for m in values]
    return pd.DataFrame(rows, columns=["block", "method", "mean_correlation", "pair_weighted"])


BACKTEST = pd.DataFrame(
    [
        ("as_published", "base", 0.0, 9.0, NAN, NAN, NAN, NAN, NAN),
        ("honest", "base", 10.0, 5.0, 4.0, 6.0, 0.0, -1.0, 1.0),
        ("honest", "walk_forward", 0.0, 3.0, 2.0, 4.0, 0.0, -1.0, 1.0),
        ("honest", "walk_forward", 10.0, 0.5, -0.25, 1.25, 0.1, -0.6, 0.8),
    ],
    columns=[
        "variant", "method", "cost_bp", "sharpe", "sharpe_low", "sharpe_high", "placebo_sharpe", "placebo_low",
        "placebo_high",
    ],
)  # fmt: skip


def statistics(rows: list[tuple[str, int, str, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["method", "year", "statistic", "level", "value"]).assign(random=0.25)


def evidence(
    robust: pd.DataFrame | None = None,
    table: pd.DataFrame | None = None,
    peers: pd.DataFrame | None = None,
    interpretability: tuple[float, float, float, float] = (NAN, NAN, NAN, NAN),
) -> Evidence:
    return Evidence(
        table_1() if table is None else table,
        robustness() if robust is None else robust,
        statistics([]) if peers is None else peers,
        BACKTEST,
        interpretability,
    )


def values(found: Measured) -> tuple[float, float, float, float]:
    return found.as_published, found.honest, found.low, found.high


@pytest.mark.parametrize(("statistic", "times"), [("mean_correlation", 1), ("pair_weighted", 2)])
def test_clusters_against_codes(statistic: str, times: int) -> None:
    rows = [
        (statistic, "walk_forward", "sic_code", "", 0.1, 0.05, 0.15),
        (statistic, "walk_forward", "", "", 0.6, 0.5, 0.7),
        (statistic, "base", "sic_code", "", 0.3, 0.2, 0.4),
        ("mean_correlation_by_size", "walk_forward", "sic_code", "2", 0.9, 0.8, 1.0),
    ]
    measure = findings.clusters(statistic, ("base", "sic_code"), ("walk_forward", "sic_code"))
    found = measure(evidence(robustness(*rows), table_1(base=0.5, sic_code=0.3)))
    assert values(found) == pytest.approx((times * 0.2, 0.1, 0.05, 0.15))


def test_the_lift_of_peers() -> None:
    rows = [
        ("neighbours_lift", "pca", "", "1", 0.04, 0.03, 0.05),
        ("neighbours_lift", "walk_forward", "", "10", 0.5, 0.4, 0.6),
        ("neighbours_lift", "walk_forward", "", "1", 0.02, 0.01, 0.03),
        ("neighbours", "walk_forward", "", "1", 0.7, 0.6, 0.8),
    ]
    found = findings.over_years("neighbours_lift", PCA, WALK_FORWARD, "1")(evidence(robustness(*rows)))
    assert values(found) == (0.04, 0.02, 0.01, 0.03)
    assert found.beside == ""


def test_beside_a_lift_is_what_it_is_the_difference_of() -> None:
    rows = [("neighbours_lift", "walk_forward", "", "1", 0.02, 0.01, 0.03)]
    peers = [
        ("walk_forward", y, "neighbours", 1.0, v) for y, v in zip((2001, 2002, 2003), (0.25, NAN, 0.29), strict=True)
    ]
    peers += [("walk_forward", 2001, "neighbours", 10.0, 9.0), ("pca", 2001, "neighbours", 1.0, 9.0)]
    peers += [("walk_forward", 2001, "neighbours_same_sic2", 1.0, 9.0)]
    of_both = evidence(robustness(*rows), peers=statistics(peers))
    found = findings.over_years("neighbours_lift", PCA, WALK_FORWARD, "1")(of_both)
    assert found.beside == "0.270 against 0.250"


def test_peers_of_all_companies_against_the_same_code_are_compared_by_year() -> None:
    rng = np.random.default_rng(0)
    years = range(2001, 2009)
    walk, codes = rng.normal(0.2, 0.02, 8), rng.normal(0.25, 0.02, 8)
    rows = [
        *(("walk_forward", y, "neighbours", 10.0, v) for y, v in zip(years, walk, strict=True)),
        *(("sic2", y, "neighbours", 0.0, v) for y, v in zip(years, codes, strict=True)),
        *(("pca", y, "neighbours", 10.0, 0.5) for y in years),
        *(("walk_forward", y, "neighbours", 1.0, 9.0) for y in years),
    ]
    found = findings.peers_against_codes(10.0)(
        evidence(peers=statistics(rows[::-1]))  # rows in another order
    )
    expected = hac_mean(pd.Series(walk - codes, index=years))
    assert values(found) == pytest.approx((0.5 - codes.mean(), *expected[:3]))


def test_peer_means_and_the_supervised_against_the_cosine() -> None:
    rows = [
        ("spearman", "pca", "", "", 0.03, 0.02, 0.04),
        ("spearman", "walk_forward", "", "", 0.01, 0.0, 0.02),
        ("top_pairs", "supervised", "pca", "1", 0.2, 0.1, 0.3),
        ("top_pairs", "supervised_length_controlled", "pca", "1", 0.15, 0.05, 0.25),
    ]
    all_rows = evidence(robustness(*rows))
    against = ("supervised", "pca"), ("supervised_length_controlled", "pca")
    found = findings.over_years("spearman", PCA, WALK_FORWARD)(all_rows)
    assert values(found) == (0.03, 0.01, 0.0, 0.02)
    found = findings.over_years("top_pairs", *against, "1")(all_rows)
    assert values(found) == (0.2, 0.15, 0.05, 0.25)


def test_the_sharpe_ratio_is_that_after_costs_with_random_pairs_beside_it() -> None:
    found = findings.sharpe("base", "walk_forward")(evidence())
    assert values(found) == (9.0, 0.5, -0.25, 1.25)
    assert found.beside == "random pairs: 0.10 (-0.60 to 0.80)"
    none = findings.sharpe("base", "rolling")(evidence())
    assert none.as_published == 9.0
    assert math.isnan(none.honest)


@pytest.mark.parametrize(
    "measure",
    [
        findings.clusters("mean_correlation", ("a", "b"), ("c", "d")),
        findings.over_years("neighbours_lift", PCA, WALK_FORWARD, "1"),
        findings.peers_against_codes(10.0),
        findings.sharpe("absent", "absent"),
        findings.interpretability(),
    ],
)
def test_without_evidence_a_claim_is_not_testable_and_says_why(measure: Callable[[Evidence], Measured]) -> None:
    (row,) = judge([Claim("a claim", 0.5, measure, "table")], evidence()).to_dict("records")
    assert row["verdict"] == "not testable here"
    assert len(row["why"]) > 10
    assert math.isnan(row["honest"])


def test_one_line_a_claim() -> None:
    def measured(*numbers: float) -> Callable[[Evidence], Measured]:
        return lambda _: Measured(0.4, *numbers, beside="and more")

    claims = [
        Claim("one", 0.3, measured(0.2, 0.1, 0.35), "table_1"),
        Claim("two", 0.3, measured(0.2, 0.1, 0.25), "robustness"),
        Claim("three", -0.3, measured(0.2, 0.1, 0.25), "robustness", direction=-1),
    ]
    table = judge(claims, evidence())
    assert table["claim"].tolist() == ["one", "two", "three"]
    assert table["verdict"].tolist() == ["stands", "weaker", "reversed"]
    assert table["table"].tolist() == ["table_1", "robustness", "robustness"]
    assert table[["published", "as_published", "honest", "low", "high"]].iloc[1].tolist() == [
        0.3, 0.4, 0.2, 0.1, 0.25,
    ]  # fmt: skip
    assert table["why"].str.endswith("; and more").all()


def test_the_published_claims_have_their_published_numbers() -> None:
    claims = published_claims(published_figures(), "minilm")
    numbers = [round(claim.published, 4) for claim in claims]
    # Table 1 and the follow-ups, as method.md quotes them: 0.3590, 0.3848, 0.2311, 0.1609, 0.2193, 0.151 - 0.252, ...
    assert numbers == [
        0.055, 0.024, 0.1279, -0.101, 0.1981, 0.1397, 0.0258, 12.18, 9.70, -0.022, 0.028, 0.217, 0.216, 18.8,
    ]  # fmt: skip
    assert [claim.direction for claim in claims] == [1] * 9 + [-1] + [1] * 4
    assert len({claim.text for claim in claims}) == len(claims)


def test_embeddings_stand_under_the_name_of_the_universes_encoder() -> None:
    rows = [("mean_correlation", "walk_forward", "minilm_rolling", "", 0.1, 0.05, 0.15)]
    shown = table_1(base=0.5, minilm_base=0.4)
    claims = published_claims(published_figures(), "minilm")
    (claim,) = (c for c in claims if "embeddings" in c.text)
    found = claim.measure(evidence(robustness(*rows), shown))
    assert values(found) == pytest.approx((0.1, 0.1, 0.05, 0.15))
