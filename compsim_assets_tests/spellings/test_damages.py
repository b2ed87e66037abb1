"""Universes with something wrong in them: the right answer, worked out apart from the platform, or one refusal."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from compsim_assets.universe.check import check_folder
from compsim_assets.universe.intake.decisions import Decision
from compsim_assets.universe.layout import ID, RETURNS, UniverseError
from compsim_assets_tests.spellings.files import Files, parquet, small, tables
from compsim_assets_tests.spellings.spellings import GROUPS, csv

Made = dict[str, pa.Table]


def damaged(tmp_path: Path, change: Callable[[Files], Any]) -> tuple[Made, list[Decision]]:
    """The tables of a universe that has been changed, and what is said about it."""
    files = small()
    change(files)
    folder = files.write(tmp_path / "universe")
    return tables(folder, tmp_path / "data"), check_folder(folder)


def refusal(tmp_path: Path, change: Callable[[Files], Any]) -> str:
    """The one error of a universe that is refused; the check says the same."""
    files = small()
    change(files)
    folder = files.write(tmp_path / "universe")
    with pytest.raises(UniverseError) as raised:
        tables(folder, tmp_path / "data")
    refused = [row.what for row in check_folder(folder) if row.grade == "refused"]
    message = str(raised.value).replace(f"{folder}/", "")
    assert message in refused
    return message


def row_of(decisions: list[Decision], grade: str, words: str) -> Decision:
    rows = [row for row in decisions if row.grade == grade and re.search(words, row.what)]
    assert len(rows) == 1, [row for row in decisions if row.grade != "fine"]
    return rows[0]


def frame(made: Made, name: str) -> pd.DataFrame:
    return made[name].to_pandas()


# --- several reports of a company ---


def amended(files: Files, **changes: Any) -> None:
    """Report 5 has an amendment, which is the last row; both have features."""
    reports, features = files.frames["reports"], files.frames["features"]
    second = reports.iloc[[5]].assign(**{ID: 9999, "section_1": "An amendment.", **changes})
    files.frames["reports"] = pd.concat([reports, second], ignore_index=True)
    files.frames["features"] = pd.concat([features, features.iloc[[5]].assign(**{ID: 9999})], ignore_index=True)


@pytest.mark.parametrize(
    ("rule", "taken"), [("", 9999), ("latest", 9999), ("first", 1015), ("longest", 1015), ("all", None)]
)
def test_one_report_of_a_company_and_year_is_taken(tmp_path: Path, rule: str, taken: int | None) -> None:
    def change(files: Files) -> None:
        amended(files)
        if rule:
            files.rules["reports"] = f'several = "{rule}"'

    made, decisions = damaged(tmp_path, change)
    reports = small().frames["reports"]
    others = set(reports[ID]) - {1015}
    assert set(frame(made, "descriptions")["report_id"]) == others | ({taken} if taken else {1015, 9999})
    assert set(frame(made, "sae_features")["report_id"]) == set(frame(made, "descriptions")["report_id"])
    grade, count = ("suspicious", 2) if rule == "all" else ("left_out", 1)
    row = row_of(decisions, grade, "several reports")
    assert row.count == count
    assert re.search(r"row 5 .*row 48", row.example)
    assert "several" in row.remedy


def test_the_latest_is_the_one_filed_last(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        amended(files, filed="2010-03-01")
        files.frames["reports"]["filed"] = files.frames["reports"].get("filed").fillna("2011-02-15")

    made, _ = damaged(tmp_path, change)
    assert 9999 not in frame(made, "descriptions")["report_id"].tolist()


def test_a_report_without_a_text_is_taken_last(tmp_path: Path) -> None:
    made, _ = damaged(tmp_path, lambda files: amended(files, section_1=None))
    assert 1015 in frame(made, "descriptions")["report_id"].tolist()


def test_two_reports_can_be_refused(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        amended(files)
        files.rules["reports"] = 'several = "refuse"'

    message = refusal(tmp_path, change)
    assert re.match(r"cik 320198 in 2010: .*row 5 and .*row 48: two reports of one company", message)


def test_two_share_classes_are_one_company(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        reports = files.frames["reports"]
        other = reports[reports["ticker"] == "BRK-B"].assign(ticker="BRK-A")
        other[ID] += 5000
        files.frames["reports"] = pd.concat([reports, other], ignore_index=True)

    made, decisions = damaged(tmp_path, change)
    assert len(frame(made, "descriptions")) == 48
    assert row_of(decisions, "left_out", "several reports").count == 4


# --- reports ---


def report(column: str, row: int, value: Any) -> Callable[[Files], None]:
    """One value of the reports."""

    def change(files: Files) -> None:
        reports = files.frames["reports"]
        values = reports[column].astype(object)
        values.iloc[row] = value
        files.frames["reports"] = reports.assign(**{column: values})

    return change


@pytest.mark.parametrize(
    ("column", "row", "value", "message"),
    [
        (ID, 4, None, r"reports\.parquet: row 4: __index_level_0__ .* expected unique ids"),
        (ID, 4, 1003, r"reports\.parquet: row 4: __index_level_0__ 1003 .* expected unique ids"),
        (ID, 4, 4.5, r"reports\.parquet: row 4: __index_level_0__ 4\.5, expected a report id"),
        ("year", 9, 10, r"reports\.parquet: row 9: year 10, expected a year like 2019"),
        ("year", 9, 20111231, r"reports\.parquet: row 9: year 20111231, expected a year like 2019"),
        (RETURNS, 6, np.zeros(11), r"reports\.parquet: row 6: logged_\w+ has 11 values, expected 12"),
        (RETURNS, 6, np.linspace(40, 60, 12), r"reports\.parquet: row 6: .* another unit \(per cent\) or prices"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(tmp_path: Path, column: str, row: int, value: Any, message: str) -> None:
    assert re.match(message, refusal(tmp_path, report(column, row, value)))


@pytest.mark.parametrize("text", ["[0.01, 0.02, ..., 0.03]", "[0.01, up]", "0.01"])
def test_text_that_is_no_list_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    """The line of the file: texts hold line breaks, so that row 8 ends on line 19."""

    def change(files: Files) -> None:
        report(RETURNS, 8, text)(files)
        files.writers["reports"] = csv()

    lines = 1 + 2 * 9
    message = refusal(tmp_path, change)
    assert message.startswith(f"reports.csv: line {lines}: {RETURNS} '{text[:20]}")


def test_levels_are_no_returns(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        lists = files.frames["reports"][RETURNS]
        files.frames["reports"][RETURNS] = [list(30 * np.exp(np.cumsum(np.nan_to_num(v)))) for v in lists]

    assert re.match(r"reports\.parquet: row 0: .* above zero .* as prices are", refusal(tmp_path, change))


@pytest.mark.parametrize("every", [2, 3])
def test_per_cent_in_some_months_is_refused(tmp_path: Path, every: int) -> None:
    def change(files: Files) -> None:
        scale = np.where(np.arange(12) % every == 0, 100.0, 1.0)
        files.frames["reports"][RETURNS] = [list(v * scale) for v in files.frames["reports"][RETURNS]]

    assert re.match(r"reports\.parquet: row \d+: .*month \d+ is .* another unit", refusal(tmp_path, change))


def test_codes_of_missing_returns_are_missing_and_counted(tmp_path: Path) -> None:
    codes = {3: -66.0, 10: -77.0, 11: -99.0}

    def change(files: Files) -> None:
        reports = files.frames["reports"]
        reports[RETURNS] = [np.where(np.arange(12) == 2, codes.get(n, v), v) for n, v in enumerate(reports[RETURNS])]

    made, decisions = damaged(tmp_path, change)
    wanted = np.stack(small().frames["reports"][RETURNS].to_list())
    wanted[list(codes), 2] = np.nan
    np.testing.assert_array_equal(np.array(made["returns"]["returns"].to_pylist(), dtype=float), wanted)
    row = row_of(decisions, "left_out", "CRSP's codes")
    assert (row.count, row.example) == (3, "reports.parquet: row 3: -66")


def test_what_says_nothing_is_in_no_cluster(tmp_path: Path) -> None:
    """A placeholder, boilerplate of unlike companies, no text at all, and no active latent."""
    boilerplate = "Incorporated by reference to the annual report to shareholders."

    def change(files: Files) -> None:
        for row in (0, 1, 2):  # of three industries
            report("section_1", row, boilerplate)(files)
        report("section_1", 5, "N/A")(files)
        report("section_1", 6, None)(files)
        files.frames["features"].at[9, "features"] = np.zeros(20, dtype=np.float32)

    made, decisions = damaged(tmp_path, change)
    silent = {1000 + 3 * row for row in (0, 1, 2, 5, 6)}
    descriptions = frame(made, "descriptions")
    assert set(descriptions.loc[descriptions["description"].isna(), "report_id"]) == silent
    everyone = set(small().frames["reports"][ID])
    assert set(frame(made, "sae_features")["report_id"]) == everyone - silent - {1027}
    counts = {
        words: row_of(decisions, "left_out", words).count for words in ("placeholders", "boilerplate", "without a text")
    }
    assert counts == {"placeholders": 1, "boilerplate": 3, "without a text": 1}


def test_long_texts_that_companies_share_are_named_and_stay(tmp_path: Path) -> None:
    text = "We design, manufacture and sell pumps for water works in many countries. " * 8

    def change(files: Files) -> None:
        report("section_1", 0, text)(files)
        report("section_1", 13, text)(files)

    made, decisions = damaged(tmp_path, change)
    assert frame(made, "descriptions")["description"].notna().all()
    assert row_of(decisions, "suspicious", "text another company has").count == 2


def test_features_that_cannot_be_used_are_left_out(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        lists = files.frames["features"]["features"]
        files.frames["features"]["features"] = [
            {3: np.full(20, np.nan), 4: np.ones(19), 7: None}.get(n, np.asarray(v, dtype=float))
            for n, v in enumerate(lists)
        ]

    made, _ = damaged(tmp_path, change)
    assert set(small().frames["reports"][ID]) - set(frame(made, "sae_features")["report_id"]) == {1009, 1012, 1021}


@pytest.mark.parametrize("nothing", ["", "nan", "None", "  ", "N/A", "0", "0000000000"])
def test_no_cik_is_no_company_of_its_own(tmp_path: Path, nothing: str) -> None:
    def change(files: Files) -> None:
        ciks = files.frames["reports"]["cik"]
        files.frames["reports"]["cik"] = [nothing if n % 4 else cik for n, cik in enumerate(ciks)]

    made, _ = damaged(tmp_path, change)
    descriptions = frame(made, "descriptions")
    assert (len(descriptions), int(descriptions["cik"].isna().sum())) == (48, 36)


def test_codes_of_another_system_are_refused(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        files.frames["reports"]["sic_code"] = "541511"

    assert re.match(r"reports\.parquet: row 0: sic_code '541511'", refusal(tmp_path, change))


@pytest.mark.parametrize(("digits", "codes"), [(3, ["283", "737", "602", "131"]), (2, ["28", "73", "60", "13"])])
def test_groups_of_industries_stay_groups(tmp_path: Path, digits: int, codes: list[str]) -> None:
    divisions = ["Manufacturing", "Services", "Finance, Insurance, And Real Estate", "Mining"]

    def change(files: Files) -> None:
        files.frames["reports"]["sic_code"] = [codes[n % 4] for n in range(48)]

    made, decisions = damaged(tmp_path, change)
    table = frame(made, "descriptions").sort_values("report_id")
    assert table["sic_code"].tolist() == [codes[n % 4] for n in range(48)]
    assert table["industry"].tolist() == [divisions[n % 4] for n in range(48)]
    assert any(row.grade == "assumed" and "group" in row.what for row in decisions)


# --- files ---


def test_columns_and_files_that_are_not_read_are_named_with_the_nearest(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        frames = files.frames
        frames["reports"] = frames["reports"].rename(columns={"sic_code": "sic_cod"}).assign(auditor="x")
        files.texts |= {"pricess.csv": "a,b\n1,2\n", "thoughts.docx": "x"}

    _, decisions = damaged(tmp_path, change)
    unread = {row.subject: row.what for row in decisions if row.grade == "left_out" and "not read" in row.what}
    assert unread["sic_cod"] == "column `sic_cod` is not read: did you mean `sic_code`?"
    assert unread["auditor"] == "column `auditor` is not read"
    assert "did you mean `prices.csv`?" in unread["pricess.csv"]
    assert unread["thoughts.docx"] == "`thoughts.docx` is not read"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[report]\n", r"universe\.toml: \[report\] is no table of universe\.toml: did you mean reports\?"),
        ("[reports]\nseveral = 'last'\n", r"universe\.toml: \[reports\] several is 'last', expected latest or first"),
        (
            "[prices]\ndateformat = '%d'\n",
            r"universe\.toml: \[prices\] dateformat is no key: did you mean date_format\?",
        ),
        (
            "[reports]\ncolumns = {cik = 'CIK No'}\n",
            r"reports\.parquet: no column CIK No, which universe\.toml calls cik",
        ),
        ("reports", r"universe\.toml: not TOML"),
    ],
)
def test_what_universe_toml_cannot_say_is_refused(tmp_path: Path, toml: str, message: str) -> None:
    assert re.match(message, refusal(tmp_path, lambda files: files.texts.update({"universe.toml": toml})))


def broken(name: str, change: Callable[[bytes], bytes]) -> Callable[[pd.DataFrame, Path], None]:
    """Write a file, then change its bytes."""

    def write(rows: pd.DataFrame, path: Path) -> None:
        (csv() if name.endswith(".csv") else parquet)(rows, path)
        file = path.with_name(name)
        file.write_bytes(change(file.read_bytes()))

    return write


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("reports.parquet", lambda content: content[:-400], r"reports\.parquet: not a complete Parquet file"),
        ("reports.csv", lambda content: content + b"1,2,3\n", r"reports\.csv: .*expected lines of 8 values"),
        ("reports.csv", lambda content: content.replace(b"Company 3", b"Soci\xe9t\xe9 3"), r"reports\.csv: .*UTF-?8"),
        ("reports.csv", lambda content: b"", r"reports\.csv: an empty first line"),
        (
            "reports.csv",
            lambda content: content.replace(b"ticker", b"cik", 1),
            r"reports\.csv: two columns are named 'cik'",
        ),
    ],
    ids=["cut", "ragged", "latin-1", "empty", "doubled column"],
)
def test_a_broken_file_is_refused(tmp_path: Path, name: str, change: Callable[[bytes], bytes], message: str) -> None:
    written = broken(name, change)
    assert re.match(message, refusal(tmp_path, lambda files: files.writers.update({"reports": written})))


# --- prices ---


def price(column: str, row: int, value: Any) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        prices = files.frames["prices"]
        values = prices[column].astype(object)
        values.iloc[row] = value
        files.frames["prices"] = prices.assign(
            **{column: values.astype(type(value)) if column == "adj_close" else values}
        )

    return change


def test_dates_that_read_two_ways_are_refused_with_both(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        prices = files.frames["prices"]
        days = pd.to_datetime(prices["date"])
        few = prices[(days.dt.day <= 12).to_numpy()]
        files.frames["prices"] = few.assign(date=pd.to_datetime(few["date"]).dt.strftime("%d/%m/%Y"))

    message = refusal(tmp_path, change)
    assert re.match(r"prices\.parquet: row 0: date '01/12/2009' reads as 2009-12-01 and as 2009-01-12", message)
    assert "date_format" in message


def test_a_date_format_settles_it(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        prices = files.frames["prices"]
        few = prices[(pd.to_datetime(prices["date"]).dt.day <= 12).to_numpy()]
        files.frames["prices"] = few.assign(date=pd.to_datetime(few["date"]).dt.strftime("%d/%m/%Y"))
        files.rules["prices"] = 'date_format = "%d/%m/%Y"'

    made, _ = damaged(tmp_path, change)
    days = pd.to_datetime(small().frames["prices"]["date"])
    assert sorted(set(made["price_history"]["date"].to_pylist())) == sorted(set(days[days.dt.day <= 12].dt.date))


def text_of_closes(change: Callable[[Files], None]) -> Callable[[Files], None]:
    def write(files: Files) -> None:
        files.frames["prices"]["adj_close"] = files.frames["prices"]["adj_close"].map(str)
        change(files)

    return write


def of_days(change: Callable[[Files], None]) -> Callable[[Files], None]:
    def write(files: Files) -> None:
        files.frames["prices"]["date"] = files.frames["prices"]["date"].map(str)
        change(files)

    return write


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (of_days(price("date", 20, "31/02/2010")), r"prices\.parquet: row 20: date '31/02/2010', expected a date"),
        (of_days(price("date", 20, "yesterday")), r"prices\.parquet: row 20: date 'yesterday', expected a date"),
        (
            text_of_closes(price("adj_close", 9, "12,5")),
            r"prices\.parquet: row 9: adj_close '12,5', which reads as 12\.5 and as 125",
        ),
        (
            text_of_closes(price("adj_close", 9, "$12.50")),
            r"prices\.parquet: row 9: adj_close '\$12\.50', expected a number",
        ),
    ],
)
def test_a_price_that_is_none_is_named(tmp_path: Path, change: Callable[[Files], None], message: str) -> None:
    assert re.match(message, refusal(tmp_path, change))


def test_two_prices_on_a_day_are_refused(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        prices = files.frames["prices"]
        files.frames["prices"] = pd.concat([prices, prices.iloc[[7]].assign(adj_close=1.5)], ignore_index=True)

    message = refusal(tmp_path, change)
    assert re.match(rf"prices\.parquet: row {len(small().frames['prices'])}: .*T00.*2009-12-10", message)
    assert "1.5" in message


def test_prices_below_zero_are_none_and_zero_is_a_price(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        closes = files.frames["prices"]["adj_close"].to_numpy().copy()
        closes[[5, 6]], closes[-1], closes[8] = -12.5, 0.0, np.inf
        files.frames["prices"]["adj_close"] = closes

    made, decisions = damaged(tmp_path, change)
    prices = small().frames["prices"]
    assert len(made["price_history"]) == len(prices) - 3
    history = frame(made, "price_history").set_index(["ticker", "date"])["adj_close"]
    last = prices.iloc[-1]
    assert history.loc[last["ticker"], last["date"]] == 0.0
    assert sum(row.count for row in decisions if row.grade == "left_out" and row.subject == "adj_close") == 3


def test_prices_of_other_companies_are_refused(tmp_path: Path) -> None:
    files = small()
    files.frames["prices"]["ticker"] = "X" + files.frames["prices"]["ticker"]
    decisions = check_folder(files.write(tmp_path / "universe"))
    assert "no ticker of the reports (BRK-B, T00, T02" in row_of(decisions, "refused", "no ticker").what


def test_tickers_without_a_price_are_named(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        prices = files.frames["prices"]
        files.frames["prices"] = prices[~prices["ticker"].isin(["T04", "T09"])]

    _, decisions = damaged(tmp_path, change)
    row = row_of(decisions, "missing", "tickers of reports without a price")
    assert (row.count, row.example) == (2, "T04, T09")


def from_prices(files: Files) -> np.ndarray:
    """(48, 12) log returns between month-ends, by pandas."""
    prices = files.frames["prices"].assign(month=pd.to_datetime(files.frames["prices"]["date"]).dt.to_period("M"))
    ends = prices.groupby(["ticker", "month"])["adj_close"].last().unstack("ticker")
    change = np.log(ends).diff()
    reports = files.frames["reports"]
    return np.stack([
        change.loc[f"{year}-01":f"{year}-12", ticker].to_numpy()
        for ticker, year in zip(reports["ticker"], reports["year"], strict=True)
    ])  # fmt: skip


def test_returns_come_from_prices_where_there_are_none(tmp_path: Path) -> None:
    made, decisions = damaged(tmp_path, lambda files: files.frames["reports"].pop(RETURNS))
    lists = np.array(made["returns"]["returns"].to_pylist(), dtype=float)
    np.testing.assert_allclose(lists, from_prices(small()), rtol=1e-12)
    assert any(row.grade == "assumed" and "month-end" in row.what for row in decisions)


@pytest.mark.parametrize(
    ("shift", "words"), [("year", "year"), ("month", "month"), ("simple", "simple"), ("nothing", "")]
)
def test_returns_that_contradict_the_prices_are_named(tmp_path: Path, shift: str, words: str) -> None:
    def change(files: Files) -> None:
        matrix = from_prices(files)
        years = matrix.reshape(4, 12, 12)
        changed = {
            "year": lambda: np.roll(years, 1, axis=0).reshape(48, 12),
            "month": lambda: np.roll(matrix, 1, axis=1),
            "simple": lambda: np.expm1(matrix),
            "nothing": lambda: matrix,
        }
        files.frames["reports"][RETURNS] = list(changed[shift]())

    _, decisions = damaged(tmp_path, change)
    rows = [row.what for row in decisions if row.grade == "suspicious" and "prices" in row.what]
    assert any(words in what for what in rows) if words else rows == []


def test_a_split_that_nobody_adjusted_for_is_a_warning(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        prices = files.frames["prices"]
        after = (prices["ticker"] == "T05") & (pd.to_datetime(prices["date"]) >= "2012-06-11")
        files.frames["prices"] = prices.assign(adj_close=prices["adj_close"].where(~after, prices["adj_close"] / 2))

    _, decisions = damaged(tmp_path, change)
    row = row_of(decisions, "suspicious", "split")
    assert row.count == 1
    assert row.example.startswith("T05 on 2012-06-11")


# --- factors, groups, pairs ---


def test_factors_of_two_units_are_refused(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        market = files.frames["factors"]["Mkt-RF"]
        files.frames["factors"]["Mkt-RF"] = np.where(np.arange(len(market)) % 2, 100 * market, market)

    assert re.match(r"factors\.parquet: row \d+: ", refusal(tmp_path, change))


def test_a_month_of_factors_twice_is_refused(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        factors = files.frames["factors"]
        files.frames["factors"] = pd.concat([factors, factors.iloc[[3]].assign(SMB=0.5)], ignore_index=True)

    assert re.match(r"factors\.parquet: row 72: .*each month once", refusal(tmp_path, change))


def test_noise_is_no_cluster(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        groups = files.frames[GROUPS]
        files.frames[GROUPS] = groups.assign(cluster_id=[-1 if n % 3 else n % 2 for n in range(len(groups))])

    made, decisions = damaged(tmp_path, change)
    table = frame(made, "baseline_clusters")
    groups = table[table["method"] == "GROUPS"]
    wanted = {1000 + 3 * n: str(n % 2) for n in range(48) if n % 3 == 0}
    assert dict(zip(groups["report_id"], groups["cluster_id"], strict=True)) == wanted
    assert row_of(decisions, "left_out", "-1").count == 32


def test_a_report_of_two_clusters_is_refused(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        groups = files.frames[GROUPS]
        files.frames[GROUPS] = pd.concat([groups, groups.iloc[[1]].assign(cluster_id="9")], ignore_index=True)

    assert re.match(r"published_clusters/GROUPS\.parquet: row 48: ", refusal(tmp_path, change))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("Company2", 1000, r"pairs\.parquet: row 0: the pair \(1000, 1000\) is of a report with itself"),
        ("correlation", 1.2, r"pairs\.parquet: row 0: the pair \(1000, 1003\) has a correlation outside"),
    ],
)
def test_a_pair_that_is_none_is_refused(tmp_path: Path, column: str, value: float, message: str) -> None:
    def change(files: Files) -> None:
        files.frames["pairs"].loc[0, column] = value

    assert re.match(message, refusal(tmp_path, change))
