"""Published groupings of a universe's companies: files of clusters by report or by company and year, and of pairs."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.science.companies import NOTHING, cik_spelling, ticker_spelling
from compsim_assets.universe.csv_files import SUFFIXES
from compsim_assets.universe.intake.columns import Names, say_columns
from compsim_assets.universe.intake.decisions import Decisions, Notes
from compsim_assets.universe.intake.rules import FILE, Rules
from compsim_assets.universe.intake.values import Place
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets.universe.table_files import one_file
from compsim_assets.universe.tnic_files import pair_columns, read_pair_groups

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = (".parquet", *SUFFIXES, ".pkl", ".txt", ".txt.gz")
# HDBSCAN's labels of noise; scikit-learn's has two more, for infinite and for missing values.
_NOISE = {"-1", "-2", "-3"}
# What tells a company in files without report ids, in this order, and how it is spelled.
_KEYS: Mapping[str, Callable[["pd.Series"], "pd.Series"]] = {
    "gvkey": cik_spelling,
    "cik": cik_spelling,
    "permno": cik_spelling,
    "ticker": ticker_spelling,
}
_REPORT = "report_id"


def read_cluster_sets(
    folder: Path, rules: Rules, decisions: Decisions, reports: Callable[[], "pd.DataFrame"]
) -> "dict[str, pd.DataFrame]":
    """Method -> year, cluster_id (text), report_id: one row per report that is in a cluster.

    `<METHOD>.parquet`, `.csv` or `.csv.gz` has a row per report, by its id, or by company (gvkey, cik, permno or
    ticker) and year; `.pkl` is as the paper's authors published theirs. Pairs (year, gvkey1, gvkey2, score), in these
    or as `.txt`, become groups: see `read_pair_groups`.

    Args:
        reports: gives the universe's reports, where companies are to be found among them.

    Raises:
        UniverseError: a missing column, a year or id that is none, a report in two clusters, two files of a method.
    """
    sets: dict[str, pd.DataFrame] = {}
    columns: set[str] = set()
    for path in sorted(folder.glob("[!.]*")):
        notes = decisions.of(path)
        suffix = next((suffix for suffix in _SUFFIXES if path.name.endswith(suffix)), None)
        pairs = suffix not in (None, ".pkl") and pair_columns(path) is not None
        if suffix is None or (".txt" in suffix and not pairs):
            notes.left_out(path.name, f"`{path.name}` is no table of clusters or pairs and is not read", 1)
            continue
        method = path.name.removesuffix(suffix)
        if method in sets:
            raise UniverseError(f"{path}: {method} is there twice, expected one file per method")
        if suffix == ".pkl":
            sets[method] = _read_pickle(path, notes)
        elif pairs:
            sets[method] = read_pair_groups(path, reports(), rules, notes)
        else:
            sets[method], there = _read_table(path, rules.of("published_clusters")["columns"], reports, notes)
            columns.update(there)
    _check_names(folder, rules, columns, sets)
    return sets


def _check_names(folder: Path, rules: Rules, columns: set[str], sets: Mapping[str, Any]) -> None:
    """Columns that universe.toml names must be in one of the files."""
    for ours, theirs in rules.of("published_clusters")["columns"].items():
        if sets and theirs not in columns:
            raise UniverseError(f"{folder}: no file has a column {theirs}, which {FILE} calls {ours}")


def _read_pickle(path: Path, notes: Notes) -> "pd.DataFrame":
    from compsim_assets.universe.published import read_cluster_set

    frame = read_cluster_set(path)

    def place(row: int) -> str:
        return f"{path}: report {frame['report_id'].iloc[row]}"

    return _in_clusters(frame, frame["cluster_id"], False, place, notes).reset_index(drop=True)


def _read_table(
    path: Path, given: Mapping[str, str], reports: Callable[[], "pd.DataFrame"], notes: Notes
) -> "tuple[pd.DataFrame, list[str]]":
    """The clusters of one file, and its columns."""
    import pandas as pd

    from compsim_assets.universe.intake.values import whole_years

    with one_file(path).open(0) as file:
        columns = file.columns
    given = {ours: theirs for ours, theirs in given.items() if theirs in columns}
    companies = Names("reports", given).of(columns, str(path))
    companies = {key: companies[key] for key in _KEYS if key in companies}
    files = one_file(path, Names("clusters", {**companies, **given}))
    with files.open(0) as file:
        file.require(["year", "cluster_id"])
        key = ID if ID in file.present() else _key(path, columns, list(companies), reports)
        say_columns(notes, "published_clusters", columns, {n: file.column(n) for n in ("year", "cluster_id", key)})
        table, is_csv = file.table(["year", "cluster_id", key]), file.csv is not None
    years = whole_years(table.column("year"), files.place)
    frame = pd.DataFrame({"year": years, "key": table.column(key).to_pandas()})
    frame = _in_clusters(frame, table.column("cluster_id"), is_csv, files.place, notes)
    frame = _once(_with_keys(frame, key, files.place, notes), key, files.place, notes)
    if key != ID:
        frame = _matched(frame, key, reports(), files.place, notes)
    columns_of_sets = ["year", "cluster_id", _REPORT]
    return frame.rename(columns={"key": _REPORT})[columns_of_sets].reset_index(drop=True), columns


def _key(path: Path, columns: list[str], keys: list[str], reports: Callable[[], "pd.DataFrame"]) -> str:
    """The first of a file's columns of companies that the reports have, too."""
    there = reports() if keys else None
    key = next((key for key in keys if there is not None and key in there and there[key].notna().any()), None)
    if key is None:
        raise UniverseError(
            f"{path}: no column {ID} (the report), and none of {', '.join(_KEYS)} (the company) that the reports have, "
            f"too; found {', '.join(columns)}"
        )
    return key


