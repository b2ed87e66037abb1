"""Numbers as files write them: each is read as what it says, or refused with its readings."""

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from compsim_assets.universe.intake.values import numbers
from compsim_assets.universe.layout import UniverseError


def place(row: int) -> str:
    return f"row {row}"


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["1,234", "987"], [1234.0, 987.0]),
        (["1,234", "12,345,678"], [1234.0, 12345678.0]),
        (["1,234", "1,234.5", "null"], [1234.0, 1234.5, np.nan]),
        ([None, "nan"], [np.nan, np.nan]),
        ([Decimal("50.63"), Decimal("0.07"), None], [50.63, 0.07, np.nan]),
    ],
)
def test_numbers_that_read_one_way(values: list[Any], read: list[float]) -> None:
    np.testing.assert_array_equal(numbers(pa.array(values), "price", place), read)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["", "49,690", "50,125"], "row 1: price '49,690', which reads as 49.690 and as 49690, expected a number"),
        (["12", "0,690"], "row 1: price '0,690', which reads as 0.690 and as 0690, expected a number"),
        (["12", "4.969,25"], "row 1: price '4.969,25', which reads as 4969.25, expected a number"),
        ([[1.5], [2.5]], r"row 0: price '\[1.5\]', expected a number"),
    ],
)
def test_numbers_that_are_none_or_read_two_ways(values: list[Any], message: str) -> None:
    with pytest.raises(UniverseError, match=f"^{message}"):
        numbers(pa.array(values), "price", place)
