"""One set of prices in the layouts of the field is one table; what cannot be one is named with file and row."""

import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.universe.prices.folders import decisions, in_rows, of_grade, read, rows, write
from compsim_assets_tests.universes import write_reports

DAYS = pd.bdate_range("2020-02-24", periods=18).to_list()  # over the change of New York's clock on the 8th of March


@st.composite
def wide_prices(draw: st.DrawFn) -> pd.DataFrame:
    """Some days and tickers, some prices missing, none of a day or ticker."""
    tickers = draw(st.lists(st.sampled_from(["AAPL", "BRK-B", "LOW", "NA", "T", "7203-T"]), min_size=2, unique=True))
    days = sorted(draw(st.lists(st.sampled_from(DAYS), min_size=2, max_size=6, unique=True)))
    prices = st.one_of(st.floats(0.01, 1e5).map(lambda x: round(x, 4)), st.just(0.0), st.just(np.nan))
    values = [[draw(prices) for _ in tickers] for _ in days]
    frame = pd.DataFrame(values, index=pd.DatetimeIndex(days), columns=tickers)
    frame.iloc[0] = frame.iloc[0].fillna(1.25)
    frame.iloc[:, 0] = frame.iloc[:, 0].fillna(2.5)
    return frame


def long_of(wide: pd.DataFrame, dates: Callable[[pd.Series], pd.Series]) -> pd.DataFrame:
    long = wide.rename_axis(index="date", columns="ticker").stack().dropna().rename("adj_close").reset_index()
    long["date"] = dates(long["date"])
    return long.sample(frac=1, random_state=0)


DATES: dict[str, Callable[[pd.Series], pd.Series]] = {
    "days": lambda d: d.dt.date,
    "times": lambda d: d + pd.Timedelta(hours=16),
    "zoned": lambda d: d.dt.tz_localize("America/New_York"),
    "text": lambda d: d.dt.strftime("%Y-%m-%d"),
    "text of zoned": lambda d: d.dt.tz_localize("America/New_York").astype(str),
    "numbers": lambda d: d.dt.strftime("%Y%m%d").astype(int),
    "floats": lambda d: d.dt.strftime("%Y%m%d").astype(float),
    "sas": lambda d: d.dt.strftime("%d%b%Y").str.upper(),
}  # fmt: skip


def fields_of(wide: pd.DataFrame, order: list[str], names: list[str | None]) -> pd.DataFrame:
    """A download of yfinance: the prices as `order[0]`, other numbers as the other fields."""
    fields = {name: wide if name == order[0] else 2 * wide + 1 for name in order}
    frame = pd.concat(fields, axis=1, names=names)
    frame.index.name = "Date"
    return frame


def by_ticker(wide: pd.DataFrame) -> pd.DataFrame:
    return fields_of(wide, ["Close", "Open", "Volume"], ["Price", "Ticker"]).swaplevel(axis=1).sort_index(axis=1)


def write_per_ticker(wide: pd.DataFrame, folder: Path) -> None:
    (folder / "prices").mkdir()
    for n, ticker in enumerate(wide):
        adjusted = wide[ticker].dropna()
        frame = pd.DataFrame({"Open": 1.0, "Close": 2 * adjusted, "Adj Close": adjusted, "Volume": 5})
        frame.rename_axis("Date").to_csv(folder / "prices" / f"{ticker}.csv{'.gz' * (n % 2)}")