def _in_clusters(frame: "pd.DataFrame", clusters: Any, is_csv: bool, place: Place, notes: Notes) -> "pd.DataFrame":
    """The rows that are in a cluster, with its name as text.

    3 and 3.0 are one name. Text of a Parquet file keeps its spelling, unless two spellings of it are one name.
    """
    import numpy as np
    import pandas as pd

    from compsim_assets.universe.intake.values import distinct, text_of

    codes, different = distinct(clusters)
    plain = [re.sub(r"^([+-]?\d+)\.0*$", r"\1", text_of(value) or "") for value in different]
    texts = [value for value in different if value is not None]
    as_it_is = not is_csv and all(isinstance(value, str) for value in texts) and len({*plain, ""}) > len(texts)
    names = [value if as_it_is else name for name, value in zip(plain, different, strict=True)]
    noise = np.array([name in _NOISE for name in plain])[codes]
    none = np.array([name.lower() in NOTHING for name in plain])[codes]
    for what, rows in (("noise (label -1)", noise), ("rows without a cluster", none)):
        if rows.any():
            example = f"{place(int(rows.argmax()))}: {different[codes[rows.argmax()]]!r}"
            notes.left_out("cluster_id", f"{what}: reports in no cluster", int(rows.sum()), example)
    frame = frame.assign(cluster_id=pd.array(names, dtype="string").take(codes))
    return frame[~(noise | none)]


def _with_keys(frame: "pd.DataFrame", key: str, place: Place, notes: Notes) -> "pd.DataFrame":
    """Rows with a report id, as a whole number, or with a company, in its one spelling."""
    from compsim_assets.universe.intake.values import whole_numbers

    if key != ID:
        frame = frame.assign(key=_KEYS[key](frame["key"]))
    rows = frame.index.to_numpy()
    if (null := frame["key"].isna().to_numpy()).any():
        notes.left_out(key, f"rows without a {'report id' if key == ID else key}", int(null.sum()),
            place(int(rows[null][0])))  # fmt: skip
        frame, rows = frame[~null], rows[~null]
    if key != ID:
        return frame
    ids = whole_numbers(frame["key"], ID, lambda row: place(int(rows[row])), "a report id (a whole number)")
    return frame.assign(key=ids)


def _once(frame: "pd.DataFrame", name: str, place: Place, notes: Notes) -> "pd.DataFrame":
    """Each report, or company and year, once.

    Raises:
        UniverseError: one is in two clusters.
    """
    again = frame.duplicated(["year", "key", "cluster_id"])
    if again.any():
        first = int(frame.index.to_numpy()[again.to_numpy().argmax()])
        notes.left_out("rows", "rows that are there twice", int(again.sum()), place(first))
    frame = frame[~again]
    two = frame.duplicated(["year", "key"])
    if two.any():
        at = int(two.to_numpy().argmax())
        row = frame.iloc[at]
        same = frame[(frame["year"] == row["year"]) & (frame["key"] == row["key"])]["cluster_id"]
        where = place(int(frame.index.to_numpy()[at]))
        raise UniverseError(
            f"{where}: {name} {row['key']} of {row['year']} is in cluster {row['cluster_id']!r}, and in "
            f"{same.iloc[0]!r} before, expected one cluster per report and year"
        )
    return frame


def _matched(frame: "pd.DataFrame", key: str, reports: "pd.DataFrame", place: Place, notes: Notes) -> "pd.DataFrame":
    """The rows of companies that have a report of that year, with its id.

    Raises:
        UniverseError: none of them has.
    """
    ids = reports[["year", ID]].assign(key=_KEYS[key](reports[key])).dropna(subset="key")
    matched = frame.reset_index().merge(ids, on=["year", "key"], how="left")
    without = matched[matched[ID].isna()]
    if len(without) == len(matched) and len(frame):
        theirs, ours = frame.iloc[0], ids.iloc[0]
        raise UniverseError(
            f"{place(int(frame.index[0]))}: no {key} and year of the file ({theirs['key']} of {theirs['year']}, ..) is "
            f"that of a report ({ours['key']} of {ours['year']}, ..), expected the same companies and years"
        )
    notes.assumed("report", f"companies are matched to reports by {key} and year", len(frame))
    if len(without):
        example = f"{place(int(without['index'].iloc[0]))}: {key} {without['key'].iloc[0]}"
        notes.left_out("report", "companies without a report of that year", len(without), example)
    matched = matched.drop(index=without.index)
    return matched.assign(key=matched[ID].astype("int64"))
