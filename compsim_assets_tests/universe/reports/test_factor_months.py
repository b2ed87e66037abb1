"""Factors of other months than the returns are named before any run."""

import numpy as np
import pandas as pd

from compsim_assets.universe.intake.decisions import Decisions
from compsim_assets.universe.reports.factor_months import compare_months

YEARS = np.repeat([2010, 2011, 2012], 5)


def said(drop: slice | None = None, sign: float = 1.0) -> list[tuple[str, int, str]]:
    """What is said of five companies' returns, and the market's without some months."""
    rng = np.random.default_rng(0)
    market = rng.normal(0, 0.05, 36)
    matrix = np.repeat(market.reshape(3, 12), 5, axis=0) + rng.normal(0, 0.01, (15, 12))
    months = pd.DataFrame({"year": np.repeat([2010, 2011, 2012], 12), "month": np.tile(range(1, 13), 3)})
    factors = months.assign(market=sign * market, size=rng.normal(0, 0.03, 36))
    if drop is not None:
        factors = factors.drop(index=range(36)[drop])
    decisions = Decisions()
    compare_months(factors, YEARS, matrix, decisions.of("factors"))
    return [(row.grade, row.count, row.example) for row in decisions]


def test_factors_of_the_same_months_need_no_word() -> None:
    assert said() == []


def test_months_without_factors_are_counted() -> None:
    assert said(slice(30, None)) == [("missing", 6, "2012-07")]


def test_factors_that_end_before_the_returns_and_against_them() -> None:
    assert said(slice(0, None)) == [("missing", 36, "2010-01"), ("suspicious", 1, "")]
    assert said(sign=-1.0) == [("suspicious", 1, "")]
