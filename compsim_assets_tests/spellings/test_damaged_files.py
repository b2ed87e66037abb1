"""Files that are broken, unknown or contradict universe.toml."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from compsim_assets_tests.spellings.damaged import damaged, refusal
from compsim_assets_tests.spellings.files import Files, parquet
from compsim_assets_tests.spellings.spellings import csv


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
