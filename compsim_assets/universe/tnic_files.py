"""Lists of scored pairs of companies by year, as Hoberg and Phillips publish their TNIC, made groups.

https://hobergphillips.tuck.dartmouth.edu: text files with the columns year, gvkey1, gvkey2, score.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.csv_files import CsvTable
from compsim_assets.universe.intake.columns import plain
from compsim_assets.universe.intake.decisions import Notes
from compsim_assets.universe.intake.rules import Rules
from compsim_assets.universe.intake.values import Place, numbers, whole_numbers
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets.universe.table_files import one_file

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

_COLUMNS = ("year", "gvkey1", "gvkey2", "score")
_ROWS = 1 << 20
_REMEDY = 'universe.toml: [published_clusters] groups = "nearest" or "cut", and cut = 0.1'


def pair_columns(path: Path) -> dict[str, str] | None:
    """The file's columns for year, gvkey1, gvkey2 and score; None where it is no list of pairs."""
    if _is_text(path):
        columns = _header(path)
    else:
        with one_file(path).open(0) as file:
            columns = file.columns
    spelled = {plain(name): name for name in columns}
    return {name: spelled[name] for name in _COLUMNS} if set(_COLUMNS) <= set(spelled) else None


def read_pair_groups(path: Path, reports: "pd.DataFrame", rules: Rules, notes: Notes) -> "pd.DataFrame":
    """year, cluster_id, report_id of the groups that the pairs of each year make, see `pair_groups`.

    Pairs are those of companies that both have a report of the year: a peer that is not in the universe is nobody's
    here, and joins no two others.

    Raises:
        UniverseError: reports without gvkeys, a value that is no number, no pair of this universe.
    """
    import numpy as np
    import pandas as pd

    from compsim_assets.science.peers.pair_groups import pair_groups

    gvkey = pd.to_numeric(reports["gvkey"], errors="coerce") if "gvkey" in reports else None
    ids = reports[["year", ID]].assign(gvkey=gvkey).dropna(subset="gvkey")
    if ids.empty:
        raise UniverseError(f"{path}: pairs of gvkeys, and the reports have none: give them a column gvkey")
    ids = ids.astype({"gvkey": "int64"})
    years, companies = np.unique(ids["year"]), np.unique(ids["gvkey"])
    year, first, second, score = _pairs_inside(path, ids, years, companies, notes)
    says = rules.of("published_clusters")
    cut = float(says["cut"]) if says["groups"] == "cut" else None
    parts = []
    for number in np.unique(year):
        rows = year == number
        there, group = pair_groups(first[rows], second[rows], score[rows], cut)
        parts.append(pd.DataFrame({"year": int(years[number]), "gvkey": companies[there], "cluster_id": group}))
    groups = pd.concat(parts, ignore_index=True)
    rule = (
        "every company is with its nearest peer" if cut is None else f"pairs that score at least {cut:g} are together"
    )
    n_groups = groups.groupby(["year", "cluster_id"]).ngroups
    say = notes.fine if rules.says("published_clusters", "groups") else notes.assumed
    say("groups", f"pairs make groups: {rule}", n_groups, "", _REMEDY)
    table = ids.merge(groups, on=["year", "gvkey"], how="inner")
    with_pairs = ids[ids["year"].isin(years[np.unique(year)])]
    if alone := len(with_pairs) - len(table):
        notes.missing("report", "reports without a pair of their year are in no group", alone)
    table = table.rename(columns={ID: "report_id"}).sort_values(["year", "cluster_id", "report_id"], ignore_index=True)
    return table.astype({"cluster_id": "string"})[["year", "cluster_id", "report_id"]]


def _pairs_inside(
    path: Path, ids: "pd.DataFrame", years: "np.ndarray", companies: "np.ndarray", notes: Notes
) -> "tuple[np.ndarray, ...]":
    """Pairs whose companies both have a report of the year: positions of year and companies, and score."""
    import numpy as np

    has_report = np.zeros((len(years), len(companies)), dtype=bool)
    has_report[np.searchsorted(years, ids["year"]), np.searchsorted(companies, ids["gvkey"])] = True
    parts: list[list[np.ndarray]] = [[], [], [], []]
    n_pairs = n_self = 0
    example = ""
    for year, first, second, score in _columns_of(path):
        inside = np.ones(len(year), dtype=bool)
        at = []
        for values, column, kind in (
            (years, year, np.int16),
            (companies, first, np.int32),
            (companies, second, np.int32),
        ):
            place = np.searchsorted(values, column).astype(kind)
            place[place == len(values)] = 0
            inside &= values[place] == column
            at.append(place)
        inside &= has_report[at[0], at[1]] & has_report[at[0], at[2]]
        itself = first == second
        outside = ~inside & ~itself
        if outside.any() and not example:
            row = int(outside.argmax())
            example = f"{first[row]} and {second[row]} of {year[row]}"
        n_pairs, n_self, inside = n_pairs + int(outside.sum()), n_self + int(itself.sum()), inside & ~itself
        for part, column in zip(parts, (*at, score), strict=True):
            part.append(column[inside])
    if not any(map(len, parts[0])):
        raise UniverseError(f"{path}: no pair of companies that both have a report of its year ({example}, ..)")
    if n_pairs:
        what = "pairs of companies that do not both have a report of that year: left out before pairs become groups"
        notes.left_out("pairs", what, n_pairs, example)
    if n_self:
        notes.left_out("pairs", "pairs of a company with itself", n_self)
    return tuple(map(np.concatenate, parts))


def _columns_of(path: Path) -> "Iterator[tuple[np.ndarray, ...]]":
    """year, gvkey1, gvkey2 (int64) and score (float64), some rows at a time."""
    names = pair_columns(path)
    assert names is not None
    start = 0
    batches, place = _batches(path, list(names.values()))
    for batch in batches:

        def where(row: int, start: int = start) -> str:
            return place(start + row)

        whole = [_whole(batch.column(n), name, where) for n, name in enumerate(_COLUMNS[:3])]
        score = numbers(batch.column(3), "score", where)
        if (wrong := score != score).any():
            raise UniverseError(f"{where(int(wrong.argmax()))}: score is missing, expected a number")
        yield (*whole, score)
        start += batch.num_rows


def _whole(column: "pa.Array", name: str, place: Place) -> "np.ndarray":
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        if not column.null_count:
            return pc.cast(column, pa.int64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        pass  # some spelling that is not plain
    return whole_numbers(column, name, place, "a whole number")


def _batches(path: Path, columns: list[str]) -> "tuple[Iterator[pa.RecordBatch], Place]":
    """Some rows of these columns at a time, and how messages name a row."""
    import pandas as pd
    import pyarrow as pa

    if not _is_text(path):
        files = one_file(path)

        def of_table() -> "Iterator[pa.RecordBatch]":
            with files.open(0) as file:
                yield from file.batches(columns, _ROWS)

        return of_table(), files.place
    table = CsvTable(path, str(path))
    if table.delimiter == "\t":
        return table.batches(columns), lambda row: f"{path}: line {table.line(row)}"
    chunks: Any = pd.read_csv(path, sep=r"\s+", dtype=str, usecols=columns, chunksize=_ROWS, keep_default_na=False)
    blanks = (pa.RecordBatch.from_pandas(chunk[columns], preserve_index=False) for chunk in chunks)
    return blanks, lambda row: f"{path}: line {row + 2}"


def _is_text(path: Path) -> bool:
    return path.name.endswith((".txt", ".txt.gz"))


def _header(path: Path) -> list[str]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        return file.readline().decode("utf-8-sig", errors="replace").replace('"', "").split()
