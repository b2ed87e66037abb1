"""Every result table has the columns other programs rely on, and a table that breaks its contract says where."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from compsim_assets.contracts import TABLES, Column, ContractError, Table, validate
from compsim_assets.storage.io_managers import table_schema
from compsim_assets.storage.results import content_hash

# The columns that are promised, in order; ours may follow.
PROMISED = {
    "descriptions": "report_id cik company_name ticker year sic_code industry description",
    "returns": "report_id year returns",
    "pca_scores": "report_id year scores",
    "cutoffs": "year theta distance mean_correlation in_sample",
    "cutoff_curve": "year theta mean_correlation pair_weighted_mean_correlation n_clusters",
    "clusters": "year cluster_id report_id",
    "cluster_features": "year cluster_id latent mae strong",
    "cluster_feature_summary": "year cluster_id n_members n_pairs n_candidates n_strong quantile mae_strong mae_weak",
    "fuzz_scores": "latent interpretability balanced_accuracy n_examples n_unscored",
    "mean_correlation": "method year mean_correlation pair_weighted n_clusters n_reports largest_cluster",
}
TYPES = {
    ("descriptions", "report_id"): pa.int64(),
    ("descriptions", "year"): pa.int64(),
    ("returns", "returns"): pa.list_(pa.float64(), 12),
    ("pca_scores", "scores"): pa.list_(pa.float32(), 2),
    ("walk_forward_scores", "scores"): pa.list_(pa.float32(), 2),
    ("cutoffs", "in_sample"): pa.bool_(),
    ("clusters", "cluster_id"): pa.int64(),
    ("cluster_features", "strong"): pa.bool_(),
    ("fuzz_scores", "interpretability"): pa.float64(),
}
CLUSTERS = {"year": [2001, 2001, 2002], "cluster_id": [1, 1, 1], "report_id": [7, 8, 9]}


def value(column: Column) -> Any:
    """A value that the column accepts."""
    if column.type.endswith("]"):
        return np.zeros(int(column.type.partition("[")[2].removesuffix("]") or 2), np.float32)
    if column.type == "string":
        return "text"
    if column.type == "bool":
        return True
    if column.type == "date32":
        return pd.Timestamp("2020-01-02").date()
    low = 0 if column.at_least is None else int(np.ceil(column.at_least))
    return low if column.type == "int64" else float(low)


def rows(table: Table) -> pd.DataFrame:
    """Three good rows, at the lower limits."""
    return _rows(table).copy()


@cache
def _rows(table: Table, n: int = 3) -> pd.DataFrame:
    """The last column of the key counts."""
    good = pd.DataFrame({c.name: [value(c)] * n for c in table.columns})
    by_name = {c.name: c for c in table.columns}
    name = next((k for k in reversed(table.key) if by_name[k].at_most is None), table.key[-1])
    kind = by_name[name].type
    if kind == "string":
        good[name] = [f"text {i}" for i in range(n)]
    elif kind == "date32":
        good[name] = [pd.Timestamp(f"2020-01-0{i + 1}").date() for i in range(n)]
    else:
        good[name] = good[name] + np.arange(n)
    return good


def columns() -> Iterator[tuple[Table, Column]]:
    """Every column of every table."""
    yield from ((table, column) for table in TABLES.values() for column in table.columns)


def refused(table: Table, frame: "pd.DataFrame | pa.Table") -> str:
    """What is said of a table that breaks its contract; empty where it does not."""
    try:
        validate(table, frame if isinstance(frame, pa.Table) else given(table, frame))
    except ContractError as problem:
        return str(problem)
    return ""


def given(table: Table, frame: pd.DataFrame) -> "pd.DataFrame | pa.Table":
    """The frame; with the Arrow lists that scores have."""
    lists = [c.name for c in table.columns if c.type.endswith("[]")]
    if not lists:
        return frame
    flat = pa.array(np.concatenate(frame[lists[0]].to_list()))
    column = pa.FixedSizeListArray.from_arrays(flat, 2)
    return pa.table({**{c: frame[c] for c in frame if c not in lists}, lists[0]: column})


def test_the_promised_columns_come_first_and_in_order() -> None:
    for name, promised in PROMISED.items():
        assert TABLES[name].names[: len(promised.split())] == promised.split()


def test_good_rows_pass_whatever_their_order_of_columns() -> None:
    for table in TABLES.values():
        frame = given(table, rows(table))
        shuffled = frame.select(frame.column_names[::-1]) if isinstance(frame, pa.Table) else frame[frame.columns[::-1]]
        checked = validate(table, shuffled)
        assert checked.column_names == table.names
        assert checked.num_rows == 3
        for column in table.columns:
            wanted = TYPES.get((table.name, column.name), column.arrow_type())
            assert checked.schema.field(column.name).type == wanted
        assert set(table.key) <= set(checked.column_names)


def test_no_rows_pass_too_and_have_the_types_of_rows() -> None:
    for table in TABLES.values():
        frame = given(table, rows(table))
        empty = validate(table, frame.slice(0, 0) if isinstance(frame, pa.Table) else frame.iloc[:0])
        assert empty.num_rows == 0
        made = validate(table, table.empty(width=2))
        assert made.schema.equals(empty.schema)
        assert content_hash(made) == content_hash(empty)


def test_a_value_beyond_its_limit_is_named_with_its_row() -> None:
    for table, column in columns():
        bounds = [(column.at_least, -1, "greater"), (column.at_most, 1, "less")]
        for limit, step, word in ((limit, step, word) for limit, step, word in bounds if limit is not None):
            frame = rows(table)
            frame[column.name] = frame[column.name].astype(column.type)
            frame.loc[1, column.name] = limit + step
            message = refused(table, frame)
            assert message.startswith(f"{table.name}: row 1, column '{column.name}': {limit + step:g}")
            assert f"expected {word}_than_or_equal_to({limit})" in message


def test_a_null_is_named_with_its_row_where_it_means_nothing() -> None:
    for table, column in columns():
        frame = given(table, rows(table))
        if isinstance(frame, pa.Table):
            values = frame[column.name].take(pa.array([0, 1, None]))
            frame = frame.set_column(frame.column_names.index(column.name), column.name, values)
        else:
            frame[column.name] = [*frame[column.name][:2], None]
        if column.nullable:
            assert validate(table, frame).column(column.name).null_count == 1
        else:
            assert refused(table, frame).startswith(f"{table.name}: row 2, column '{column.name}': ")


def test_a_key_that_occurs_twice_is_named_with_its_row() -> None:
    for table in TABLES.values():
        frame = rows(table)
        for name in table.key:
            frame[name] = [*frame[name][:2], frame[name][1]]
        message = refused(table, frame)
        assert message.startswith(f"{table.name}: row 1, column '{table.key[0]}': ")
        others = 2 * len(table.key) - 1
        assert message.endswith(f"expected one row per ({', '.join(table.key)}) (and {others} more)")


def test_the_first_failure_is_named_and_the_others_are_counted() -> None:
    frame = pd.DataFrame({"year": [2001, 1800, 1800, 9999], "cluster_id": [1, 0, 1, 1], "report_id": [7, 8, 8, 9]})
    expected = "clusters: row 1, column 'report_id': 8, expected one row per (report_id) (and 5 more)"
    assert refused(TABLES["clusters"], frame) == expected
    expected = "clusters: row 1, column 'year': 1800, expected greater_than_or_equal_to(1900) (and 2 more)"
    assert (
        refused(TABLES["clusters"], frame.assign(report_id=range(4)).iloc[[0, 1, 3]].reset_index()[list(frame)])
        == expected
    )
    nan = pa.table({**CLUSTERS, "year": [2001.0, np.nan, 2002.0]})
    assert refused(
        Table("t", ("report_id",), (Column("year", "float64", ""), *TABLES["clusters"].columns[1:])), nan
    ) == ("t: row 1, column 'year': nan, expected not_nullable")


OF_ANOTHER_TYPE = [
    ("clusters", {"year": [2001, 2001.5, 2002]}, "row 1, column 'year': .*2001.5.*int64"),
    ("clusters", {"report_id": ["7", "8", "x9"]}, "row 2, column 'report_id': .*x9.*int64"),
    ("clusters", {"cluster_id": [[1], [1], [1]]}, "row 0, column 'cluster_id': .*int64"),
    ("returns", {"returns": [[0.0] * 12, [0.0] * 12, [0.0] * 11]}, r"row 2, .*float64\[12\]"),
    ("returns", {"returns": [[0.0] * 12, ["a"] * 12, [0.0] * 12]}, r"row 1, .*float64\[12\]"),
]


def test_a_value_of_another_type_is_named_with_its_row() -> None:
    for name, change, expected in OF_ANOTHER_TYPE:
        message = refused(TABLES[name], rows(TABLES[name]).assign(**change))
        assert re.match(f"{name}: {expected}", message, re.DOTALL)


def test_missing_and_unknown_columns_are_named() -> None:
    frame = pd.DataFrame(CLUSTERS).rename(columns={"report_id": "report"})
    with pytest.raises(ContractError, match=r"^clusters: missing .*'report_id'.* unknown .*'report'"):
        validate(TABLES["clusters"], frame)


def test_arrow_tables_get_the_types_of_the_contract_or_are_refused() -> None:
    narrow = pa.table({name: pa.array(column, pa.int32()) for name, column in CLUSTERS.items()})
    assert validate(TABLES["clusters"], narrow).schema.types == [pa.int64()] * 3
    halves = narrow.set_column(0, "year", pa.array([2001.0, 2001.5, 2002.0]))
    with pytest.raises(ContractError, match=r"^clusters: row 1, column 'year': .*int64"):
        validate(TABLES["clusters"], halves)


def test_scores_are_lists_of_one_length_in_float32() -> None:
    of_several_lengths = pa.array([[1.0, 2.0], [3.0]], pa.list_(pa.float32()))
    in_float64 = pa.FixedSizeListArray.from_arrays(pa.array([1.0, 2.0, 3.0, 4.0]), 2)
    for scores in (of_several_lengths, in_float64):
        table = pa.table({"report_id": [1, 2], "year": [2001, 2001], "scores": scores})
        assert re.match(r"pca_scores: column 'scores': .*float32\[\]", refused(TABLES["pca_scores"], table))


def test_the_schema_that_dagster_shows_is_the_contract() -> None:
    schema = table_schema(TABLES["fuzz_scores"])
    by_name = {column.name: column for column in schema.columns}
    assert list(by_name) == [c.name for c in TABLES["fuzz_scores"].columns]
    score = by_name["interpretability"]
    assert (score.type, score.constraints.nullable) == ("float64", True)
    assert score.constraints.other == [">= 0", "<= 100"]
    assert "chance is 50" in (score.description or "")
    assert schema.constraints is not None
    assert schema.constraints.other == ["one row per (hookpoint, latent)"]
    assert table_schema(TABLES["clusters"]).columns[2].constraints.unique
