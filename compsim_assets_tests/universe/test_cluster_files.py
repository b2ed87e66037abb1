"""Published groupings of any usual form: by report, by company and year, and pairs."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compsim_assets.universe.folder import Universe
from compsim_assets.universe.intake.decisions import Decision
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets_tests.universe.decided import graded
from compsim_assets_tests.universes import write_reports


@pytest.fixture
def universe(tmp_path: Path) -> Path:
    """Six reports: 100, 114, 128 of 2015 and 107, 121, 135 of 2016, of companies 900 to 905."""
    columns: dict[str, Any] = {
        ID: [100 + 7 * i for i in range(6)],
        "cik": [f"{900 + i:010d}" for i in range(6)],
        "company_name": None,
        "year": [2015 + i % 2 for i in range(6)],
        "ticker": ["KO", "PEP", "BRK.B", "BRK.B", "TAP", "MO"],
        "gvkey": [f"{1000 + i:06d}" for i in range(6)],
        "sic_code": ["2834"] * 6,
        "section_1": [f"We make product {i}." for i in range(6)],
        "logged_monthly_returns_matrix": np.random.default_rng(0).normal(0, 0.1, (6, 12)).tolist(),
    }
    write_reports(tmp_path, **columns)
    (tmp_path / "published_clusters").mkdir()
    return tmp_path


def write(folder: Path, name: str, **columns: Any) -> Path:
    path = folder / "published_clusters" / name
    frame = pd.DataFrame(columns)
    if name.endswith(".parquet"):
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if name.endswith(".txt") else ",")
    return path


def read(folder: Path, rules: str = "") -> tuple[dict[str, list], list[Decision]]:
    """Rows (year, cluster, report) of the only method, and what was decided on published clusters."""
    (folder / "universe.toml").write_text(rules)
    universe = Universe(folder)
    (frame,) = universe.published_clusters().values()
    assert frame.columns.tolist() == ["year", "cluster_id", "report_id"]
    decisions = [d for d in universe.decisions if d.file.startswith("published_clusters")]
    return [tuple(row) for row in frame.to_numpy().tolist()], decisions  # type: ignore


BY_REPORT = {"year": [2015, 2015, 2016, 2016], ID: [100, 114, 107, 121]}


@pytest.mark.parametrize("name", ["GCD.parquet", "GCD.csv", "GCD.csv.gz"])
@pytest.mark.parametrize(
    "labels",
    [
        [3, 3, 3, -1],
        [3.0, 3.0, 3.0, None],
        [3.0, 3.0, 3.0, -1.0],
        ["3", "3", "3", ""],
        ["3", "3", "3", "nan"],
        ["3", "3", "3", "-1"],
        ["3", "3.0", "3", "-1.0"],
        [3, 3, 3, -2],
    ],
    ids=str,
)
def test_noise_and_nothing_are_no_cluster_and_3_is_3(universe: Path, name: str, labels: list) -> None:
    write(universe, name, cluster_id=labels, **BY_REPORT)
    rows, decisions = read(universe)
    assert rows == [(2015, "3", 100), (2015, "3", 114), (2016, "3", 107)]
    assert graded(decisions, "left_out") == {"cluster_id": 1}
    (decision,) = [d for d in decisions if d.grade == "left_out"]
    assert ("noise" in decision.what) == (str(labels[3])[:1] == "-")
    line = "line 5" if ".csv" in name else "row 3"
    assert f"GCD{name[3:]}: {line}: " in decision.example


def test_text_keeps_its_spelling_where_it_says_one_thing(universe: Path) -> None:
    write(universe, "GCD.parquet", cluster_id=["3.0", "3.0", "04", " a"], **BY_REPORT)
    assert [row[1] for row in read(universe)[0]] == ["3.0", "3.0", "04", " a"]


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"year": ["2015.0", "2015", "2016", 2016.0]}, None),
        ({ID: [100.0, 114.0, 107.0, 121.0]}, None),
        ({ID: None, "report_id": ["100.0", "114", "107", "121"]}, ID),
        ({"cluster_id": None, "label": [3, 3, 3, 4]}, "cluster_id"),
        ({"year": None, "fyear": [2015, 2015, 2016, 2016]}, "year"),
    ],
)
def test_columns_and_numbers_of_other_spellings(universe: Path, changes: dict[str, Any], subject: str | None) -> None:
    columns = {"cluster_id": [3, 3, 3, 4], **BY_REPORT, **changes}
    write(universe, "GCD.csv", **{name: values for name, values in columns.items() if values is not None})
    rows, decisions = read(universe)
    assert rows == [(2015, "3", 100), (2015, "3", 114), (2016, "3", 107), (2016, "4", 121)]
    assert list(graded(decisions, "assumed")) == ([subject] if subject else [])


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("cik", [900, 902, 901, 903, 999]),
        ("cik", [900.0, 902.0, 901.0, 903.0, None]),
        ("CIK", ["0000000900", "902", "901", " 903", "999"]),
        ("gvkey", [1000, 1002, 1001, 1003, 1001]),
        ("gvkey", ["001000", "1002", "001001", "1003", "7"]),
        ("tic", ["ko", "BRK-B", "pep ", "brk/b", "ZZZ"]),
    ],
)
def test_companies_and_years_are_reports(universe: Path, column: str, values: list) -> None:
    write(universe, "VIC.csv", **{column: values}, year=[2015, 2015, 2016, 2016, 2015], cluster_id=[1, 1, 2, 2, 1])
    rows, decisions = read(universe)
    assert rows == [(2015, "1", 100), (2015, "1", 114), (2016, "2", 107), (2016, "2", 121)]
    assert sum(graded(decisions, "left_out").values()) == 1
    assert graded(decisions, "assumed")["report"] in (4, 5)


def test_no_company_of_the_file_is_refused(universe: Path) -> None:
    path = write(universe, "VIC.csv", cik=[1, 2], year=[2015, 2015], cluster_id=[1, 1])
    with pytest.raises(UniverseError, match=rf"^{path}: line 2: no cik and year of the file \(1 of 2015.*900 of 2015"):
        read(universe)
    write(universe, "VIC.csv", lei=[1, 2], year=[2015, 2015], cluster_id=[1, 1])
    with pytest.raises(UniverseError, match=rf"^{path}: no column {ID} \(the report\), and none of gvkey, cik"):
        read(universe)


def test_a_row_that_is_there_twice_counts_once(universe: Path) -> None:
    columns = {"year": [2015, 2015, 2015, 2016], ID: [100, 100, 114, 107]}
    write(universe, "GCD.parquet", cluster_id=[1, 1, 1, 4], **columns)
    rows, decisions = read(universe)
    assert rows == [(2015, "1", 100), (2015, "1", 114), (2016, "4", 107)]
    assert graded(decisions, "left_out") == {"rows": 1}
    path = write(universe, "GCD.parquet", cluster_id=[1, 2, 1, 4], **columns)
    with pytest.raises(UniverseError, match=rf"^{path}: row 1: {ID} 100 of 2015 is in cluster '2', and in '1' before"):
        read(universe)
    # Noise is no second cluster.
    write(universe, "GCD.parquet", cluster_id=[-1, 2, 1, 4], **columns)
    assert read(universe)[0][0] == (2015, "2", 100)


def test_two_files_of_a_method_are_refused_and_other_files_are_named(universe: Path) -> None:
    write(universe, "GCD.csv", cluster_id=[1, 1, 1, 4], **BY_REPORT)
    (universe / "published_clusters" / "README.txt").write_text("Clusters of ours.\n")
    (universe / "published_clusters" / "GCD.xlsx").write_bytes(b"PK")
    _, decisions = read(universe)
    assert graded(decisions, "left_out") == {"GCD.xlsx": 1, "README.txt": 1}
    path = write(universe, "GCD.parquet", cluster_id=[1, 1, 1, 4], **BY_REPORT)
    with pytest.raises(UniverseError, match=f"^{path}: GCD is there twice"):
        read(universe)


def test_columns_that_the_universe_names(universe: Path) -> None:
    write(universe, "GCD.csv", cluster=[9, 9, 9, 9], lab=[1, 1, 1, 4], **BY_REPORT)
    rows, _ = read(universe, '[published_clusters]\ncolumns = {cluster_id = "lab"}')
    assert [row[1] for row in rows] == ["1", "1", "1", "4"]
    with pytest.raises(UniverseError, match=r"no file has a column labb, which universe\.toml calls cluster_id"):
        read(universe, '[published_clusters]\ncolumns = {cluster_id = "labb"}')


# 2015: 1000, 1002 and 1004; 2016: 1001, 1003 and 1005. 2000 and 1000 in 2016 are not in the universe.
PAIRS = {
    "year": [2015, 2015, 2015, 2016, 2016, 2016, 2016],
    "gvkey1": [1000, 1000, 1002, 1001, 1003, 1001, 1000],
    "gvkey2": [1002, 2000, 2000, 1003, 1005, 1005, 1001],
    "score": [0.1, 0.9, 0.8, 0.05, 0.2, 0.01, 0.7],
}
ROWS = [(2015, "1", 100), (2015, "1", 114), (2016, "1", 107), (2016, "1", 121), (2016, "1", 135)]


def pairs(both: bool = True) -> pd.DataFrame:
    frame = pd.DataFrame(PAIRS)
    turned = frame.rename(columns={"gvkey1": "gvkey2", "gvkey2": "gvkey1"})[list(frame)]
    return pd.concat([frame, turned], ignore_index=True) if both else frame


def written_pairs(universe: Path, form: str) -> None:
    folder = universe / "published_clusters"
    frame, text = pairs(), pairs().to_csv(index=False, sep="\t")
    if form == "parquet":
        frame.to_parquet(folder / "TNIC.parquet")
    elif form == "csv":
        frame.assign(gvkey1=frame["gvkey1"].map("{:06d}".format)).to_csv(folder / "TNIC.csv", index=False)
    elif form == "blanks":
        (folder / "TNIC.txt").write_text(frame.to_string(index=False))
    elif form == "gz":
        (folder / "TNIC.txt.gz").write_bytes(gzip.compress(text.encode()))
    else:
        (folder / "TNIC.txt").write_text(text)


@pytest.mark.parametrize("form", ["tabs", "blanks", "gz", "csv", "parquet"])
def test_pairs_are_groups_of_the_universes_companies(universe: Path, form: str) -> None:
    written_pairs(universe, form)
    rows, decisions = read(universe)
    # The nearest of 1000 and of 1002 is 2000, which has no report: they are together by their own pair.
    assert rows == ROWS
    assert graded(decisions, "left_out") == {"pairs": 6}
    assert graded(decisions, "assumed") == {"groups": 2}
    assert graded(decisions, "missing") == {"report": 1}


def test_pairs_by_cut(universe: Path) -> None:
    written_pairs(universe, "tabs")
    rows, decisions = read(universe, '[published_clusters]\ngroups = "cut"\ncut = 0.08')
    assert rows == [*ROWS[:2], (2016, "1", 121), (2016, "1", 135)]
    assert graded(decisions, "fine") == {"groups": 2}
    assert graded(decisions, "missing") == {"report": 2}


@pytest.mark.parametrize(
    ("form", "line", "value", "problem"),
    [
        ("\t", 3, "2015\tx1\t1002\t0.1", r"line 3: gvkey1 'x1', expected a whole number"),
        ("\t", 2, "2015\t1000\t1002\t", r"line 2: score is missing, expected a number"),
        (" ", 2, "2015 1000 1002 high", r"line 2: score 'high', expected a number"),
    ],
)
def test_a_broken_pair_is_named(universe: Path, form: str, line: int, value: str, problem: str) -> None:
    path = universe / "published_clusters" / "TNIC.txt"
    lines = pairs().to_csv(index=False, sep=form).splitlines()
    lines[line - 1] = value
    path.write_text("\n".join(lines))
    with pytest.raises(UniverseError, match=f"^{path}: {problem}"):
        read(universe)


def test_pairs_need_gvkeys_and_companies_of_the_universe(universe: Path) -> None:
    path = universe / "published_clusters" / "TNIC.txt"
    pairs().assign(gvkey1=9).to_csv(path, index=False, sep="\t")
    with pytest.raises(UniverseError, match=rf"^{path}: no pair of companies that both have a report"):
        read(universe)
    write_reports(universe)
    with pytest.raises(UniverseError, match=rf"^{path}: pairs of gvkeys, and the reports have none"):
        read(universe)
