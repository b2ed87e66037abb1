"""A universe's accounting metrics: one row per company, year and metric."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from compsim_assets.science import companies
from compsim_assets.universe.intake.columns import say_columns
from compsim_assets.universe.intake.decisions import Notes
from compsim_assets.universe.intake.values import numbers, texts, whole_years
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.table_files import TableFile, TableFiles

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_NAMES, _KEY = ("cik", "ticker"), ["company", "year", "metric"]


def read_fundamentals(files: TableFiles, notes: Notes) -> "pd.DataFrame":
    """Metrics of companies by year: cik, ticker (text, in one spelling, null where missing), year, metric, value.

    A company is named by its registrant number, else by its ticker. Rows without company, metric or value are left out,
    and so is one that says again what another says.

    Raises:
        UniverseError: a missing column, a year or value that is none, two values of a company's metric in one year.

    Cost: O(n) time; about 200 bytes a row.
    """
    import numpy as np
    import pandas as pd

    frames = []
    for number in range(len(files)):
        with files.open(number) as file:
            names = _columns(file)
            say_columns(notes, "fundamentals", file.columns, {name: file.column(name) for name in names})
            frames.append(file.table(names).to_pandas(ignore_metadata=True))
    table = pd.concat(frames, ignore_index=True)
    spell: dict[str, Callable[[str], str]] = {"cik": companies.cik, "ticker": companies.ticker, "metric": str}
    for name, spelling in spell.items():
        nothing = companies.NO_NAME if name == "ticker" else None
        table[name] = (
            texts(table[name], spelling, nothing)[0] if name in table else pd.Series(pd.NA, table.index, "string")
        )
    table["year"] = whole_years(table["year"], files.place)
    table["value"] = numbers(table["value"], "value", files.place)
    endless = np.isinf(table["value"].to_numpy())
    if endless.any():
        row = int(endless.argmax())
        raise UniverseError(f"{files.place(row)}: value {table['value'].iloc[row]}, expected a finite number")
    table = _once(_complete(table, files.place, notes), files.place, notes)
    metrics = sorted(table["metric"].unique())
    spread = f", {table['year'].min()} to {table['year'].max()}" if len(table) else ""
    what = f"{len(table):,} values of {len(metrics):,} metrics{spread}"
    notes.fine("fundamentals", what, len(table), ", ".join(metrics[:5]))
    return table[[*_NAMES, "year", "metric", "value"]].reset_index(drop=True)


def _columns(file: TableFile) -> list[str]:
    """Which columns are read.

    Raises:
        UniverseError: one that is needed is not there.
    """
    present = file.present()
    missing = [name for name in ("year", "metric", "value") if name not in present]
    named = [name for name in _NAMES if name in present]
    if missing or not named:
        lacks = ", ".join([*missing, *([] if named else ["cik or ticker"])])
        raise UniverseError(
            f"{file.name}: no column {lacks}; found {', '.join(file.columns)}; expected one row per company, year and "
            "metric: cik or ticker, year, metric, value"
        )
    return [*named, "year", "metric", "value"]


def _complete(table: "pd.DataFrame", place: Callable[[int], str], notes: Notes) -> "pd.DataFrame":
    """The rows that have everything, and the company that each names."""
    company = ("cik " + table["cik"]).fillna("ticker " + table["ticker"])
    table = table.assign(company=company)
    for names, what in ((["company"], "a cik or a ticker"), (["metric"], "a metric"), (["value"], "a value")):
        without = table[names].isna().any(axis=1)
        if without.any():
            row = int(table.index[without][0])
            notes.left_out(names[0], f"rows without {what}", int(without.sum()), place(row))
            table = table[~without]
    return table


def _once(table: "pd.DataFrame", place: Callable[[int], str], notes: Notes) -> "pd.DataFrame":
    """Each value once.

    Raises:
        UniverseError: two values of one company, year and metric.
    """
    again = table[table.duplicated(_KEY)]
    if again.empty:
        return table
    first = table.drop_duplicates(_KEY).set_index(_KEY)["value"]
    before = first.reindex(again.set_index(_KEY).index).to_numpy()
    differs = before != again["value"].to_numpy()
    if differs.any():
        at = int(differs.argmax())
        row = again.iloc[at]
        raise UniverseError(
            f"{place(int(again.index[at]))}: {row['metric']} of {row['company']} in {row['year']} is {row['value']:g}, "
            f"and {before[at]:g} before: expected one value a company, year and metric. Leave one of them out"
        )
    notes.left_out("fundamentals", "rows that say again what another says", len(again), place(int(again.index[0])))
    return table.drop(index=again.index)


def match_companies(fundamentals: "pd.DataFrame", reports: "pd.DataFrame", notes: Notes) -> None:
    """Say which metrics are of no company of the reports.

    Args:
        reports: report_id, year, cik, ticker, company_name.

    Raises:
        UniverseError: none is of any.
    """
    company = companies.companies_of_rows(fundamentals, reports)
    unknown = company.isna().to_numpy()
    if not unknown.any():
        return
    example = _named(fundamentals, unknown)
    if unknown.all():
        there = ", ".join(reports[name].dropna().iloc[0] for name in _NAMES if reports[name].notna().any())
        raise UniverseError(
            f"{notes.file}: no company of it ({example}, ..) is one of the reports "
            f"({there or 'without cik and ticker'}, ..), expected the same cik, or the same ticker in the same year"
        )
    notes.left_out("fundamentals", "values of companies without a report", int(unknown.sum()), example)


def _named(fundamentals: "pd.DataFrame", rows: "np.ndarray") -> str:
    first = fundamentals[rows].iloc[0]
    return next(f"{name} {first[name]}" for name in _NAMES if isinstance(first[name], str))
