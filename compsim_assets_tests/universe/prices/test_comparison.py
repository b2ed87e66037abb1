"""Returns are held against prices: agreement is one word, each contradiction is named with its size."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from compsim_assets.universe.intake.decisions import Decisions
from compsim_assets.universe.prices.comparison import compare_returns
from compsim_assets.universe.prices.files import Prices

N, YEARS = 8, range(2017, 2020)
MONTHS = pd.date_range("2015-12-01", "2021-12-01", freq="MS") + pd.offsets.MonthEnd(0)


def universe(seed: int = 0) -> tuple[Prices, pd.DataFrame, pd.DataFrame]:
    """Month-end closes of N tickers, their reports of three years, and the closes as a frame."""
    steps = np.random.default_rng(seed).normal(0.005, 0.08, (len(MONTHS), N))
    closes = pd.DataFrame(np.exp(3 + steps.cumsum(axis=0)), index=MONTHS, columns=[f"T{i}" for i in range(N)])
    prices = Prices(
        list(closes), np.repeat(np.arange(N, dtype=np.int32), len(MONTHS)),
        np.tile(MONTHS.to_numpy().astype("M8[D]"), N), closes.to_numpy().T.ravel(),
    )  # fmt: skip
    reports = pd.DataFrame([(f"T{i}", year) for year in YEARS for i in range(N)], columns=["ticker", "year"])
    return prices, reports, closes


def matrix_of(reports: pd.DataFrame, closes: pd.DataFrame, months_later: int = 0, of_price: bool = False) -> np.ndarray:
    """Log returns (or prices) of each report's year, by pandas."""
    values = closes if of_price else np.log(closes).diff()
    shifted = values.shift(-months_later)
    return np.array([shifted.loc[str(year), ticker].to_numpy() for ticker, year in reports.to_numpy()])


def compared(reports: pd.DataFrame, matrix: np.ndarray, prices: Prices) -> tuple[list[str], list[tuple[str, str, int]]]:
    decisions = Decisions()
    sentences = compare_returns(reports, matrix, prices, decisions.of("reports.parquet"))
    return sentences, [(row.grade, row.what, row.count) for row in decisions]


def test_agreement_is_one_row() -> None:
    prices, reports, closes = universe()
    matrix = matrix_of(reports, closes)
    matrix[0, 3] = np.nan
    sentences, rows = compared(reports, np.round(matrix, 4), prices)
    assert sentences == []
    assert [(grade, count) for grade, _, count in rows] == [("fine", 12 * len(reports) - 1)]


@pytest.mark.parametrize("noise", [0.0, 2e-4])
@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda r, c: 100 * matrix_of(r, c), "returns in per cent"),
        (lambda r, c: 100 * np.expm1(matrix_of(r, c)), "simple returns in per cent"),
        (lambda r, c: matrix_of(r, c, 12), "those of a year later"),
        (lambda r, c: matrix_of(r, c, -12), "those of a year earlier"),
        (lambda r, c: matrix_of(r, c, 1), "those of a month later"),
        (lambda r, c: matrix_of(r, c, -1), "those of a month earlier"),
        (lambda r, c: matrix_of(r, c, -6), "those of 6 months earlier"),
        (lambda r, c: matrix_of(r, c, of_price=True), "prices"),
        (lambda r, c: np.random.default_rng(5).normal(0, 0.08, (len(r), 12)), "something else"),
    ],
)
def test_a_contradiction_is_named(
    change: Callable[[pd.DataFrame, pd.DataFrame], np.ndarray], kind: str, noise: float
) -> None:
    prices, reports, closes = universe()
    matrix = change(reports, closes) + np.random.default_rng(1).normal(0, noise, (len(reports), 12))
    sentences, rows = compared(reports, matrix, prices)
    off = np.abs(matrix - matrix_of(reports, closes))
    assert len(sentences) == 1
    start = (
        f"returns of {len(reports)} of {len(reports)} reports are not those of their prices but {kind}: 100.0% of all"
    )
    assert sentences[0].startswith(start)
    # The typical difference: half of all months are off by about that.
    assert np.quantile(off, 0.4) < float(sentences[0].rpartition(" ")[2]) < np.quantile(off, 0.6)
    assert [(grade, count) for grade, _, count in rows] == [("suspicious", len(reports))]


@pytest.mark.parametrize("noise", [0.0, 5e-4])
def test_simple_returns_are_told_from_logarithms(noise: float) -> None:
    prices, reports, closes = universe()
    error = np.random.default_rng(1).normal(0, noise, (len(reports), 12))
    sentences, rows = compared(reports, np.expm1(matrix_of(reports, closes)) + error, prices)
    assert len(sentences) == 1
    assert sentences[0].startswith("returns are simple returns of the prices, not logarithms: nearer to them in ")
    assert rows[0][0] == "suspicious"
    assert compared(reports, matrix_of(reports, closes) + error, prices)[0] == []


def test_reports_that_differ_are_counted_by_what_they_are() -> None:
    prices, reports, closes = universe()
    matrix = matrix_of(reports, closes)
    matrix[2:5] = matrix_of(reports, closes, 12)[2:5]
    matrix[7] *= 100
    sentences, rows = compared(reports, matrix, prices)
    assert [sentence.split(":")[0] for sentence in sentences] == [
        "returns of 3 of 24 reports are not those of their prices but those of a year later",
        "returns of 1 of 24 reports are not those of their prices but returns in per cent",
    ]
    assert "12.5% of all months" in sentences[0]
    assert [(grade, count) for grade, _, count in rows] == [("suspicious", 3), ("suspicious", 1)]


def test_a_few_other_months_are_no_contradiction() -> None:
    """Vendors adjust dividends in different ways."""
    prices, reports, closes = universe()
    matrix = matrix_of(reports, closes)
    matrix[:, [2, 5, 8, 11]] += 0.008
    matrix[3, 4] += 0.6
    sentences, rows = compared(reports, matrix, prices)
    assert sentences == []
    assert [(grade, count) for grade, _, count in rows] == [("suspicious", 1), ("fine", 288)]


def test_some_months_of_every_report_are_a_contradiction() -> None:
    """Less than half of a report's months, so that the typical month agrees."""
    prices, reports, closes = universe()
    matrix = matrix_of(reports, closes)
    matrix[:, :3] = matrix[:, 3:6] + 0.3
    n = int((np.abs(matrix - matrix_of(reports, closes)) > 0.1).sum())
    sentences, rows = compared(reports, matrix, prices)
    assert sentences == [what for _, what, _ in rows]
    assert sentences[0].startswith(f"returns of {n} of 288 months are off those of their prices by more than 0.1")


def test_few_months_and_other_tickers_say_nothing() -> None:
    prices, reports, closes = universe()
    matrix = 100 * matrix_of(reports, closes)
    assert compared(reports[:1], matrix[:1], prices) == ([], [])
    assert compared(reports.assign(ticker="X"), matrix, prices) == ([], [])
    assert compared(reports.assign(ticker=None), matrix, prices) == ([], [])
    assert compared(reports, np.full_like(matrix, np.nan), prices) == ([], [])
    none = Prices([], *(np.empty(0, kind) for kind in (np.int32, "M8[D]", float)))
    assert compared(reports, matrix, none) == ([], [])
