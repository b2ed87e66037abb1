"""Usual spellings of a universe: each changes how the files say something, and nothing of what they say."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from compsim_assets.universe.layout import ID, RETURNS
from compsim_assets_tests.spellings.files import Files, parquet


@dataclass(frozen=True)
class Spelling:
    """change: writes a table of the universe otherwise. part: spellings of one part exclude one another. exact: whether
    all bytes are those of the plain spelling, or numbers up to the rounding of a change of unit.
    """

    name: str
    part: str
    table: str
    change: Callable[[Files], None]
    exact: bool = True


SPELLINGS: list[Spelling] = []
GROUPS = "published_clusters/GROUPS"


def spelling(
    part: str, table: str = "reports", exact: bool = True
) -> Callable[[Callable[[Files], None]], Callable[[Files], None]]:
    def register(change: Callable[[Files], None]) -> Callable[[Files], None]:
        SPELLINGS.append(Spelling(change.__name__, part, table, change, exact))
        return change

    return register


def values(
    part: str, table: str, name: str, column: str, change: Callable[[pd.Series], Any], exact: bool = True
) -> None:
    """A column of a table with other values of the same meaning."""

    def write(files: Files) -> None:
        frame = files.frames[table]
        frame[column] = change(frame[column])

    SPELLINGS.append(Spelling(name, part, table, write, exact))


def written(part: str, table: str, name: str, writer: Callable[[pd.DataFrame, Path], None]) -> None:
    """A table in another form of file."""
    SPELLINGS.append(Spelling(name, part, table, lambda files: files.writers.update({table: writer})))


def named(part: str, table: str, name: str, **columns: str) -> None:
    """Columns by other names."""
    SPELLINGS.append(Spelling(name, part, table, lambda files: _rename(files, table, columns)))


def _rename(files: Files, table: str, columns: dict[str, str]) -> None:
    files.frames[table] = files.frames[table].rename(columns=columns)


def csv(separator: str = ",", suffix: str = ".csv", **options: Any) -> Callable[[pd.DataFrame, Path], None]:
    def write(frame: pd.DataFrame, path: Path) -> None:
        lists = {c: frame[c].map(_listed) for c in frame.columns if isinstance(frame[c].iloc[0], np.ndarray | list)}
        frame.assign(**lists).to_csv(path.with_name(path.name + suffix), sep=separator, index=False, **options)

    return write


def _listed(value: Any) -> Any:
    """Lists as Python writes them, nested or not."""
    return value if value is None or isinstance(value, str) else str(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(item) for item in value]
    return value if value is None else float(value)


# --- files ---

for table in ("reports", "features", "prices", "factors", "pairs", GROUPS):
    short = table.rpartition("/")[2].lower()
    written(f"{short} file", table, f"{short}_as_csv", csv())
    written(f"{short} file", table, f"{short}_as_gzipped_csv", csv(suffix=".csv.gz"))
written("reports file", "reports", "reports_with_semicolons", csv(";"))
written("reports file", "reports", "reports_with_tabs", csv("\t"))
written("reports file", "reports", "reports_as_csv_with_a_mark_of_utf_8", csv(encoding="utf-8-sig"))
written("prices file", "prices", "prices_as_csv_of_windows", csv(lineterminator="\r\n"))


def _in_two_parts(frame: pd.DataFrame, path: Path) -> None:
    path.mkdir()
    half = len(frame) // 2
    frame[:half].to_parquet(path / "1.parquet", index=False)
    csv()(frame[half:], path / "2")


for table in ("reports", "prices", "pairs"):
    written(f"{table} file", table, f"{table}_in_a_folder_of_parquet_and_csv", _in_two_parts)


def _ids_of(frame: pd.DataFrame) -> str:
    return ID if ID in frame else "report_id"


def _as_spark_writes(frame: pd.DataFrame, path: Path) -> None:
    folder = path.with_suffix(".parquet")
    folder.mkdir()
    (folder / "_SUCCESS").touch()
    parquet(frame, folder / "part-00000-c000")


def _in_bytes(frame: pd.DataFrame, path: Path) -> None:
    """Text without its mark of UTF-8, as old writers leave it."""
    texts = [c for c in frame.columns if pd.api.types.is_string_dtype(frame[c])]
    bytes_of = {c: [None if pd.isna(v) else v.encode() for v in frame[c]] for c in texts}
    parquet(frame.assign(**bytes_of), path)


for table in ("reports", GROUPS):
    written(f"{table} file", table, f"{table.rpartition('/')[2].lower()}_with_text_as_bytes", _in_bytes)
written("reports file", "reports", "reports_as_spark_writes_them", _as_spark_writes)


def _csv_with_ids_as_the_index(frame: pd.DataFrame, path: Path) -> None:
    if str(frame[_ids_of(frame)].iloc[0]).startswith("0"):
        return csv()(frame, path)  # row numbers are no ids
    lists = {c: frame[c].map(_listed) for c in frame.columns if isinstance(frame[c].iloc[0], np.ndarray | list)}
    frame.assign(**lists).set_index(_ids_of(frame)).rename_axis(None).to_csv(path.with_name(path.name + ".csv"))


for table in ("reports", "features", GROUPS):
    short = table.rpartition("/")[2].lower()
    written(f"{short} file", table, f"{short}_as_csv_with_ids_as_the_index", _csv_with_ids_as_the_index)


def _with_commas_at_the_end(frame: pd.DataFrame, path: Path) -> None:
    frame.assign(**{"a": "", "b": ""}).to_csv(path.with_suffix(".csv"), index=False, header=[*frame.columns, "", ""])


written("pairs file", "pairs", "pairs_with_commas_at_the_end", _with_commas_at_the_end)


def _as_pandas_index(frame: pd.DataFrame, path: Path) -> None:
    frame.set_index(_ids_of(frame)).rename_axis(None).to_parquet(path.with_suffix(".parquet"))


written("reports file", "reports", "reports_with_ids_as_the_index", _as_pandas_index)


def _in_large_types(frame: pd.DataFrame, path: Path) -> None:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    kinds = {pa.string(): pa.large_string(), pa.list_(pa.float64()): pa.large_list(pa.float64())}
    schema = pa.schema([(f.name, kinds.get(f.type, f.type)) for f in table.schema])
    pq.write_table(table.cast(schema), path.with_suffix(".parquet"), compression="gzip")


def _in_dictionaries(frame: pd.DataFrame, path: Path) -> None:
    texts = [c for c in frame.columns if pd.api.types.is_string_dtype(frame[c])]
    frame.assign(**{c: frame[c].astype("category") for c in texts}).to_parquet(
        path.with_suffix(".parquet"), index=False
    )


for table in ("reports", "prices"):
    written(f"{table} file", table, f"{table}_in_large_types", _in_large_types)
    written(f"{table} file", table, f"{table}_in_dictionaries", _in_dictionaries)

# --- names of columns ---

named(
    "reports names",
    "reports",
    "reports_as_compustat_names_them",
    company_name="conm",
    ticker="tic",
    year="fyear",
    sic_code="sich",
)
named("reports names", "reports", "reports_in_plain_words", **{
    ID: "report_id", "company_name": "Company", "section_1": "Description", RETURNS: "Returns", "cik": "CIK",
    "year": "Fiscal Year", "ticker": "Symbol", "sic_code": "SIC",
})  # fmt: skip
named("prices names", "prices", "prices_as_yahoo_names_them", ticker="Ticker", date="Date", adj_close="Adj Close")
named("features names", "features", "features_by_report_id", **{ID: "report_id"})
named("groups names", GROUPS, "groups_with_labels", cluster_id="label", **{ID: "report_id"})
named(
    "pairs names",
    "pairs",
    "pairs_in_our_own_names",
    Company1="report_a",
    Company2="report_b",
    cosine_similarity="cosine",
)


@spelling("reports names")
def names_of_the_universes_own(files: Files) -> None:
    _rename(files, "reports", {"section_1": "what_they_do", "cik": "registrant"})
    files.rules["reports"] = 'columns = {section_1 = "what_they_do", cik = "registrant"}'


@spelling("reports columns")
def columns_that_nothing_reads(files: Files) -> None:
    files.frames["reports"] = files.frames["reports"].assign(employees=7, auditor="Somebody LLP")


# --- values of reports ---

R = "reports"
values("ids", R, "ids_as_floats", ID, lambda ids: ids.astype(float))
values("ids", R, "ids_as_text", ID, lambda ids: ids.astype(str))
values("year", R, "years_as_text", "year", lambda years: years.astype(str))
values("year", R, "years_as_floats", "year", lambda years: years.astype(float))
values("cik", R, "ciks_of_ten_digits", "cik", lambda ciks: ciks.str.zfill(10))
values("cik", R, "ciks_as_numbers", "cik", lambda ciks: ciks.astype(int))
values("cik", R, "ciks_as_floats", "cik", lambda ciks: ciks.astype(float))
values(
    "cik",
    R,
    "ciks_with_zeros_in_some_years",
    "cik",
    lambda ciks: [c.zfill(10) if n % 2 else c for n, c in enumerate(ciks)],
)
values("cik", R, "ciks_as_edgar_names_them", "cik", lambda ciks: "CIK" + ciks.str.zfill(10))
values("cik", R, "ciks_as_excel_formulas", "cik", lambda ciks: '="' + ciks + '"')
values("cik", R, "ciks_with_an_apostrophe", "cik", lambda ciks: "'" + ciks)
values("cik", R, "ciks_with_decimals", "cik", lambda ciks: ciks.map(lambda c: Decimal(f"{c}.00"), na_action="ignore"))
values("year", R, "years_with_decimals", "year", lambda years: years.map(lambda y: Decimal(f"{y}.00")))
values("ticker", R, "tickers_in_lower_case", "ticker", lambda tickers: tickers.str.lower())
values("ticker", R, "tickers_with_blanks", "ticker", lambda tickers: tickers.str.ljust(8))
for sign, sign_name in (("./ ", "dot"), ("/", "slash"), (" ", "blank")):
    values("ticker", R, f"share_classes_with_a_{sign_name}", "ticker", lambda t, sign=sign[0]: t.str.replace("-", sign))
values("sic", R, "sic_codes_as_floats", "sic_code", lambda codes: codes.astype(float))
values("sic", R, "sic_codes_without_their_zero", "sic_code", lambda codes: codes.str.lstrip("0"))
for nothing in ("nan", "None", "", ".", "N/A", "0", "0000", "9999"):
    values(
        "sic",
        R,
        f"no_sic_code_as_{nothing or 'nothing'}",
        "sic_code",
        lambda codes, nothing=nothing: codes.fillna(nothing),
    )
values("names", R, "names_with_blanks_around", "company_name", lambda names: "  " + names + " ")
values("returns", R, "returns_nested", RETURNS, lambda lists: [[list(v)] for v in lists])
values("returns", R, "returns_nested_twice", RETURNS, lambda lists: [[list(v[:6]), list(v[6:])] for v in lists])
values("returns", R, "returns_as_text", RETURNS, lambda lists: [str(list(v.tolist())) for v in lists])
values("returns", R, "returns_as_text_of_numpy_numbers", RETURNS, lambda lists: [str(list(v)) for v in lists])
values("returns", R, "returns_as_tuples_in_text", RETURNS, lambda lists: [str(tuple(v.tolist())) for v in lists])
values(
    "returns", R, "returns_with_a_code_of_crsp", RETURNS, lambda lists: [np.where(np.isnan(v), -99.0, v) for v in lists]
)
values(
    "returns",
    R,
    "returns_with_null_for_a_month",
    RETURNS,
    lambda lists: [[None if x != x else x for x in v] for v in lists],
)
values("returns", R, "returns_in_per_cent", RETURNS, lambda lists: [v * 100 for v in lists], exact=False)


@spelling("returns")
def returns_in_twelve_columns(files: Files) -> None:
    lists = np.stack(files.frames[R].pop(RETURNS).to_list())
    months = pd.DataFrame(lists, columns=[f"ret_{month:02d}" for month in range(1, 13)])
    files.frames[R] = pd.concat([files.frames[R], months], axis=1)


@spelling("returns")
def returns_in_columns_of_month_names_with_a_letter_code(files: Files) -> None:
    lists = np.stack(files.frames[R].pop(RETURNS).to_list())
    names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    months = pd.DataFrame(lists, columns=names).map(lambda value: "C" if value != value else repr(value))
    files.frames[R] = pd.concat([files.frames[R], months], axis=1)


@spelling("returns", exact=False)
def simple_returns_as_the_universe_says(files: Files) -> None:
    files.frames[R][RETURNS] = [np.expm1(v) for v in files.frames[R][RETURNS]]
    files.rules["returns"] = 'kind = "simple"'


@spelling("order")
def reports_in_another_order(files: Files) -> None:
    files.frames[R] = files.frames[R].sample(frac=1, random_state=3, ignore_index=True)


# --- features, prices, factors, pairs, groups ---

F = "features"
values("features", F, "features_nested", "features", lambda lists: [[list(map(float, v))] for v in lists])
values("features", F, "features_in_double_precision", "features", lambda lists: [v.astype(float) for v in lists])
values("feature ids", F, "feature_ids_as_text", ID, lambda ids: ids.astype(str))
values("features", F, "features_as_text", "features", lambda lists: [str(v.astype(float).tolist()) for v in lists])

P = "prices"
values("date", P, "dates_as_text", "date", lambda days: days.astype(str))
values("date", P, "dates_as_whole_numbers", "date", lambda days: pd.to_datetime(days).dt.strftime("%Y%m%d").astype(int))
values("date", P, "dates_as_times", "date", lambda days: pd.to_datetime(days))
values(
    "date",
    P,
    "dates_as_midnights_of_new_york",
    "date",
    lambda days: pd.to_datetime(days).dt.tz_localize("America/New_York"),
)
values("date", P, "dates_as_midnights_of_tokyo", "date", lambda days: pd.to_datetime(days).dt.tz_localize("Asia/Tokyo"))
values(
    "date",
    P,
    "dates_as_text_with_offsets",
    "date",
    lambda days: pd.to_datetime(days).dt.tz_localize("America/New_York").astype(str),
)
values("date", P, "dates_of_sas", "date", lambda days: pd.to_datetime(days).dt.strftime("%d%b%Y").str.upper())
values("date", P, "dates_day_first", "date", lambda days: pd.to_datetime(days).dt.strftime("%d/%m/%Y"))
values("date", P, "dates_month_first", "date", lambda days: pd.to_datetime(days).dt.strftime("%m/%d/%Y"))
values("close", P, "closes_as_text", "adj_close", lambda closes: closes.map(repr))
values("close", P, "closes_with_separators", "adj_close", lambda closes: closes.map("{:,}".format))
values("price tickers", P, "price_tickers_with_a_dot", "ticker", lambda tickers: tickers.str.replace("-", "."))
values("price tickers", P, "price_tickers_in_lower_case", "ticker", lambda tickers: tickers.str.lower())


@spelling("price rows", P)
def prices_in_another_order_and_twice(files: Files) -> None:
    frame = files.frames[P]
    files.frames[P] = pd.concat([frame, frame[:50]]).sample(frac=1, random_state=1, ignore_index=True)


@spelling("price rows", P)
def days_without_a_price_as_rows(files: Files) -> None:
    frame = files.frames[P]
    empty = frame[:20].assign(date=pd.date_range("2014-01-01", periods=20).date, adj_close=np.nan)
    files.frames[P] = pd.concat([frame, empty], ignore_index=True)


@spelling("price columns", P)
def prices_with_all_of_yahoos_columns(files: Files) -> None:
    frame = files.frames[P]
    files.frames[P] = frame.assign(Open=frame["adj_close"], Close=2 * frame["adj_close"], Volume=1000)


def _wide(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.rename(columns={frame.columns[0]: "ticker", frame.columns[1]: "date", frame.columns[2]: "adj_close"})
    return frame.drop_duplicates(["date", "ticker"]).pivot(index="date", columns="ticker", values="adj_close")


def _wide_parquet(frame: pd.DataFrame, path: Path) -> None:
    _wide(frame).reset_index().to_parquet(path.with_suffix(".parquet"), index=False)


def _wide_csv(frame: pd.DataFrame, path: Path) -> None:
    _wide(frame).rename_axis("Date").to_csv(path.with_suffix(".csv"))


def _yfinance(frame: pd.DataFrame, path: Path) -> None:
    """The three header lines that `yfinance.download(tickers).to_csv()` writes."""
    wide = _wide(frame).rename_axis("Date")
    columns = pd.MultiIndex.from_product([["Close", "Volume"], wide.columns], names=["Price", "Ticker"])
    pd.concat([wide, wide * 0 + 5], axis=1).set_axis(columns, axis=1).to_csv(path.with_suffix(".csv"))


def _yfinance_parquet(frame: pd.DataFrame, path: Path) -> None:
    wide = _wide(frame).rename_axis("Date")
    if isinstance(wide.index[0], date):  # else the dates are spelled in a way of their own
        wide.index = pd.to_datetime(wide.index)
    columns = pd.MultiIndex.from_product([["Close"], wide.columns], names=["Price", "Ticker"])
    wide.set_axis(columns, axis=1).to_parquet(path.with_suffix(".parquet"))


def _a_file_per_ticker(frame: pd.DataFrame, path: Path) -> None:
    path.mkdir()
    for ticker, rows in frame.groupby("ticker"):
        columns = {"Date": rows["date"], "Open": 1.0, "Close": 2 * rows["adj_close"], "Adj Close": rows["adj_close"]}
        pd.DataFrame(columns).to_csv(path / f"{ticker}.csv", index=False)


written("prices file", P, "prices_wide", _wide_parquet)
written("prices file", P, "prices_wide_as_csv", _wide_csv)
written("prices file", P, "prices_as_yfinance_downloads_them", _yfinance)
written("prices file", P, "prices_as_yfinance_in_parquet", _yfinance_parquet)
written("prices file", P, "prices_a_file_per_ticker", _a_file_per_ticker)

values("factor dates", "factors", "months_as_yyyymm", "date", lambda days: pd.to_datetime(days).dt.strftime("%Y%m"))
values(
    "factor dates",
    "factors",
    "months_as_whole_numbers",
    "date",
    lambda days: pd.to_datetime(days).dt.strftime("%Y%m").astype(int),
)
values("factor dates", "factors", "months_as_text", "date", lambda days: pd.to_datetime(days).dt.strftime("%Y-%m"))


@spelling("factors file", "factors", exact=False)
def factors_as_ken_french_has_them(files: Files) -> None:
    frame = files.frames.pop("factors")
    months = pd.to_datetime(frame["date"]).dt.strftime("%Y%m")
    per_cent = frame[["Mkt-RF", "SMB"]] * 100
    lines = ["This file was created by CMPT_ME_BEME_RETS using the 202401 CRSP database.", "", ",Mkt-RF,SMB,RF"]
    lines += [f"{m},{a:8.2f},{b:8.2f},    0.01" for m, a, b in zip(months, *per_cent.to_numpy().T, strict=True)]
    lines += ["", " Annual Factors: January-December ", ",Mkt-RF,SMB,RF", "  2010,   17.37,   14.15,    0.12"]
    files.texts["F-F_Research_Data_Factors.CSV"] = "\n".join(
        [*lines, "", "Copyright 2024 Eugene F. Fama and Kenneth R. French"]
    )


G = GROUPS
values("cluster", G, "no_group_as_minus_one", "cluster_id", lambda ids: ids.fillna("-1").astype(int))
values("cluster", G, "groups_as_floats", "cluster_id", lambda ids: ids.astype(float))
values("cluster", G, "no_group_as_nan", "cluster_id", lambda ids: ids.fillna("nan"))
values("pair ids", "pairs", "pair_ids_as_floats", "Company1", lambda ids: ids.astype(float))
values("pair year", "pairs", "pair_years_as_text", "year", lambda years: years.astype(str))
