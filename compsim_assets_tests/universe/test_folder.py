"""A universe's folder is read as its contract says; what is wrong is named with file, row and expectation."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.settings import Settings
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import ID, RETURNS, UniverseError
from compsim_assets.universe.opening import open_universe
from compsim_assets_tests.universes import report_columns, write_reports


def test_reports_are_read_as_they_are(tmp_path: Path) -> None:
    write_reports(tmp_path)
    reports = Universe(tmp_path).reports()
    wanted = report_columns()
    assert reports[ID].tolist() == wanted[ID]
    assert reports["year"].tolist() == wanted["year"]
    assert reports["year"].dtype == np.int64
    assert reports["sic_code"].tolist()[:2] == ["2834", "0100"]
    assert reports["sic_code"].isna().tolist() == [False, False, True, False]
    np.testing.assert_array_equal(Universe(tmp_path).monthly_returns(reports), wanted[RETURNS])


def test_a_folder_of_files_is_one_universe(tmp_path: Path) -> None:
    write_reports(tmp_path, "reports/b.parquet", **{ID: [5, 6, 7, 8]})
    others = ["10", "11", "12", "13"]
    write_reports(tmp_path, "reports/a.parquet", section_1=None, cik=others, **{ID: [1, 2, 3, 4]})
    reports = Universe(tmp_path).reports()
    assert reports[ID].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert reports["section_1"].isna().tolist() == [True] * 4 + [False] * 4


def test_only_id_and_year_are_needed(tmp_path: Path) -> None:
    rest = ("cik", "company_name", "ticker", "sic_code", "section_1", RETURNS)
    write_reports(tmp_path, **dict.fromkeys(rest))
    universe = Universe(tmp_path)
    reports = universe.reports()
    assert reports[list(rest)].isna().all().all()
    assert np.isnan(universe.monthly_returns(reports)).all()


@pytest.mark.parametrize("index", ["unnamed", "named"])
def test_ids_that_pandas_wrote_as_its_index_are_a_column(tmp_path: Path, index: str) -> None:
    """`__index_level_0__` is what pandas calls an index without a name."""
    columns = report_columns(**{ID: [5, 3, 9, 4]})
    frame = pd.DataFrame(columns).set_index(ID)
    frame.index.name = None if index == "unnamed" else ID
    frame.to_parquet(tmp_path / "reports.parquet")
    assert Universe(tmp_path).reports()[ID].tolist() == columns[ID]


@pytest.mark.parametrize(
    "years",
    [["1996.0", "1996", "2020", "2001.0"], [1996.0, 1996, 2020, 2001], [1996, 1996, 2020, 2001]],
    ids=["text", "float", "int"],
)
def test_years_in_any_form(tmp_path: Path, years: list) -> None:
    write_reports(tmp_path, year=years)
    assert Universe(tmp_path).reports()["year"].tolist() == [1996, 1996, 2020, 2001]


@pytest.mark.parametrize("wrong", ["abc", "", "1996.5", None, "inf"])
def test_a_bad_year_is_named_with_its_row(tmp_path: Path, wrong: str | None) -> None:
    path = write_reports(tmp_path, year=["2015", "2016", wrong, "bad too"])
    with pytest.raises(UniverseError, match=r"row 2: year .* expected a year like 2019") as raised:
        Universe(tmp_path).reports()
    assert str(raised.value).startswith(f"{path}: row 2: year ")


def test_the_row_is_that_of_the_file(tmp_path: Path) -> None:
    write_reports(tmp_path, "reports/a.parquet", n=4)
    path = write_reports(tmp_path, "reports/b.parquet", year=["2015", "x", "2016", "2016"])
    with pytest.raises(UniverseError, match=f"^{path}: row 1: year 'x'"):
        Universe(tmp_path).reports()


@pytest.mark.parametrize(("ids", "row"), [([5, 6, 5, 7], 2), ([5, None, 6, 7], 1)])
def test_ids_that_are_null_or_doubled_are_named_with_their_row(tmp_path: Path, ids: list, row: int) -> None:
    path = write_reports(tmp_path, **{ID: ids})
    with pytest.raises(UniverseError, match=rf"row {row}: {ID} .* expected unique ids") as raised:
        Universe(tmp_path).reports()
    assert str(raised.value).startswith(f"{path}: ")


def test_an_id_may_not_return_in_another_file(tmp_path: Path) -> None:
    write_reports(tmp_path, "reports/a.parquet", **{ID: [1, 2, 3, 4]})
    path = write_reports(tmp_path, "reports/b.parquet", **{ID: [5, 6, 7, 3]})
    with pytest.raises(UniverseError, match=f"^{path}: row 3: {ID} 3 "):
        Universe(tmp_path).reports()


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    path = write_reports(tmp_path, year=None)
    with pytest.raises(UniverseError, match=r"no column year; found .*ticker") as raised:
        Universe(tmp_path).reports()
    assert str(raised.value).startswith(str(path))


def test_no_reports_at_all(tmp_path: Path) -> None:
    with pytest.raises(UniverseError, match=f"{tmp_path}: no reports.parquet and no reports/"):
        Universe(tmp_path).reports()


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_returns_flat_and_nested(tmp_path: Path, depth: int) -> None:
    flat = report_columns()[RETURNS]
    nested = {0: flat, 1: [[row] for row in flat], 2: [[row[:3], row[3:6], row[6:9], row[9:]] for row in flat]}
    write_reports(tmp_path, **{RETURNS: nested[depth]})
    universe = Universe(tmp_path)
    np.testing.assert_array_equal(universe.monthly_returns(universe.reports()), flat)


def test_missing_months_are_nan(tmp_path: Path) -> None:
    flat = report_columns()[RETURNS]
    flat[0][3], flat[1], flat[2][11] = None, None, float("inf")
    write_reports(tmp_path, **{RETURNS: flat})
    universe = Universe(tmp_path)
    missing = np.isnan(universe.monthly_returns(universe.reports()))
    assert [np.flatnonzero(row).tolist() for row in missing] == [[3], list(range(12)), [11], []]


@pytest.mark.parametrize("length", [0, 11, 13, 24])
def test_returns_of_another_length_are_named_with_their_row(tmp_path: Path, length: int) -> None:
    flat = report_columns()[RETURNS]
    flat[2] = [0.1] * length
    path = write_reports(tmp_path, **{RETURNS: flat})
    universe = Universe(tmp_path)
    message = f"{path}: row 2: {RETURNS} has {length} values, expected 12"
    with pytest.raises(UniverseError, match=message):
        universe.monthly_returns(universe.reports())


def test_token_ids_are_read_where_there_are_no_texts(tmp_path: Path) -> None:
    tokens = [[1, 2], [3], [4, 5, 6], [7]]
    write_reports(tmp_path, section_1=None, input_ids=tokens)
    found = Universe(tmp_path).token_ids(np.array([121, 100]))
    assert found is not None
    assert [list(row) for row in found["input_ids"]] == [[7], [1, 2]]
    write_reports(tmp_path, input_ids=tokens)
    assert Universe(tmp_path).token_ids(np.array([121, 100])) is None


def publish(folder: Path, name: str, **columns: Any) -> Path:
    path = folder / "published_clusters" / f"{name}.parquet"
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def test_published_clusters_are_named_by_their_files(tmp_path: Path) -> None:
    assert Universe(tmp_path).published_clusters() == {}
    publish(tmp_path, "GCD", year=["2015.0", "2016"], cluster_id=[3, 4], **{ID: [100, 107]})
    publish(tmp_path, "BERT", year=[2015], cluster_id=["a"], **{ID: [100]})
    found = Universe(tmp_path).published_clusters()
    assert list(found) == ["BERT", "GCD"]
    assert found["GCD"].to_dict("list") == {"year": [2015, 2016], "cluster_id": ["3", "4"], "report_id": [100, 107]}


def test_broken_published_clusters_are_named(tmp_path: Path) -> None:
    path = publish(tmp_path, "GCD", year=["2015", "x"], cluster_id=[3, 4], **{ID: [100, 107]})
    with pytest.raises(UniverseError, match=f"^{path}: row 1: year 'x'"):
        Universe(tmp_path).published_clusters()
    publish(tmp_path, "GCD", year=[2015], **{ID: [100]})
    with pytest.raises(UniverseError, match=f"^{path}: no column cluster_id; found"):
        Universe(tmp_path).published_clusters()


def test_score_files_are_found_flat_and_where_newer_delphi_writes_them(tmp_path: Path) -> None:
    wanted = []
    for name, taken in {
        "layers.30_latent1.txt": True,
        "layers.30_latent2.json": True,
        "README.md": False,
        "layers.30_latent9.png": False,
        "scores/fuzz/layers.30_latent3.txt": True,
        "scores/detection/layers.30_latent3.txt": False,
        "explanations/layers.30_latent3.txt": False,
    }.items():
        path = tmp_path / "fuzz_scores" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([]))
        wanted += [path] if taken else []
    assert Universe(tmp_path).fuzz_score_files() == sorted(wanted)
    assert Universe(tmp_path / "nowhere").fuzz_score_files() == []


def test_a_local_universe_needs_its_folder(tmp_path: Path) -> None:
    with pytest.raises(UniverseError, match="COMPSIM_SOURCE=local needs COMPSIM_UNIVERSE"):
        open_universe(Settings(source="local"))
    for wrong in (tmp_path / "nowhere", write_reports(tmp_path)):
        with pytest.raises(UniverseError, match=f"COMPSIM_UNIVERSE: {wrong} is not a folder"):
            open_universe(Settings(source="local", universe=str(wrong)))
    assert open_universe(Settings(source="local", universe=str(tmp_path))).folder == tmp_path


def test_a_local_universe_may_lie_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "universe").mkdir()
    opened = open_universe(Settings(source="local", universe="~/universe"))
    assert opened.folder == tmp_path / "universe"
