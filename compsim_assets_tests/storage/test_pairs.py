"""Pairs on disk: what is written comes back, a year at a time."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.storage.pairs import PairTable, write_pairs
from compsim_assets_tests.science.strategies import examples

NAMES = ("report_a", "report_b", "cosine", "correlation")
SCHEMA = {"report_a": "int64", "report_b": "int64", "year": "int64", "cosine": "double", "correlation": "double"}


def random_columns(seed: int, m: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    correlation = rng.uniform(-1, 1, m)
    correlation[rng.random(m) < 0.3] = np.nan
    values = (
        rng.integers(0, 10**12, m), rng.integers(0, 10**12, m), rng.uniform(-1, 1, m), correlation,
    )  # fmt: skip
    return dict(zip(NAMES, values, strict=True))


def written(folder: Path, year: list[int], columns: dict[str, np.ndarray], **options: int) -> Path:
    path = folder / "pairs.parquet"
    write_pairs(path, np.array(year, dtype=np.int64), columns, {b"compsim.content": b"abc"}, **options)
    return path


@examples(25)
@given(sizes=st.dictionaries(st.integers(1900, 2200), st.integers(1, 40), max_size=6), seed=st.integers(0, 2**32 - 1))
def test_each_year_comes_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, sizes: dict[int, int], seed: int
) -> None:
    years = [year for year in sorted(sizes) for _ in range(sizes[year])]
    columns = random_columns(seed, len(years))
    table = PairTable(written(tmp_path_factory.mktemp("pairs"), years, columns))
    assert table.years == sorted(sizes)
    assert len(table) == len(years)
    for year in sizes:
        found, rows = table.of_year(year), np.array(years) == year
        assert len(found) == sizes[year]
        for name in NAMES:
            value = getattr(found, name)
            assert value.dtype == columns[name].dtype
            np.testing.assert_array_equal(value, columns[name][rows])


def test_a_year_without_pairs_has_none(tmp_path: Path) -> None:
    table = PairTable(written(tmp_path, [2001] * 3, random_columns(0, 3)))
    found = table.of_year(2002)
    assert len(found) == 0
    assert [getattr(found, name).dtype.name for name in NAMES] == ["int64"] * 2 + ["float64"] * 2


def test_no_pairs_at_all_are_an_empty_table_with_its_columns(tmp_path: Path) -> None:
    path = written(tmp_path, [], random_columns(0, 0))
    table = PairTable(path)
    assert (table.years, len(table), len(table.of_year(2001))) == ([], 0, 0)
    schema = pq.read_schema(path)
    assert dict(zip(schema.names, map(str, schema.types), strict=True)) == SCHEMA


def test_an_empty_row_group_is_no_year(tmp_path: Path) -> None:
    nothing = pa.table({"year": pa.array([], pa.int64())})
    with pq.ParquetWriter(tmp_path / "pairs.parquet", nothing.schema) as writer:
        writer.write_table(nothing)
        writer.write_table(pa.table({"year": [2001, 2001]}))
    table = PairTable(tmp_path / "pairs.parquet")
    assert (table.years, len(table)) == ([2001], 2)


def test_a_correlation_that_is_not_a_number_is_a_null_for_other_readers(tmp_path: Path) -> None:
    columns = random_columns(0, 3)
    columns["correlation"] = np.array([0.5, np.nan, -1.0])
    path = written(tmp_path, [2001] * 3, columns)
    read = pq.read_table(path)
    assert read["correlation"].to_pylist() == [0.5, None, -1.0]
    assert dict(zip(read.schema.names, map(str, read.schema.types), strict=True)) == SCHEMA
    assert read.schema.metadata == {b"compsim.content": b"abc"}
    np.testing.assert_array_equal(PairTable(path).of_year(2001).correlation, [0.5, np.nan, -1.0])


def test_reading_a_year_reads_its_row_group_alone(tmp_path: Path) -> None:
    path = written(tmp_path, [2001] * 4 + [2002] * 3, random_columns(1, 7))
    metadata = pq.read_metadata(path)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [4, 3]


@pytest.mark.parametrize("years", [[2002, 2001], [2001, 2002, 2001], [2001, 2001, 2003, 2002]])
def test_years_out_of_order_are_not_written(tmp_path: Path, years: list[int]) -> None:
    with pytest.raises(ValueError, match=r"pairs\.parquet: years .* expected .* ascending"):
        written(tmp_path, years, random_columns(0, len(years)))
    assert not (tmp_path / "pairs.parquet").exists()


@pytest.mark.parametrize(
    ("years", "rows", "group"), [([2001, 2002], 2, 0), ([2001, 2002, 2001], 3, 0), ([2002, 2001], 1, 1)]
)
def test_a_file_that_is_not_ordered_by_year_is_refused(tmp_path: Path, years: list[int], rows: int, group: int) -> None:
    path = tmp_path / "pairs.parquet"
    pq.write_table(pa.table({"year": years}), path, row_group_size=rows)
    with pytest.raises(ValueError, match=rf"pairs\.parquet: row group {group} is not of one year"):
        PairTable(path)


def test_a_large_year_has_several_row_groups(tmp_path: Path) -> None:
    years = [2001] * 5 + [2002]
    columns = random_columns(0, len(years))
    path = written(tmp_path, years, columns, group_rows=2)
    table = PairTable(path)
    assert pq.read_metadata(path).num_row_groups == 4
    assert table.years == [2001, 2002]
    np.testing.assert_array_equal(table.of_year(2001).report_a, columns["report_a"][:5])
    np.testing.assert_array_equal(table.of_year(2001).cosine, columns["cosine"][:5])
