"""A universe's published pairs: whatever form files give them, the same table."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.universe.intake.columns import Names
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets.universe.pair_files import reports_of_pairs
from compsim_assets.universe.table_files import local_files
from compsim_assets_tests.science.strategies import examples
from compsim_assets_tests.universe.pair_tables import GOOD, REPORTS, Row, files_of, read, rows_of, table_of


def brute_force(rows: list[Row], reports: dict[int, int]) -> tuple[list[Row], Counter[str]]:
    """The same in a loop over rows."""
    kept, dropped = [], Counter[str]()
    for a, b, year, cosine, correlation in rows:
        if a not in reports or b not in reports:
            dropped["pair without a report"] += 1
        elif not reports[a] == reports[b] == year:
            dropped["pair of another year than its reports"] += 1
        elif cosine is None:
            dropped["pair without a cosine"] += 1
        else:
            kept.append((min(a, b), max(a, b), year, cosine, correlation))
    return sorted(kept, key=lambda row: (row[2], row[0], row[1])), dropped


def test_pairs_come_in_the_order_of_year_and_reports(tmp_path: Path) -> None:
    given_rows: list[Row] = [(6, 2, 2016, 0.1, 0.2), (5, 3, 2015, 0.3, 0.4), (3, 1, 2015, 0.5, 0.6)]
    found = read(files_of(tmp_path, given_rows))
    assert rows_of(found) == [(1, 3, 2015, 0.5, 0.6), (3, 5, 2015, 0.3, 0.4), (2, 6, 2016, 0.1, 0.2)]
    kinds = [column.dtype.kind for column in (found.year, found.report_a, found.report_b)]
    assert kinds == ["i", "i", "i"]
    assert not found.dropped


def written_as(rows: list[Row], ids: str, years: str) -> list[Row]:
    spelled = {"int": int, "float": float, "text": str, "text with a point": "{}.0".format}
    return [(spelled[ids](a), spelled[ids](b), spelled[years](y), *rest) for a, b, y, *rest in rows]  # type: ignore[misc]


def test_ids_and_years_are_numbers_or_text(tmp_path: Path) -> None:
    forms = ["int", "float", "text", "text with a point"]
    for ids, years in zip(forms, forms[1:] + forms[:1], strict=True):
        assert rows_of(read(files_of(tmp_path, written_as(GOOD, ids, years)))) == GOOD


def test_files_may_differ_in_form(tmp_path: Path) -> None:
    files = files_of(
        tmp_path,
        written_as(GOOD[:1], "text", "text with a point"),
        [],
        table_of(GOOD[1:2], Company1=pa.int32(), cosine_similarity=pa.float32()),
        pa.concat_tables([table_of(GOOD[2:])]).append_column("more", pa.array([0])),
    )
    assert rows_of(read(files)) == GOOD


def test_text_in_a_dictionary_of_several_row_groups(tmp_path: Path) -> None:
    table = table_of(written_as(GOOD, "int", "text"))
    pq.write_table(table.set_column(2, "year", table["year"].dictionary_encode()),
                   tmp_path / "pairs.parquet", row_group_size=1)  # fmt: skip
    files = local_files(tmp_path, "pairs")
    assert files is not None
    assert rows_of(read(files)) == GOOD


@pytest.mark.parametrize("reports", [{}, REPORTS])
def test_no_pairs_are_an_empty_table(tmp_path: Path, reports: dict[int, int]) -> None:
    found = read(files_of(tmp_path, []), reports)
    assert rows_of(found) == []
    assert found.year.dtype == found.report_a.dtype == np.int64


def test_pairs_of_no_report_are_all_left_out(tmp_path: Path) -> None:
    found = read(files_of(tmp_path, GOOD), {})
    assert (rows_of(found), found.dropped) == ([], {"pair without a report": 3})


def test_what_is_left_out_is_counted_by_reason(tmp_path: Path) -> None:
    rows: list[Row] = [
        *GOOD,
        (1, 99, 2015, 0.0, 0.0), (98, 99, 2015, 0.0, 0.0), (-1, 1, 2015, 0.0, 0.0),
        (1, 2, 2015, 0.0, 0.0), (1, 3, 2016, 0.0, 0.0),
        (4, 6, 2016, None, 0.0),
    ]  # fmt: skip
    found = read(files_of(tmp_path, rows))
    assert rows_of(found) == GOOD
    assert found.dropped == {
        "pair without a report": 3,
        "pair of another year than its reports": 2,
        "pair without a cosine": 1,
    }


def test_rounding_beyond_one_is_one(tmp_path: Path) -> None:
    rows: list[Row] = [(1, 3, 2015, 1 + 5e-6, -1 - 5e-6), (1, 5, 2015, -1 - 5e-6, 1 + 5e-6)]
    assert rows_of(read(files_of(tmp_path, rows))) == [(1, 3, 2015, 1.0, -1.0), (1, 5, 2015, -1.0, 1.0)]


def test_a_null_and_a_nan_are_both_missing(tmp_path: Path) -> None:
    rows: list[Row] = [(1, 3, 2015, 0.5, float("nan")), (1, 5, 2015, float("nan"), 0.5), *GOOD[2:]]
    found = read(files_of(tmp_path, rows))
    assert rows_of(found) == [(1, 3, 2015, 0.5, None), GOOD[2]]
    assert found.dropped == {"pair without a cosine": 1}


@st.composite
def random_pairs(draw: st.DrawFn) -> tuple[list[list[Row]], dict[int, int]]:
    """Files of different pairs in either direction and in no order, and the reports that are known."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, years = draw(st.integers(2, 12)), draw(st.integers(1, 3))
    ids = rng.choice(10**6, n, replace=False).tolist()
    year = {i: int(2000 + rng.integers(years)) for i in ids}
    a, b = np.triu_indices(n, 1)
    rows: list[Row] = []
    for first, second in rng.permutation(np.stack([a, b], axis=1)).tolist():
        ends = [ids[first], ids[second]]
        rng.shuffle(ends)
        cosine, correlation = rng.uniform(-1, 1, 2).tolist()
        rows.append(
            (
                *ends,
                year[ends[int(rng.integers(2))]],
                None if rng.random() < 0.1 else cosine,
                None if rng.random() < 0.3 else correlation,
            )
        )
    cuts = sorted(rng.integers(0, len(rows) + 1, draw(st.integers(0, 2))).tolist())
    parts = [rows[i:j] for i, j in zip([0, *cuts], [*cuts, len(rows)], strict=True)]
    known = {i: year[i] for i in ids if rng.random() < 0.9}
    return parts, known