ADJUSTED, CLOSE = ["Adj Close", "Close", "Volume"], ["Close", "Open"]
FORMS: dict[str, Callable[[pd.DataFrame, Path], object]] = {
    "wide csv": lambda w, f: w.rename_axis("Date").to_csv(f / "prices.csv"),
    "wide csv, semicolons": lambda w, f: w.rename_axis("day").to_csv(f / "prices.csv", sep=";"),
    "wide csv, index without a name": lambda w, f: w.to_csv(f / "prices.csv.gz"),
    "wide csv, words": lambda w, f: w.rename_axis("Date").to_csv(f / "prices.csv", na_rep="null"),
    "wide parquet": lambda w, f: w.rename_axis("Date").to_parquet(f / "prices.parquet"),
    "wide parquet, index without a name": lambda w, f: w.to_parquet(f / "prices.parquet"),
    "wide parquet, zoned": lambda w, f: w.tz_localize("Asia/Tokyo").to_parquet(f / "prices.parquet"),
    "yfinance": lambda w, f: fields_of(w, CLOSE, ["Price", "Ticker"]).to_csv(f / "prices.csv"),
    "yfinance, adjusted": lambda w, f: fields_of(w, ADJUSTED, ["Price", "Ticker"]).to_csv(f / "prices.csv.gz"),
    "yfinance, older": lambda w, f: fields_of(w, ADJUSTED, [None, None]).to_csv(f / "prices.csv"),
    "yfinance, two lines": lambda w, f: fields_of(w, ADJUSTED, [None, None]).rename_axis(None).to_csv(f / "prices.csv"),
    "yfinance, index reset": lambda w, f: fields_of(w, ADJUSTED, [None, None]).reset_index().to_csv(f / "prices.csv"),
    "yfinance, by ticker": lambda w, f: by_ticker(w).to_csv(f / "prices.csv"),
    "yfinance, parquet": lambda w, f: fields_of(w, ADJUSTED, ["Price", "Ticker"]).to_parquet(f / "prices.parquet"),
    "yfinance, parquet by ticker": lambda w, f: by_ticker(w).to_parquet(f / "prices.parquet"),
    "yfinance, flat": lambda w, f: (
        fields_of(w, ADJUSTED, [None, None]).set_axis([f"{t}_{n}" for n in ADJUSTED for t in w], axis=1)
        .to_csv(f / "prices.csv")
    ),
    "a file per ticker": write_per_ticker,
}  # fmt: skip


def test_all_layouts_are_one_table() -> None:
    @settings(max_examples=8, deadline=None, derandomize=True)
    @given(wide_prices())
    def check(wide: pd.DataFrame) -> None:
        wanted = in_rows(wide)
        for form, write_form in FORMS.items():
            with tempfile.TemporaryDirectory() as name:
                write_form(wide, Path(name))
                assert rows(read(Path(name))) == wanted, form

    check()


def test_all_dates_and_files_are_one_table() -> None:
    @settings(max_examples=8, deadline=None, derandomize=True)
    @given(wide_prices(), st.sampled_from(["csv", "csv.gz", "parquet", "two files"]))
    def check(wide: pd.DataFrame, kind: str) -> None:
        wanted = in_rows(wide)
        for how, dates in DATES.items():
            long = long_of(wide, dates)
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                if kind == "two files":
                    (folder / "prices").mkdir()
                    long[::2].to_csv(folder / "prices" / "b.csv", index=False)
                    long[1::2].to_parquet(folder / "prices" / "a.parquet", index=False)
                elif kind == "parquet":
                    long.to_parquet(folder / "prices.parquet", index=False)
                else:
                    long.to_csv(folder / f"prices.{kind}", index=False)
                assert rows(read(folder)) == wanted, how

    check()


def test_a_plain_folder_gives_one_decision(tmp_path: Path) -> None:
    assert Universe(tmp_path).prices() is None
    frame = pd.DataFrame({"ticker": ["B", "A"], "date": ["2020-01-02"] * 2, "adj_close": [3.5, 2.5]})
    frame.to_parquet(tmp_path / "prices.parquet")
    prices = read(tmp_path)
    assert prices.tickers == ["A", "B"]
    assert (prices.code.dtype, prices.day.dtype, prices.close.dtype) == (np.int32, "datetime64[D]", np.float64)
    assert rows(prices) == [("A", "2020-01-02", 2.5), ("B", "2020-01-02", 3.5)]
    assert prices.table().schema == pa.schema({"ticker": pa.string(), "date": pa.date32(), "adj_close": pa.float64()})
    what = "a long table: 2 prices of 2 tickers, 2020-01-02 to 2020-01-02"
    assert decisions(tmp_path) == [("fine", "prices", what, 2)]


