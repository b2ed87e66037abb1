"""Values of every two reports of a year, a few rows at a time: a large year has no room for all of them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import numpy as np

from compsim_assets.science.linkage.distance import unit_rows

# Values that differ by rounding alone are equal: products of identical rows are not bit-identical.
DIGITS = 12
# What was equal is rounded to one number, or to two that follow each other.
_EQUAL = 1.5 * 10.0**-DIGITS
# A year of up to so many reports has all of its values made once, 8 bytes each; of a larger one they are made anew
# whenever they are looked at.
LARGE = 10_240
# Bytes of values that are looked at together: few where they are there, more where each block is a product.
_HELD_BYTES, _MADE_BYTES = 1 << 22, 1 << 26
_COLUMNS = 4096  # reports whose rows are made float64 at once

Rows = slice | np.ndarray


class Square(ABC):
    """(n, n) values of reports, whose rows `square[rows]` (r, n) are made when they are asked for."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, rows: Rows) -> np.ndarray: ...

    def right_of(self, rows: slice) -> np.ndarray:
        """(r, n - rows.start): those of the rows with themselves and the reports after them."""
        return self[rows][:, rows.start :]

    def there(self, rows: Rows) -> np.ndarray:
        """(r, n) bool: pairs that have a value."""
        return ~np.isnan(self[rows])


# An array holds them all.
Values = np.ndarray | Square


class Products(Square):
    """Inner products of rows (n, P): of the rows as they are, or scaled to length one."""

    def __init__(self, rows: np.ndarray, unit: bool) -> None:
        self._rows, self._unit = rows, unit

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Rows) -> np.ndarray:
        return self._with(rows, 0)

    def right_of(self, rows: slice) -> np.ndarray:
        return self._with(rows, rows.start)

    def there(self, rows: Rows) -> np.ndarray:
        """All have."""
        return np.ones((len(np.arange(len(self))[rows]), len(self)), dtype=bool)

    def take(self, positions: np.ndarray) -> "Products":
        """Those of the reports at these positions."""
        return Products(self._rows[positions], self._unit)

    def _with(self, rows: Rows, first: int) -> np.ndarray:
        left = self._scaled(rows)
        products = np.empty((len(left), len(self) - first))
        for start in range(first, len(self), _COLUMNS):
            columns = slice(start, min(start + _COLUMNS, len(self)))
            products[:, start - first : columns.stop - first] = left @ self._scaled(columns).T
        return np.round(products, DIGITS, out=products)

    def _scaled(self, rows: Rows) -> np.ndarray:
        return unit_rows(self._rows[rows]) if self._unit else self._rows[rows].astype(np.float64, copy=False)


class Correlations(Square):
    """Correlations of unit returns from `normalise_returns`; NaN as in `correlations`, and for the pairs (a, b)."""

    def __init__(self, unit: np.ndarray, defined: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
        self._unit, self._defined, self._a, self._b = unit, defined, a, b

    def __len__(self) -> int:
        return len(self._unit)

    def __getitem__(self, rows: Rows) -> np.ndarray:
        products = self._unit[rows] @ self._unit.T
        np.round(np.clip(products, -1.0, 1.0, out=products), DIGITS, out=products)
        products[~self.there(rows)] = np.nan
        return products

    def there(self, rows: Rows) -> np.ndarray:
        """(r, n) bool: pairs that have a correlation."""
        at = np.arange(len(self))[rows]
        pairs = self._defined[at, None] & self._defined
        pairs[np.arange(len(at)), at] = False
        row_of = np.full(len(self), -1)
        row_of[at] = np.arange(len(at))
        for one, other in ((self._a, self._b), (self._b, self._a)):
            inside = row_of[one] >= 0
            pairs[row_of[one[inside]], other[inside]] = False
        return pairs

    def take(self, positions: np.ndarray) -> "Correlations":
        """Those of the reports at these positions."""
        place = np.full(len(self), -1)
        place[positions] = np.arange(len(positions))
        a, b = place[self._a], place[self._b]
        both = (a >= 0) & (b >= 0)
        return Correlations(self._unit[positions], self._defined[positions], a[both], b[both])


class Existing(Square):
    """Whether pairs have both a similarity and a correlation; no report is a pair with itself."""

    def __init__(self, similarity: Values, correlation: Values) -> None:
        self._similarity, self._correlation = similarity, correlation

    def __len__(self) -> int:
        return len(self._correlation)

    def __getitem__(self, rows: Rows) -> np.ndarray:
        pairs = there(self._similarity, rows) & there(self._correlation, rows)
        at = np.arange(len(self))[rows]
        pairs[np.arange(len(at)), at] = False
        return pairs


class Masked(Square):
    """Those of other pairs that a mask has, too; `mask(rows)` is (r, n) bool."""

    def __init__(self, pairs: Values, mask: Callable[[Rows], np.ndarray]) -> None:
        self._pairs, self._mask = pairs, mask

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, rows: Rows) -> np.ndarray:
        return self._pairs[rows] & self._mask(rows)


def same_code(codes: np.ndarray, rows: Rows) -> np.ndarray:
    """(r, n) bool: whether a report of the rows has the code, from 0 on, of each report."""
    return (codes[rows, None] == codes) & (codes[rows, None] >= 0)


def among(some: np.ndarray, rows: Rows) -> np.ndarray:
    """(r, n) bool: whether a report of the rows and each report are among some, (n,) bool."""
    return some[rows, None] & some


def there(values: Values, rows: Rows) -> np.ndarray:
    """See `Square.there`."""
    return ~np.isnan(values[rows]) if isinstance(values, np.ndarray) else values.there(rows)


def held(values: Values) -> Values:
    """The same values, as an array unless the year is large."""
    return values if len(values) > LARGE else values[:]


def right_of(values: Values, rows: slice) -> np.ndarray:
    """See `Square.right_of`."""
    return values[rows, rows.start :] if isinstance(values, np.ndarray) else values.right_of(rows)


def taken(values: Values, positions: np.ndarray) -> Values:
    """Values of the reports at these positions."""
    if isinstance(values, Products | Correlations):
        return values.take(positions)
    return values[positions][:, positions]


def above_and_tied(values: np.ndarray, edge: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """Which rounded values are larger than the edge, and which equal it."""
    above = values > edge + _EQUAL
    return above, (values >= edge - _EQUAL) & ~above


def row_blocks(n: int) -> Iterator[slice]:
    """All rows of n reports, as many at a time as are looked at together."""
    step = max(1, (_HELD_BYTES if n <= LARGE else _MADE_BYTES) // (8 * max(n, 1)))
    for start in range(0, max(n, 1), step):
        yield slice(start, min(start + step, n))
