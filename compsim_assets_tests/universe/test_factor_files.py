"""factors.parquet: what is read, and what is refused with file and row."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from compsim_assets.universe.factor_files import read_factors
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import UniverseError


def written(folder: Path, **columns: list[Any]) -> Path:
    path = folder / "factors.parquet"
    pd.DataFrame(columns).to_parquet(path)
    return path


@pytest.mark.parametrize(
    "dates",
    [
        ["2003-02", "2003-01"],
        list(pd.to_datetime(["2003-02-28", "2003-01-31"])),
        list(pd.to_datetime(["2003-02-01", "2003-01-01"]).date),
    ],
)
def test_months_in_order_and_factors_as_they_are(tmp_path: Path, dates: list[Any]) -> None:
    table = read_factors(written(tmp_path, market=[0.02, -0.01], date=dates, size=[0, 1]))
    assert table.to_dict("list") == {"year": [2003, 2003], "month": [1, 2], "market": [-0.01, 0.02], "size": [1.0, 0.0]}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"date": ["2003-01"]}, "found date, expected date and one factor"),
        ({"market": [0.1]}, "found market, expected date and one factor"),
        ({"date": ["2003-01", "May"], "market": [0.1, 0.1]}, "row 1: May, expected a date"),
        ({"date": ["2003-01-01", "2003-01-31"], "market": [0.1, 0.1]}, "row 1: 2003-01-31, expected each month once"),
        ({"date": ["2003-01", "2003-02"], "market": [0.1, 5.2]}, "row 1: 5.2, expected market as a simple return"),
        ({"date": ["2003-01"], "market": ["much"]}, "row 0: much, expected market as a simple return"),
        ({"date": ["2003-01"], "market": [None]}, "row 0: None, expected market as a simple return"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, columns: dict[str, list[Any]], said: str) -> None:
    path = written(tmp_path, **columns)
    with pytest.raises(UniverseError) as error:
        read_factors(path)
    assert str(error.value).startswith(f"{path}: {said}")


def test_a_universe_may_have_none(tmp_path: Path) -> None:
    assert Universe(tmp_path).factors() is None
    written(tmp_path, date=["2003-01"], market=[0.1])
    found = Universe(tmp_path).factors()
    assert found is not None
    assert found["market"].tolist() == [0.1]
