"""Reports with something wrong in them: the right answer, worked out apart from the platform, or one refusal."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import ID, RETURNS
from compsim_assets_tests.spellings.damaged import damaged, frame, refusal, row_of
from compsim_assets_tests.spellings.files import Files, parquet, small
from compsim_assets_tests.spellings.spellings import GROUPS, csv


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


@pytest.mark.parametrize("how", ["%Y-%m-%dT%H:%M:%SZ", "%Y%m%d%H%M%S", "%Y-%m-%d %H:%M"])
def test_of_one_day_the_latest_is_the_one_of_the_later_time(tmp_path: Path, how: str) -> None:
    noon, nine = (f"{pd.Timestamp(f'2011-02-15 {hour}'):{how}}" for hour in ("12:00", "09:00"))

    def change(files: Files) -> None:
        amended(files, filed=nine)
        files.frames["reports"]["filed"] = files.frames["reports"]["filed"].fillna(noon)

    made, _ = damaged(tmp_path, change)
    assert 9999 not in frame(made, "descriptions")["report_id"].tolist()


def test_filing_dates_are_read_where_they_decide(tmp_path: Path) -> None:
    """Of the reports that are alone nothing is asked; an order of day and month can be said."""

    def change(files: Files) -> None:
        amended(files, filed="03/04/2011")
        files.frames["reports"]["filed"] = files.frames["reports"]["filed"].fillna("soon")
        files.frames["reports"].loc[5, "filed"] = "04/03/2011"
        files.rules["reports"] = 'date_format = "%m/%d/%Y"'

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
        ("cik", 6, "3.20E+05", r"reports\.parquet: row 6: cik '3\.20E\+05', a number that a spreadsheet shortened"),
        (ID, 4, 2.0**53 + 2, r"reports\.parquet: row 4: __index_level_0__ .*: floats of this size lose digits"),
        (RETURNS, 6, np.r_[2010, np.zeros(11)], r"reports\.parquet: row 6: .*month 1 is 2010 .*no price can do"),
        (RETURNS, 6, np.r_[-999, np.zeros(11)], r"reports\.parquet: row 6: .*month 1 is -999 .*no price can do"),
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


def test_a_return_a_row_is_refused(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        files.frames["reports"][RETURNS] = 0.01

    assert re.match(r"reports\.parquet: row 0: logged_\w+ 0\.01, expected a list of 12", refusal(tmp_path, change))


def test_what_has_no_correlation_is_named(tmp_path: Path) -> None:
    """No list at all, twelve months that are the same, and an infinite one."""

    def change(files: Files) -> None:
        report(RETURNS, 2, None)(files)
        report(RETURNS, 3, np.zeros(12))(files)
        report(RETURNS, 4, np.r_[-np.inf, np.linspace(0, 0.1, 11)])(files)

    _, decisions = damaged(tmp_path, change)
    assert row_of(decisions, "missing", "without returns").example == "reports.parquet: row 2"
    assert row_of(decisions, "suspicious", "all the same").example == "reports.parquet: row 3"
    assert row_of(decisions, "left_out", "infinite").example == "reports.parquet: row 4"


def test_the_check_names_features_that_a_run_leaves_out(tmp_path: Path) -> None:
    """Also in the second file, whose lists are shorter."""

    def write(rows: pd.DataFrame, path: Path) -> None:
        path.mkdir()
        lists = [np.asarray(v, dtype=float) for v in rows["features"]]
        lists[4] = np.full(20, np.nan)
        whole = rows.assign(features=lists)
        parquet(whole[:24], path / "1")
        csv()(whole[24:].assign(features=[v[:15] for v in lists[24:]]), path / "2")

    made, decisions = damaged(tmp_path, lambda files: files.writers.update(features=write))
    assert len(frame(made, "sae_features")) == 23
    assert row_of(decisions, "left_out", "not finite").file == "features/1.parquet"
    shorter = row_of(decisions, "left_out", "length is not 20")
    assert (shorter.file, shorter.count) == ("features/2.csv", 24)
    assert not [row for row in decisions if row.subject == "features" and row.grade == "missing"]


def test_features_twice_are_refused_by_the_check_too(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        files.frames["features"].loc[3, ID] = 1000

    assert refusal(tmp_path, change).startswith(f"features.parquet: {ID} 1000 occurs twice")


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


def test_names_are_one_company_whatever_their_full_stops(tmp_path: Path) -> None:
    """Without ciks and tickers; a second report of the year makes it seen."""

    def change(files: Files) -> None:
        reports = files.frames["reports"].assign(
            cik=None, ticker=None, company_name="Acme " + files.frames["reports"]["cik"]
        )
        second = reports.iloc[[5]].assign(**{ID: 9999, "company_name": reports["company_name"] + ", INC."})
        reports["company_name"] += " Inc"
        files.frames["reports"] = pd.concat([reports, second], ignore_index=True)

    _, decisions = damaged(tmp_path, change)
    assert row_of(decisions, "left_out", "several reports").count == 1


def test_the_permno_is_the_ticker_where_there_is_none(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        reports, prices = files.frames["reports"], files.frames["prices"]
        number = {ticker: 10000.0 + n for n, ticker in enumerate(sorted(set(reports["ticker"])))}
        files.frames["reports"] = reports.assign(permno=reports["ticker"].map(number)).drop(columns="ticker")
        files.frames["prices"] = prices.assign(ticker=prices["ticker"].map(number)).rename(columns={"ticker": "PERMNO"})

    made, decisions = damaged(tmp_path, change)
    tickers = set(frame(made, "descriptions")["ticker"])
    assert tickers == set(frame(made, "price_history")["ticker"]) == {str(10000 + n) for n in range(12)}
    assert row_of(decisions, "assumed", "the permno is the ticker").count == 48


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


def without_ids(files: Files) -> None:
    """Nothing but texts and prices."""
    files.frames["reports"].pop(ID)
    for name in ("features", "pairs", GROUPS):
        files.frames.pop(name)


def test_made_ids_stay_when_rows_are_added(tmp_path: Path) -> None:
    ids: list[dict[tuple[str, int], int]] = []
    for first in (0, 10):
        files = small()
        without_ids(files)
        files.frames["reports"] = files.frames["reports"][first:].sample(frac=1, random_state=first)
        reports = Universe(files.write(tmp_path / f"from {first}")).reports()
        assert reports[ID].is_unique
        assert reports[ID].between(0, 2**53).all()
        ids.append({(cik, year): i for cik, year, i in zip(reports["cik"], reports["year"], reports[ID], strict=True)})
    assert len(ids[1]) == 38
    assert ids[1].items() <= ids[0].items()


def test_ids_cannot_be_made_of_nothing(tmp_path: Path) -> None:
    def change(files: Files) -> None:
        without_ids(files)
        report("cik", 3, None)(files)
        report("ticker", 3, None)(files)
        report("company_name", 3, None)(files)

    message = refusal(tmp_path, change)
    assert re.match(r"reports\.parquet: row 3: a report without cik, ticker and name, and no column", message)
