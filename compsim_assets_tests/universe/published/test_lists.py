"""The published pairs and tickers as tables, and what is said about broken ones."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.published import read_cointegrated_pairs, read_tickers

HEADER = "Company1,Company2,ClusterID,Correlation,ADFStat,p-value"
LINE = "75,76,6798_2012,0.9,-4.5,0.001"


def pairs(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "cointegrated_pairs_C-CD.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def tickers(folder: Path, value: Any) -> Path:
    path = folder / "index_cik_ticker_map.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_pairs_are_a_table_in_the_files_order(tmp_path: Path) -> None:
    path = pairs(tmp_path, LINE, '10,9.0,"Oil, Gas_and more_1996",-0.5,-inf,0.0')
    found = read_cointegrated_pairs(path)
    assert list(found.itertuples(index=False, name=None)) == [
        ("6798", 2012, 75, 76, 0.9, -4.5, 0.001),
        ("Oil, Gas_and more", 1996, 10, 9, -0.5, -np.inf, 0.0),
    ]
    assert found.dtypes.map(str).to_dict() == {
        "cluster_id": "string",
        "year": "int64",
        "report_a": "int64",
        "report_b": "int64",
        "correlation": "float64",
        "adf_statistic": "float64",
        "p_value": "float64",
    }


@pytest.mark.parametrize("index", [True, False])
def test_pairs_as_pandas_writes_them_are_read(tmp_path: Path, index: bool) -> None:
    path = pairs(tmp_path, LINE)
    expected = read_cointegrated_pairs(path)
    pd.read_csv(path).to_csv(path, index=index, encoding="utf-8-sig")
    pd.testing.assert_frame_equal(read_cointegrated_pairs(path), expected)


def test_no_pairs_are_an_empty_table(tmp_path: Path) -> None:
    found = read_cointegrated_pairs(pairs(tmp_path))
    assert found.empty
    assert found["year"].dtype == np.int64


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("75,76,6798_2012,0.9,-4.5", r"line 3: 5 values, expected 6"),
        ("x,76,6798_2012,0.9,-4.5,0", r"line 3: companies 'x' and '76', expected two report ids"),
        ("75,1.5,6798_2012,0.9,-4.5,0", r"line 3: companies '75' and '1\.5'"),
        ("75,75,6798_2012,0.9,-4.5,0", r"line 3: companies '75' and '75'"),
        ("75,76,6798,0.9,-4.5,0", r"line 3: ClusterID '6798', expected like 6798_2012"),
        ("75,76,2012_x,0.9,-4.5,0", r"line 3: ClusterID '2012_x'"),
        ("75,76,_2012,0.9,-4.5,0", r"line 3: ClusterID '_2012'"),
        ("75,76,6798_2012,,-4.5,0", r"line 3: Correlation '', expected a number"),
        ("75,76,6798_2012,inf,-4.5,0", r"line 3: Correlation 'inf', expected a number"),
        ("75,76,6798_2012,0.9,nan,0", r"line 3: ADFStat 'nan', expected a number"),
        ("75,76,6798_2012,0.9,-4.5,p", r"line 3: p-value 'p', expected a number"),
        ('75,76,"6798_2012,0.9', r".*expected a CSV of pairs"),
    ],
)
def test_a_broken_pair_is_named_with_its_line(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(UniverseError, match=rf"cointegrated_pairs_C-CD\.csv: {said}"):
        read_cointegrated_pairs(pairs(tmp_path, LINE, line))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = pairs(tmp_path, header=HEADER.replace("ADFStat", "ADF"))
    with pytest.raises(UniverseError, match="line 1: no column ADFStat"):
        read_cointegrated_pairs(path)


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UniverseError, match=r"none\.csv.*expected a CSV"):
        read_cointegrated_pairs(tmp_path / "none.csv")
    with pytest.raises(UniverseError, match=r"none\.json.*expected a JSON"):
        read_tickers(tmp_path / "none.json")


def test_the_first_ticker_is_the_main_one(tmp_path: Path) -> None:
    path = tickers(
        tmp_path,
        {
            "3": {"cik": "0075252", "ticker": ["OMI", "OMI-W"]},
            "0": {"cik": 42, "ticker": "IBM "},
            "7": {"cik": None, "ticker": []},
            "8": {"cik": "1", "ticker": None},
            "9": {"cik": "1", "ticker": ["", "A"]},
        },
    )
    found = read_tickers(path)
    assert found.dtypes.map(str).to_list() == ["int64", "string", "string", "string"]
    assert found.astype(object).where(found.notna(), None).to_numpy().tolist() == [
        [3, "0075252", "OMI", "OMI;OMI-W"],
        [0, "42", "IBM", "IBM"],
        [7, None, None, ""],
        [8, "1", None, ""],
        [9, "1", "A", "A"],
    ]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{", "expected a JSON object"),
        ([], "holds a list, expected a JSON object"),
        ({"x": {"cik": "1", "ticker": []}}, "entry 'x': expected a report id, each once"),
        (
            {"1": {"cik": "1", "ticker": []}, "01": {"cik": "1", "ticker": []}},
            "entry '01': expected a report id, each once",
        ),
        ({"1": ["A"]}, "entry '1': expected cik and ticker"),
        ({"1": {"cik": "1"}}, "entry '1': expected cik and ticker"),
        ({"1": {"cik": [1], "ticker": "A"}}, "entry '1': cik list, ticker 'A', expected text"),
        ({"1": {"cik": "1", "ticker": 3}}, "entry '1': cik '1', ticker 3, expected text"),
        ({"1": {"cik": "1", "ticker": [3]}}, "entry '1': cik '1', ticker list, expected text"),
    ],
)
def test_broken_tickers_are_named_with_their_entry(tmp_path: Path, value: Any, said: str) -> None:
    with pytest.raises(UniverseError, match=rf"index_cik_ticker_map\.json: .*{said}"):
        read_tickers(tickers(tmp_path, value))
