"""What a result table promises, and the check of a value against it before anything is written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class ContractError(ValueError):
    """A table that does not keep its contract; nothing of it was written."""


@dataclass(frozen=True)
class Column:
    """One column. `type` is an Arrow type name, or `float64[12]` / `float32[]` for lists of 12 / of one length."""

    name: str
    type: str
    description: str
    nullable: bool = False
    at_least: float | None = None
    at_most: float | None = None

    def arrow_type(self) -> "pa.DataType | None":
        """The Arrow type; None where the length of the list is the data's own."""
        import pyarrow as pa

        if not self.type.endswith("]"):
            return pa.type_for_alias(self.type)
        value, _, length = self.type.removesuffix("]").partition("[")
        return pa.list_(pa.type_for_alias(value), int(length)) if length else None


@dataclass(frozen=True)
class Table:
    """A result table: its columns in order and the columns that identify a row."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """The columns' names, in order."""
        return [column.name for column in self.columns]


def validate(table: Table, value: "pd.DataFrame | pa.Table") -> "pa.Table":
    """Check a table against its contract and give it the contract's column order and types.

    Raises:
        ContractError: names table, column, row and what was expected of the first row that breaks the contract.
    """
    import pyarrow as pa

    columns = list(value.column_names) if isinstance(value, pa.Table) else list(value.columns)
    missing = [name for name in table.names if name not in columns]
    unknown = [name for name in columns if name not in table.names]
    if missing or unknown:
        raise ContractError(f"{table.name}: missing columns {missing}, unknown columns {unknown}")
    arrow = pa.table({c.name: _typed(table, c, value[c.name]) for c in table.columns})
    plain = [c.name for c in table.columns if not c.type.endswith("]")]
    _check_values(table, arrow.select(plain).to_pandas())
    for column in table.columns:
        if arrow.column(column.name).null_count and not column.nullable:
            row = arrow.column(column.name).is_null().to_pylist().index(True)
            raise ContractError(f"{table.name}: row {row}, column '{column.name}': null, expected a value")
    return arrow


def _typed(table: Table, column: Column, values: "pd.Series | pa.ChunkedArray") -> Any:
    """The column in the contract's type."""
    import pyarrow as pa

    wanted = column.arrow_type()

    def convert(some: Any) -> Any:
        if not isinstance(some, pa.ChunkedArray):
            return pa.Array.from_pandas(some, type=wanted)
        return some if wanted is None else some.cast(wanted)

    try:
        typed = convert(values)
    except pa.ArrowException as problem:
        raise ContractError(
            f"{table.name}: row {_first_wrong(convert, values)}, column '{column.name}': {problem}, "
            f"expected {column.type}"
        ) from None
    if wanted is None:
        kind, value = typed.type, pa.type_for_alias(column.type.removesuffix("[]"))
        if not pa.types.is_fixed_size_list(kind) or kind.value_type != value:
            raise ContractError(
                f"{table.name}: column '{column.name}': {kind}, expected lists of one length, {column.type}"
            )
    return typed


def _first_wrong(convert: Callable[[Any], Any], values: Any) -> int:
    """Row of the first value that does not convert: the last one of the shortest start that does not."""
    import pyarrow as pa

    good, bad = 0, len(values)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            convert(values[:middle])
            good = middle
        except pa.ArrowException:
            bad = middle
    return bad - 1


def _check_values(table: Table, frame: "pd.DataFrame") -> None:
    import pandera.pandas as pandera

    def limits(column: Column) -> list[Any]:
        low = [] if column.at_least is None else [pandera.Check.ge(column.at_least)]
        return low + ([] if column.at_most is None else [pandera.Check.le(column.at_most)])

    # Types are Arrow's business; NaN is a value here (a MeanCorr without any pair), so nullable passes it.
    schema = pandera.DataFrameSchema(
        {
            c.name: pandera.Column(checks=limits(c), nullable=c.nullable)
            for c in table.columns
            if not c.type.endswith("]")
        },
        unique=list(table.key),
    )
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as problems:
        cases = problems.failure_cases
        raise ContractError(f"{table.name}: {_first_failure(table, cases)}") from None


def _first_failure(table: Table, cases: "pd.DataFrame") -> str:
    first = cases.iloc[0]
    more = f" (and {len(cases) - 1} more)" if len(cases) > 1 else ""
    row = "" if first["index"] is None else f"row {first['index']}, "
    expected = first["check"]
    if expected == "multiple_fields_uniqueness":
        expected = f"one row per ({', '.join(table.key)})"
    return f"{row}column '{first['column']}': {first['failure_case']}, expected {expected}{more}"
