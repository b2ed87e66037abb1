"""What a damaged universe is made into: its tables with what is said about it, or the one refusal."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from compsim_assets.universe.check import check_folder
from compsim_assets.universe.intake.decisions import Decision
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.spellings.files import Files, small, tables

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
    rows = [row for row in check_folder(folder) if row.grade == "refused"]
    refused = [text for row in rows for text in (row.what, f"{row.file}: {row.what}")]
    message = str(raised.value).replace(f"{folder}/", "")
    assert message in refused
    return message


def row_of(decisions: list[Decision], grade: str, words: str) -> Decision:
    rows = [row for row in decisions if row.grade == grade and re.search(words, row.what)]
    assert len(rows) == 1, [row for row in decisions if row.grade != "fine"]
    return rows[0]


def frame(made: Made, name: str) -> pd.DataFrame:
    return made[name].to_pandas()