def test_values_as_people_write_them(tmp_path: Path) -> None:
    write(tmp_path, 'symbol,date,close\naapl ,2020-01-02,"1,234.50"\nbrk.b,2020-01-02,null\nBRK/B,2020-01-03, 7 \n')
    assert rows(read(tmp_path)) == [("AAPL", "2020-01-02", 1234.5), ("BRK-B", "2020-01-03", 7.0)]
    assert of_grade(tmp_path, "left_out") == {"rows without a price are left out": 1}
    assert of_grade(tmp_path, "assumed") == {
        "`close` is read as adj_close: taken as adjusted for splits and dividends": 1,
        "column `symbol` is read as ticker": 1,
    }


def test_what_is_no_price_is_left_out_and_counted(tmp_path: Path) -> None:
    values = [1.0, -2.0, np.inf, None, 0.0, 3.0, 4.0]
    tickers = ["A", "A", "A", "A", "A", "", "B"]
    dates = [*pd.date_range("2020-01-01", periods=6), None]
    pd.DataFrame({"ticker": tickers, "date": dates, "adj_close": values}).to_parquet(tmp_path / "prices.parquet")
    assert rows(read(tmp_path)) == [("A", "2020-01-01", 1.0), ("A", "2020-01-05", 0.0)]
    whats = (
        "rows without a ticker",
        "rows without a date",
        "rows without a price",
        "negative prices",
        "infinite prices",
    )
    assert of_grade(tmp_path, "left_out") == {f"{what} are left out": 1 for what in whats}
    assert of_grade(tmp_path, "fine")["prices of 0 are total losses"] == 1
    universe = Universe(tmp_path)
    universe.prices()
    example = next(row.example for row in universe.decisions if row.what.startswith("negative"))
    assert example == "prices.parquet: row 1: -2"


def test_crsp(tmp_path: Path) -> None:
    write(
        tmp_path,
        "permno,date,prc,cfacpr,vol\n10107.0,20200102,-50,2,1\n10107.0,20200103,60,2,1\n10107,20200106,0,2,1\n",
    )
    assert rows(read(tmp_path)) == [("10107", "2020-01-02", 25.0), ("10107", "2020-01-03", 30.0)]
    assumed = of_grade(tmp_path, "assumed")
    assert assumed["`prc` / `cfacpr` is read as adj_close: adjusted for splits, not dividends"] == 1
    assert assumed["negative `prc` is the mean of bid and ask, as CRSP marks it: taken as positive"] == 1
    left_out = {"rows without a price are left out": 1, "columns are not read: vol": 1}
    assert of_grade(tmp_path, "left_out") == left_out
    write(tmp_path, "ticker,date,PRC\nMSFT,20200102,-50\n")
    assert rows(read(tmp_path)) == [("MSFT", "2020-01-02", 50.0)]
    assert of_grade(tmp_path, "suspicious") == {
        "`PRC` is read as adj_close: it is not adjusted for splits and dividends": 1
    }


def test_an_adjusted_price_is_not_divided_again(tmp_path: Path) -> None:
    write(tmp_path, "ticker,date,adj_close,cfacpr\nA,20200102,50,2\n")
    assert rows(read(tmp_path)) == [("A", "2020-01-02", 50.0)]


def test_permnos_get_the_ticker_of_the_reports(tmp_path: Path) -> None:
    write(tmp_path, "permno,date,adj_close\n10107,20200102,5\n10026,20200102,7\n99,20200102,1\n")
    write_reports(tmp_path, ticker=["msft", "MSFT", "JJSF", None], permno=[10107.0, 10107.0, 10026.0, None])
    prices = read(tmp_path)
    assert rows(prices) == [("99", "2020-01-02", 1.0), ("JJSF", "2020-01-02", 7.0), ("MSFT", "2020-01-02", 5.0)]
    assert of_grade(tmp_path, "assumed") == {
        "column `permno` is read as ticker": 1,
        "prices are named by permno: they get the ticker that the reports have for it": 2,
        "prices are named by permno, and no report has a ticker for it: the number is their ticker": 1,
    }
    write_reports(tmp_path, ticker=["FB", "META", "JJSF", None], permno=[10107, 10107, 10026, None])
    with pytest.raises(UniverseError, match=r"permno 10107 is ticker FB and META, .* give the prices a column ticker"):
        read(tmp_path)


