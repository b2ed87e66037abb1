"""Baselines: codes of the reports, and published cluster sets matched by report and year."""

from pathlib import Path

import pandas as pd
import pytest

from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets_tests.runs import Local
from compsim_assets_tests.universes import write_reports


@pytest.fixture
def run(tmp_path: Path) -> Local:
    """Four reports: 100 and 114 of 2015, 107 and 121 of 2016."""
    made = Local(tmp_path)
    write_reports(tmp_path / "universe", sic_code=["2834", "2836", None, "2834"])
    return made


def publish(run: Local, method: str, year: list, cluster: list, ids: list) -> None:
    folder = run.folder / "universe" / "published_clusters"
    folder.mkdir(exist_ok=True)
    frame = pd.DataFrame({"year": year, "cluster_id": cluster, ID: ids})
    frame.to_parquet(folder / f"{method}.parquet")


def baselines(run: Local) -> pd.DataFrame:
    run.run(["descriptions", "baseline_clusters"])
    return run.read("baseline_clusters")


def test_codes_and_divisions_of_the_reports(run: Local) -> None:
    table = baselines(run)
    assert table.to_dict("list") == {
        "method": ["sic_code"] * 3 + ["sic_division"] * 3,
        "year": [2015, 2016, 2016] * 2,
        "cluster_id": ["2834", "2834", "2836"] + ["Manufacturing"] * 3,
        "report_id": [100, 121, 107, 100, 107, 121],
    }


def test_published_sets_are_matched_by_report_and_year(run: Local) -> None:
    # 107 is of 2016 and 999 of no report: matched by id alone, or by position, both would stay.
    publish(run, "GCD", ["2015.0", "2015", "2016", "2016"], [1, 1, 4, 5], [114, 107, 121, 999])
    publish(run, "SBERT", [2016], ["x"], [107])
    table = baselines(run)
    assert table[table["method"] == "GCD"].values.tolist() == [["GCD", 2015, "1", 114], ["GCD", 2016, "4", 121]]
    assert table[table["method"] == "SBERT"].values.tolist() == [["SBERT", 2016, "x", 107]]
    said = run.metadata("baseline_clusters")["methods"]
    assert "| GCD | 2 | 2 |" in said
    assert "| SBERT | 1 | 0 |" in said
    assert "| sic_code | 3 | 0 |" in said


def test_reports_without_a_cluster_are_no_cluster(run: Local) -> None:
    publish(run, "GCD", [2015, 2015], [None, None], [100, 114])
    table = baselines(run)
    assert "GCD" not in set(table["method"])


def test_noise_of_a_csv_by_company_is_in_no_cluster(run: Local) -> None:
    folder = run.folder / "universe" / "published_clusters"
    folder.mkdir()
    rows = [(900, 2015, 0.0), (902, 2015, -1.0), (901, 2016, 0.0), (903, 2016, 0.0), (7, 2016, 0.0)]
    pd.DataFrame(rows, columns=["cik", "year", "label"]).to_csv(folder / "HDBSCAN.csv", index=False)
    table = baselines(run)
    rows = table[table["method"] == "HDBSCAN"].values.tolist()
    assert rows == [["HDBSCAN", 2015, "0", 100], ["HDBSCAN", 2016, "0", 107], ["HDBSCAN", 2016, "0", 121]]


def test_sectors_are_texts_and_a_written_out_nothing_is_none(run: Local) -> None:
    write_reports(run.folder / "universe", gics_sector=[45.0, None, 35.0, 45.0])
    table = baselines(run)
    as_numbers = table[table["method"] == "gics_sector"].values.tolist()
    assert as_numbers == [
        ["gics_sector", 2015, "35", 114],
        ["gics_sector", 2015, "45", 100],
        ["gics_sector", 2016, "45", 121],
    ]
    write_reports(run.folder / "universe", gics_sector=["45.0", "nan", "35.0", "45"])
    table = baselines(run)
    assert table[table["method"] == "gics_sector"].values.tolist() == as_numbers


@pytest.mark.parametrize("name", ["base", "rolling", "sic_code", "sic_division", "population"])
def test_a_published_set_may_not_take_the_name_of_a_method(run: Local, name: str) -> None:
    publish(run, name, [2015], [1], [100])
    with pytest.raises(UniverseError, match=f"published_clusters/{name}.parquet: .* another file"):
        baselines(run)
    assert not run.results.table("baseline_clusters").exists()
