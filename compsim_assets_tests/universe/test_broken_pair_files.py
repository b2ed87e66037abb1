"""What is said about broken published pairs: which file, row and column, and what was expected."""

from pathlib import Path
from typing import Any

import pytest

from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.pair_files import reports_of_pairs
from compsim_assets_tests.universe.pair_tables import COLUMNS, GOOD, Row, files_of, read, table_of


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((3, 3, 2015, 1.0, 1.0), r"the pair \(3, 3\) is of a report with itself, expected two"),
        ((1, 3, 2015, 0.1, 0.1), r"the pair \(1, 3\) occurs before, expected each pair once"),
        ((3, 1, 2015, 0.1, 0.1), r"the pair \(3, 1\) occurs before, expected each pair once"),
        ((3, 5, 2015, 1.001, 0.1), r"the pair \(3, 5\) has a cosine_similarity outside \[-1, 1\]"),
        ((3, 5, 2015, float("-inf"), 0.1), r"the pair \(3, 5\) has a cosine_similarity outside"),
        ((3, 5, 2015, 0.1, -1.001), r"the pair \(3, 5\) has a correlation outside \[-1, 1\]"),
        ((3, 5, None, 0.1, 0.1), r"year is null, expected a year like 2019"),
        ((3, 5, float("nan"), 0.1, 0.1), r"year nan, expected a year like 2019"),
        ((3, 5, 2015.5, 0.1, 0.1), r"year 2015\.5, expected a year like 2019"),
        ((3.5, 5, 2015, 0.1, 0.1), r"Company1 3\.5, expected a report id \(a whole number\)"),
        ((3, None, 2015, 0.1, 0.1), r"Company2 None, expected a report id"),
        ((3, float("inf"), 2015, 0.1, 0.1), r"Company2 inf, expected a report id"),
    ],
)  # fmt: skip
def test_a_broken_pair_is_named_with_its_file_and_row(tmp_path: Path, row: Row, said: str) -> None:
    with pytest.raises(UniverseError, match=rf"pairs\.parquet: row 3: {said}"):
        read(files_of(tmp_path, [*GOOD, row, (4, 6, 2016, 0.1, 0.1)]))
    several = files_of(tmp_path / "several", GOOD, [(4, 6, 2016, 0.1, 0.1), row])
    with pytest.raises(UniverseError, match=rf"pairs/1\.parquet: row 1: {said}"):
        read(several)


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("Company1", "3a", r"row 1: Company1 '3a', expected a report id"),
        ("Company2", None, r"row 1: Company2 None, expected a report id"),
        ("year", "20x", r"row 1: year '20x', expected a year"),
        ("year", None, r"row 1: year is null, expected a year"),
        ("correlation", "high", r".*correlation.*high.*expected a number"),
    ],
)
def test_broken_text_is_named(tmp_path: Path, column: str, value: Any, said: str) -> None:
    place = COLUMNS.index(column)
    rows = [
        (*row[:place], value if n == 1 else str(row[place]), *row[place + 1 :])
        for n, row in enumerate(GOOD[:1] + GOOD[2:] + GOOD[:1])
    ]
    with pytest.raises(UniverseError, match=rf"pairs\.parquet: {said}"):
        read(files_of(tmp_path, rows))  # type: ignore[arg-type]


def test_a_pair_that_occurs_twice_in_ordered_pairs_is_named(tmp_path: Path) -> None:
    rows: list[Row] = [GOOD[0], GOOD[0], *GOOD[1:]]
    with pytest.raises(UniverseError, match=r"row 1: the pair \(1, 3\) occurs before"):
        read(files_of(tmp_path, rows))


def test_ids_beyond_all_numbers_are_named(tmp_path: Path) -> None:
    rows = [*GOOD, (3, 1e300, 2015, 0.1, 0.1)]
    with pytest.raises(UniverseError, match=r"row 3: Company2 1e\+300, expected a report id"):
        read(files_of(tmp_path, rows))


def test_a_missing_column_is_named_with_its_file(tmp_path: Path) -> None:
    files = files_of(tmp_path, GOOD, table_of(GOOD).drop_columns(["cosine_similarity"]))
    with pytest.raises(UniverseError, match=r"pairs/1\.parquet: no column cosine_similarity"):
        read(files)
    with pytest.raises(UniverseError, match=r"pairs/1\.parquet: no column cosine_similarity"):
        reports_of_pairs(files)


def test_a_report_of_two_years_is_named_with_the_row_of_the_second(tmp_path: Path) -> None:
    files = files_of(tmp_path, GOOD, [(7, 4, 2016, 0.0, 0.0), (7, 3, 2016, 0.0, 0.0)])
    said = r"pairs/1\.parquet: row 1: report 3 has pairs in 2015 and 2016, expected one year per report"
    with pytest.raises(UniverseError, match=said):
        reports_of_pairs(files)