def test_equal_rows_count_once(tmp_path: Path) -> None:
    write(tmp_path, "ticker,date,adj_close\nA,2020-01-02,5\nA,2020-01-03,6\n", "prices/1.csv")
    write(tmp_path, "ticker,date,adj_close\na,2020-01-03,6.0\nA,2020-01-06,7\n", "prices/2.csv")
    assert [day for _, day, _ in rows(read(tmp_path))] == ["2020-01-02", "2020-01-03", "2020-01-06"]
    assert of_grade(tmp_path, "left_out") == {"rows that are there twice, with the same price, count once": 1}


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (
            "BRK-B,2020-01-03,6.5",
            "2.csv: line 3: BRK-B on 2020-01-03 has the price 6.5, and 6.0 at {}: line 3, expected",
        ),
        ("brk.b,2020-01-03,6.5", "line 3 ('BRK-B' and 'brk.b' are one ticker), expected one price a ticker and day"),
    ],
)
def test_two_prices_of_a_day_are_refused(tmp_path: Path, second: str, message: str) -> None:
    first = write(tmp_path, "ticker,date,adj_close\nBRK-B,2020-01-02,5\nBRK-B,2020-01-03,6\n", "prices/1.csv")
    write(tmp_path, f"ticker,date,adj_close\nX,2020-01-02,1\n{second}\n", "prices/2.csv")
    with pytest.raises(UniverseError) as raised:
        read(tmp_path)
    assert message.format(first) in str(raised.value)
    assert str(raised.value).startswith(f"{tmp_path}/prices/2.csv: line 3: BRK-B on 2020-01-03")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ticker,date,adj_close\nA,2020-01-02,5\nA,2020-01-03,abc\n", "line 3: adj_close 'abc', expected a number"),
        ("ticker,date,adj_close\nA,2020-01-02,\"12,5\"\n", "line 2: adj_close '12,5', which reads as 12.5 and as 125"),
        ("ticker,date,adj_close\nA,2020-01-02,5\nA,soon,5\n", "line 3: date 'soon', expected a date like 2019-12-31"),
        ("ticker,date,adj_close\nA,2020-02-30,5\n", "line 2: date '2020-02-30', expected a date"),
        (
            "ticker,date,adj_close\nA,03/04/2020,5\nA,05/06/2020,5\n",
            "line 2: date '03/04/2020' reads as 2020-04-03 and as 2020-03-04, .* say date_format in universe.toml",
        ),
        ("ticker,date,adj_close\nA,13/04/2020,5\nA,04/14/2020,5\n", "line 3: date .* are written in two ways"),
        ("Date,AAPL,MSFT\n2020-01-02,1,2\n2020-01-03,x,2\n", "line 3: AAPL 'x', expected a number"),
        (",Close,Close\n,AAPL,MSFT\nDate,,\n2020-01-02,1,?\n", r"line 4: \('Close', 'MSFT'\) '\?', expected a number"),
        ("ticker,adj_close\nA,5\n", r"no column date; found ticker, adj_close, .* columns = \{date = \"...\"\}"),
        ("ticker,date,px\nA,2020-01-02,5\n", "no column adj_close; found ticker, date, px"),
        ("Date,Open,Close\n2020-01-02,1,2\n", "no column ticker; found Date, Open, Close"),
        ("Date\n2020-01-02\n", "no column ticker, adj_close; found Date"),
        (",Open,Volume\n,A,A\nDate,,\n2020-01-02,1,2\n", "two columns|no column|expected"),
        ("ticker,date,adj_close\nA,2020-01-02,5,6\n", "Expected 3 columns, got 4.*expected lines of 3 values"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UniverseError, match=message) as raised:
        read(tmp_path)
    assert str(raised.value).startswith(f"{path}: ")