@examples(25)
@given(case=random_pairs())
def test_any_pairs_are_those_of_a_loop_over_rows(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[list[list[Row]], dict[int, int]]
) -> None:
    """Also when they are in order already; and the reports of pairs are all that they name."""
    parts, reports = case
    found = read(files_of(tmp_path_factory.mktemp("pairs"), *parts), reports)
    expected, dropped = brute_force([row for part in parts for row in part], reports)
    assert rows_of(found) == expected
    assert found.dropped == dropped
    in_order = files_of(tmp_path_factory.mktemp("pairs"), expected)
    again = read(in_order, reports)
    assert rows_of(again) == expected
    assert not again.dropped
    named = reports_of_pairs(in_order)
    ends = sorted({(end, row[2]) for row in expected for end in row[:2]})
    assert named[[ID, "year"]].to_numpy().tolist() == [list(report) for report in ends]
    assert (named.dtypes == np.int64).all()


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    table = table_of(GOOD).rename_columns(["a", "b", "year", "cos", "correlation"])
    theirs = {"Company1": "a", "Company2": "b", "cosine_similarity": "cos"}
    files = replace(files_of(tmp_path, table), spelling=Names("pairs", theirs))
    assert rows_of(read(files)) == GOOD
    assert reports_of_pairs(files)[ID].tolist() == [1, 2, 3, 4, 5]
    with pytest.raises(UniverseError, match=r"no column cosine; found"):
        read(replace(files, spelling=Names("pairs", {**theirs, "cosine_similarity": "cosine"})))


def test_a_pair_of_an_unknown_report_with_itself_is_left_out_like_others(tmp_path: Path) -> None:
    found = read(files_of(tmp_path, [*GOOD, (99, 99, 2015, 1.0, 1.0), (99, 99, 2015, 9.0, 1.0)]))
    assert found.dropped == {"pair without a report": 2}


def test_no_pairs_have_no_reports(tmp_path: Path) -> None:
    found = reports_of_pairs(files_of(tmp_path, []))
    assert isinstance(found, pd.DataFrame)
    assert found.empty
    assert found.columns.tolist() == [ID, "year"]
