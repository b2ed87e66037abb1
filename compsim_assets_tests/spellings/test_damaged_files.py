"""Files that are broken, unknown or contradict universe.toml."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.universe.check import check_folder
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import RETURNS, UniverseError
from compsim_assets_tests.spellings.damaged import damaged, refusal, row_of
from compsim_assets_tests.spellings.files import Files, parquet, small
from compsim_assets_tests.spellings.spellings import GROUPS, csv


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
        (
            "[reports]\ncolumns = {cik_no = 'cik'}\n",
            r"reports\.parquet: universe\.toml names cik as cik_no, which is no column of \[reports\]: did you mean",
        ),
        (
            "[reports]\ncolumns = {cik = 'ticker', ticker = 'ticker'}\n",
            r"reports\.parquet: universe\.toml names ticker twice",
        ),
    ],
)
def test_what_universe_toml_cannot_say_is_refused(tmp_path: Path, toml: str, message: str) -> None:
    assert re.match(message, refusal(tmp_path, lambda files: files.texts.update({"universe.toml": toml})))


def broken(name: str, change: Callable[[bytes], bytes]) -> Callable[[pd.DataFrame, Path], None]:
    """Write a file, then change its bytes."""

    def write(rows: pd.DataFrame, path: Path) -> None:
        (parquet if name.endswith(".parquet") else csv(suffix=name.removeprefix(path.name)))(rows, path)
        file = path.with_name(name)
        file.write_bytes(change(file.read_bytes()))

    return write


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("reports.parquet", lambda content: content[:-400], r"reports\.parquet: not a complete Parquet file"),
        ("reports.csv", lambda content: content + b"1,2,3\n", r"reports\.csv: line 98: .*expected lines of 8 values"),
        ("reports.csv.gz", lambda content: content[:-400], r"reports\.csv\.gz: .*expected a complete file"),
        ("reports.csv", lambda content: content.replace(b"Company 3", b"Soci\xe9t\xe9 3"), r"reports\.csv: .*UTF-?8"),
        ("reports.csv", lambda content: b"", r"reports\.csv: an empty first line"),
        (
            "reports.csv",
            lambda content: content.replace(b"ticker", b"cik", 1),
            r"reports\.csv: two columns are named 'cik'",
        ),
    ],
    ids=["cut", "ragged", "cut gzip", "latin-1", "empty", "doubled column"],
)
def test_a_broken_file_is_refused(tmp_path: Path, name: str, change: Callable[[bytes], bytes], message: str) -> None:
    written = broken(name, change)
    assert re.match(message, refusal(tmp_path, lambda files: files.writers.update({"reports": written})))


def test_a_column_that_another_is_mapped_to_is_not_read(tmp_path: Path) -> None:
    """`ticker` is the cik here: it is no ticker, too, and the column `cik` is named."""
    made, decisions = damaged(tmp_path, lambda files: files.rules.update(reports="columns = {cik = 'ticker'}"))
    descriptions = made["descriptions"].to_pandas()
    assert descriptions["cik"].tolist() == small().frames["reports"]["ticker"].tolist()
    assert descriptions["ticker"].isna().all()
    assert row_of(decisions, "left_out", "column `cik` is not read").subject == "cik"


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    folder = small().write(tmp_path / "universe")
    (folder / "reports.parquet").unlink()
    (folder / "reports.parquet").symlink_to("/nowhere/reports.parquet")
    with pytest.raises(
        UniverseError, match=r"reports\.parquet: a link to /nowhere/reports\.parquet, which is not there"
    ):
        Universe(folder).reports()


@pytest.mark.parametrize(
    ("table", "column", "change", "message"),
    [
        ("reports", RETURNS, lambda v: {"january": 0.1}, "column logged_.* has struct.*, expected a list of numbers"),
        ("reports", "company_name", lambda v: [v], "column company_name has list.*, expected one value a row"),
        (GROUPS, "cluster_id", lambda v: {"name": v}, "column cluster_id has struct.*, expected one value a row"),
    ],
)
def test_nested_values_are_refused(
    tmp_path: Path, table: str, column: str, change: Callable[[Any], Any], message: str
) -> None:
    def nest(files: Files) -> None:
        files.frames[table][column] = [change(value) for value in files.frames[table][column]]

    assert re.match(rf"{table}\.parquet: {message}", refusal(tmp_path, nest))


def test_reports_without_a_row_are_refused(tmp_path: Path) -> None:
    def write(rows: pd.DataFrame, path: Path) -> None:
        pq.write_table(pa.Table.from_pandas(rows)[:0], path.with_suffix(".parquet"))

    assert refusal(tmp_path, lambda files: files.writers.update(reports=write)).startswith("reports.parquet: no rows")


def test_a_published_pca_that_is_none_is_refused_before_a_run(tmp_path: Path) -> None:
    files = small()
    files.texts["pca.safetensors"] = "none"
    rows = check_folder(files.write(tmp_path / "universe"))
    assert [row.file for row in rows if row.grade == "refused"] == ["pca.safetensors"]