def test_the_universe_says_columns_and_dates(tmp_path: Path) -> None:
    write(tmp_path, "id;when;px;close\nA;03/04/2020;5;9\nA;05/04/2020;6;9\n")
    toml = '[prices]\ncolumns = {ticker = "id", date = "when", adj_close = "px"}\ndate_format = "%d/%m/%Y"\n'
    write(tmp_path, toml, "universe.toml")
    assert rows(read(tmp_path)) == [("A", "2020-04-03", 5.0), ("A", "2020-04-05", 6.0)]
    write(tmp_path, toml.replace('"px"', '"pxx"'), "universe.toml")
    with pytest.raises(UniverseError, match=r"prices\.csv: no column pxx, which universe.toml calls adj_close.*px"):
        read(tmp_path)


def test_the_universe_says_the_field_of_a_download(tmp_path: Path) -> None:
    write(tmp_path, "Price,Adj Close,Open\nTicker,A,A\nDate,,\n2020-01-02,5,4\n")
    write(tmp_path, '[prices]\ncolumns = {adj_close = "Open"}\n', "universe.toml")
    assert rows(read(tmp_path)) == [("A", "2020-01-02", 4.0)]


def test_days_before_months_by_the_other_dates(tmp_path: Path) -> None:
    write(tmp_path, "ticker,date,adj_close\nA,03/04/2020,5\nA,13/04/2020,6\n")
    assert [day for _, day, _ in rows(read(tmp_path))] == ["2020-04-03", "2020-04-13"]
    assert of_grade(tmp_path, "assumed") == {"dates are read day first: some are beyond 12": 1}


def test_months_stamped_with_their_first_day_are_named(tmp_path: Path) -> None:
    months = pd.date_range("2019-01-01", periods=24, freq="MS")
    frame = pd.DataFrame({"A": np.arange(1.0, 25), "B": 2.0}, index=months)
    frame.rename_axis("Date").to_csv(tmp_path / "prices.csv")
    what = "prices a month, stamped with its first day, are taken as the month's last closes"
    assert of_grade(tmp_path, "assumed")[what] == 48
    frame.set_axis(months + pd.offsets.MonthEnd(0)).rename_axis("Date").to_csv(tmp_path / "prices.csv")
    assert what not in of_grade(tmp_path, "assumed")


def test_unused_columns_are_one_row(tmp_path: Path) -> None:
    wide = pd.DataFrame({"A": [1.0], "B": [2.0]}, index=pd.DatetimeIndex(["2020-01-02"]))
    write_per_ticker(wide, tmp_path)
    assert of_grade(tmp_path, "left_out") == {"columns are not read: Open, Close, Volume": 6}
    assert of_grade(tmp_path, "assumed") == {
        "a file without a column of tickers is that of the ticker in its name": 2,
        "column `Date` is read as date": 2,
    }


def test_a_file_that_is_cut_is_named(tmp_path: Path) -> None:
    path = tmp_path / "prices.parquet"
    pq.write_table(pa.table({"ticker": ["A"], "date": ["2020-01-02"], "adj_close": [1.0]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UniverseError, match=rf"{path}: not a complete Parquet file"):
        read(tmp_path)
    (tmp_path / "prices.parquet").unlink()
    (tmp_path / "prices.csv.gz").write_bytes(gzip.compress(b"ticker,date,adj_close\nA,2020-01-02,5\n")[:-12])
    with pytest.raises(UniverseError, match=r"prices\.csv\.gz: "):
        read(tmp_path)


def test_no_rows(tmp_path: Path) -> None:
    write(tmp_path, "ticker,date,adj_close\n")
    assert rows(read(tmp_path)) == []
    assert read(tmp_path).table().num_rows == 0
