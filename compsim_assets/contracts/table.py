"""What a result table promises, and the check of a value against it before anything is written."""

from collections.abc import Callable, Iterator, Mapping
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

    def arrow_type(self, width: int | None = None) -> "pa.DataType | None":
        """The Arrow type; of lists whose length is the data's own that of `width` values, None without a width."""
        import pyarrow as pa

        value, bracket, length = self.type.removesuffix("]").partition("[")
        if not bracket:
            return pa.type_for_alias(value)
        size = int(length) if length else width
        return None if size is None else pa.list_(pa.type_for_alias(value), size)


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

    def schema(self, width: int = 1) -> "pa.Schema":
        """Names and types; lists whose length is the data's own have `width` values."""
        import pyarrow as pa

        return pa.schema([(column.name, column.arrow_type(width)) for column in self.columns])

    def empty(self, width: int = 1) -> "pa.Table":
        """The table without a row."""
        import pyarrow as pa

        schema = self.schema(width)
        return pa.table([pa.array([], kind) for kind in schema.types], schema=schema)

    def typed(self, columns: "Mapping[str, Any] | pd.DataFrame | pa.Table") -> "pa.Table":
        """These columns, arrays or series by name, in the table's order and types. Limits and key are not looked at.

        Raises:
            ContractError: a value that is of another type, with its row.
        """
        import pyarrow as pa

        return pa.table({column.name: _typed(self, column, columns[column.name]) for column in self.columns})


def table(name: str, *key: str) -> Callable[..., Table]:
    """Declares a table: `table("cutoff_curve", "year", "theta")(YEAR, ...)` has one row per year and theta."""
    return lambda *columns: Table(name, key, columns)


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
    arrow = table.typed(value)
    plain = [c.name for c in table.columns if not c.type.endswith("]")]
    _check_values(table, arrow.select(plain).to_pandas(date_as_object=False))
    for column in table.columns:
        if arrow.column(column.name).null_count and not column.nullable:
            row = arrow.column(column.name).is_null().to_pylist().index(True)
            raise ContractError(f"{table.name}: row {row}, column '{column.name}': null, expected a value")
    return arrow


def _typed(table: Table, column: Column, values: Any) -> Any:
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
        row = _first_wrong(convert, values)
        raise ContractError(
            f"{table.name}: row {row}, column '{column.name}': {problem}, expected {column.type}"
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
    """Refuse keys that occur twice, nulls and values beyond their limits; names the first one and counts the others."""
    failures = [(expected, values) for expected, values in _failures(table, frame) if len(values)]
    if not failures:
        return
    expected, values = failures[0]
    others = sum(len(values) for _, values in failures) - 1
    more = f" (and {others} more)" if others else ""
    raise ContractError(
        f"{table.name}: row {values.index[0]}, column '{values.name}': {values.iloc[0]}, expected {expected}{more}"
    )


def _failures(table: Table, frame: "pd.DataFrame") -> Iterator[tuple[str, "pd.Series"]]:
    """What is expected, and a column's values that are otherwise: first of the key, then column by column."""
    key = list(table.key)
    doubled = frame.loc[frame.duplicated(key, keep=False), key]
    for name in key:
        yield f"one row per ({', '.join(key)})", doubled[name].dropna()
    for column in table.columns:
        if column.name not in frame:  # lists have no limits
            continue
        values = frame[column.name]
        if not column.nullable:
            yield "not_nullable", values[values.isna()]
        # NaN is a value here (a MeanCorr without any pair): no limit is beyond it.
        if column.at_least is not None:
            yield f"greater_than_or_equal_to({column.at_least})", values[values < column.at_least]
        if column.at_most is not None:
            yield f"less_than_or_equal_to({column.at_most})", values[values > column.at_most]
