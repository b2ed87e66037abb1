"""SIC codes of reports: what is said about them, and what is refused with its row."""

from pathlib import Path

import pandas as pd
import pytest

from compsim_assets.universe.folder import Universe
from compsim_assets.universe.intake.decisions import Decision
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.universes import write_reports


def decided(universe: Universe) -> dict[str, Decision]:
    """Decisions on SIC codes by grade."""
    return {decision.grade: decision for decision in universe.decisions if decision.subject == "sic_code"}


def codes(folder: Path, values: list, rules: str = "") -> tuple[list, dict[str, Decision]]:
    (folder / "universe.toml").write_text(rules)
    write_reports(folder, sic_code=values)
    universe = Universe(folder)
    spelled = universe.reports()["sic_code"]
    return [None if pd.isna(code) else code for code in spelled], decided(universe)


def test_nothing_is_said_of_codes_as_they_should_be(tmp_path: Path) -> None:
    assert codes(tmp_path, ["2834", "0100", None, "7372"]) == (["2834", "0100", None, "7372"], {})


def test_zeros_that_come_back_and_codes_of_no_industry_are_counted(tmp_path: Path) -> None:
    spelled, said_of_them = codes(tmp_path, [100, 9999, 0, 2834])
    assert spelled == ["0100", None, None, "2834"]
    assumed, left_out = said_of_them.pop("assumed"), said_of_them.pop("left_out")
    assert said_of_them == {}
    assert (assumed.file, assumed.count) == ("reports.parquet", 1)
    assert assumed.example.endswith("reports.parquet: row 0: 100")
    assert "sic_digits" in assumed.remedy
    assert left_out.count == 2
    assert left_out.example.endswith("row 1: 9999")


def test_groups_are_named_as_such(tmp_path: Path) -> None:
    spelled, decisions = codes(tmp_path, ["28", "73", None, "60"])
    assert spelled == ["28", "73", None, "60"]
    assert "at most 2 digits are groups" in decisions["assumed"].what
    assert decisions["assumed"].count == 3


def test_a_zero_that_may_not_have_been_there_looks_wrong(tmp_path: Path) -> None:
    # 283 is a group; 131 is one, too (oil), or 0131 (cotton).
    spelled, decisions = codes(tmp_path, ["2834", "283", "131", "7372"])
    assert spelled == ["2834", "283", "0131", "7372"]
    assert decisions["suspicious"].count == 1
    assert decisions["suspicious"].example.endswith("row 2: 131")


def test_the_universe_says_how_many_digits(tmp_path: Path) -> None:
    assert codes(tmp_path, ["100", "283", None, None], "[reports]\nsic_digits = 4")[0][:2] == ["0100", "0283"]
    with pytest.raises(UniverseError, match=r"row 1: sic_code '2834' is not a code of up to 3 digits.*universe\.toml"):
        codes(tmp_path, ["100", "2834", None, None], "[reports]\nsic_digits = 3")


@pytest.mark.parametrize("code", ["28AB", "2834-2836", "28345"])
def test_what_is_no_code_is_refused_with_file_and_row(tmp_path: Path, code: str) -> None:
    with pytest.raises(UniverseError) as error:
        codes(tmp_path, ["2834", None, code, "7372"])
    assert str(error.value).startswith(f"{tmp_path / 'reports.parquet'}: row 2: sic_code '{code}' is not a code of up")


def test_a_column_of_naics_is_no_column_of_sic(tmp_path: Path) -> None:
    with pytest.raises(UniverseError, match=r"row 0: sic_code '541511'.*NAICS"):
        codes(tmp_path, [541511, 325412, 111110, None])


def test_codes_of_no_industry_stay_in_published_data(tmp_path: Path) -> None:
    class Published(Universe):
        as_published = True

    write_reports(tmp_path, sic_code=["9995", "100", None, "2834"])
    universe = Published(tmp_path)
    assert universe.reports()["sic_code"].fillna("").tolist() == ["9995", "0100", "", "2834"]
    assert list(decided(universe)) == ["assumed"]
