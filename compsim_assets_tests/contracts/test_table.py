"""Every result table has the columns other programs rely on, and a table that breaks its contract says where."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from compsim_assets.contracts import TABLES, Column, ContractError, Table, validate
from compsim_assets.storage.io_managers import table_schema

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


def rows(table: Table, n: int = 3) -> pd.DataFrame:
    """Good rows: the last column of the key counts."""
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


def given(table: Table, frame: pd.DataFrame) -> "pd.DataFrame | pa.Table":
    """The frame; with the Arrow lists that scores have."""
    lists = [c.name for c in table.columns if c.type.endswith("[]")]
    if not lists:
        return frame
    flat = pa.array(np.concatenate(frame[lists[0]].to_list()))
    column = pa.FixedSizeListArray.from_arrays(flat, 2)
    return pa.table({**{c: frame[c] for c in frame if c not in lists}, lists[0]: column})


@pytest.mark.parametrize("name", PROMISED)
def test_the_promised_columns_come_first_and_in_order(name: str) -> None:
    promised = PROMISED[name].split()
    assert [c.name for c in TABLES[name].columns][: len(promised)] == promised


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_good_rows_pass_whatever_their_order_of_columns(table: Table) -> None:
    frame = given(table, rows(table))
    shuffled = frame.select(frame.column_names[::-1]) if isinstance(frame, pa.Table) else None
    checked = validate(table, frame[frame.columns[::-1]] if shuffled is None else shuffled)
    assert checked.column_names == [c.name for c in table.columns]
    assert checked.num_rows == 3
    for column in table.columns:
        wanted = TYPES.get((table.name, column.name), column.arrow_type())
        assert checked.schema.field(column.name).type == wanted
    assert set(table.key) <= set(checked.column_names)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_no_rows_pass_too(table: Table) -> None:
    frame = given(table, rows(table))
    empty = frame.slice(0, 0) if isinstance(frame, pa.Table) else frame.iloc[:0]
    assert validate(table, empty).num_rows == 0


LIMITS = [
    (table, column, limit, limit + step)
    for table in TABLES.values()
    for column in table.columns
    for limit, step in ((column.at_least, -1), (column.at_most, 1))
    if limit is not None
]


@pytest.mark.parametrize(
    ("table", "column", "limit", "beyond"), LIMITS, ids=[f"{t.name}.{c.name}-{beyond:g}" for t, c, _, beyond in LIMITS]
)
def test_a_value_beyond_its_limit_is_named_with_its_row(
    table: Table, column: Column, limit: float, beyond: float
) -> None:
    frame = rows(table)
    frame[column.name] = frame[column.name].astype(column.type)
    frame.loc[1, column.name] = beyond
    with pytest.raises(ContractError) as problem:
        validate(table, given(table, frame))
    message = str(problem.value)
    assert message.startswith(f"{table.name}: row 1, column '{column.name}': {beyond:g}")
    word = "greater_than_or_equal_to" if beyond < limit else "less_than_or_equal_to"
    assert f"expected {word}({limit:g}" in message or f"expected {word}({limit}" in message


NOT_NULL = [(t, c) for t in TABLES.values() for c in t.columns if not c.nullable]


@pytest.mark.parametrize(("table", "column"), NOT_NULL, ids=[f"{t.name}.{c.name}" for t, c in NOT_NULL])
def test_a_null_is_named_with_its_row(table: Table, column: Column) -> None:
    frame = given(table, rows(table))
    if isinstance(frame, pa.Table):
        kept = frame[column.name].take(pa.array([0, 1, None]))
        frame = frame.set_column(frame.column_names.index(column.name), column.name, kept)
    else:
        frame[column.name] = [*frame[column.name][:2], None]
    with pytest.raises(ContractError, match=f"^{table.name}: row 2, column '{column.name}': "):
        validate(table, frame)


NULLABLE = [(t, c) for t in TABLES.values() for c in t.columns if c.nullable]


@pytest.mark.parametrize(("table", "column"), NULLABLE, ids=[f"{t.name}.{c.name}" for t, c in NULLABLE])
def test_a_null_passes_where_it_means_something(table: Table, column: Column) -> None:
    frame = rows(table)
    frame[column.name] = [*frame[column.name][:2], None]
    assert validate(table, frame).column(column.name).null_count == 1


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_key_that_occurs_twice_is_named_with_its_row(table: Table) -> None:
    frame = rows(table)
    for name in table.key:
        frame[name] = [*frame[name][:2], frame[name][1]]
    with pytest.raises(ContractError) as problem:
        validate(table, given(table, frame))
    assert str(problem.value).startswith(f"{table.name}: row 1, column '{table.key[0]}': ")
    assert f"expected one row per ({', '.join(table.key)})" in str(problem.value)


@pytest.mark.parametrize(
    ("table", "change", "expected"),
    [
        ("clusters", {"year": [2001, 2001.5, 2002]}, "row 1, column 'year': .*2001.5.*int64"),
        ("clusters", {"report_id": ["7", "8", "x9"]}, "row 2, column 'report_id': .*x9.*int64"),
        ("clusters", {"cluster_id": [[1], [1], [1]]}, "row 0, column 'cluster_id': .*int64"),
        ("returns", {"returns": [[0.0] * 12, [0.0] * 12, [0.0] * 11]}, r"row 2, .*float64\[12\]"),
        ("returns", {"returns": [[0.0] * 12, ["a"] * 12, [0.0] * 12]}, r"row 1, .*float64\[12\]"),
    ],
)
def test_a_value_of_another_type_is_named_with_its_row(table: str, change: dict[str, list], expected: str) -> None:
    frame = rows(TABLES[table]).assign(**change)
    with pytest.raises(ContractError, match=f"^{table}: {expected}"):
        validate(TABLES[table], frame)


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


@pytest.mark.parametrize(
    "scores",
    [
        pa.array([[1.0, 2.0], [3.0]], pa.list_(pa.float32())),
        pa.FixedSizeListArray.from_arrays(pa.array([1.0, 2.0, 3.0, 4.0]), 2),
    ],
    ids=["lists of several lengths", "float64"],
)
def test_scores_are_lists_of_one_length_in_float32(scores: pa.Array) -> None:
    table = pa.table({"report_id": [1, 2], "year": [2001, 2001], "scores": scores})
    with pytest.raises(ContractError, match=r"^pca_scores: column 'scores': .*float32\[\]"):
        validate(TABLES["pca_scores"], table)


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
