"""What the Makefile deletes, and what it never does without a question."""

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the Makefile, results, run history, a cache and somebody's own data."""
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    for file in (
        "data/README.md", "data/sample/clusters.parquet", "data/local/clusters.parquet",
        "data/huggingface/pca/pca.json", "mine/local/clusters.parquet", ".dagster/dagster.yaml",
        ".dagster/storage/runs.db", ".cache/fonts.json", ".venv/bin/python",
    ):  # fmt: skip
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return tmp_path


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"Makefile"}


def make(checkout: Path, *words: str, stdin: int = subprocess.DEVNULL) -> tuple[int, str]:
    environment = {**os.environ, "COMPSIM_DATA": str(checkout / "mine")}
    run = subprocess.run(
        ["make", *words], cwd=checkout, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=60,
    )  # fmt: skip
    return run.returncode, run.stdout


def answered(checkout: Path, answer: str) -> tuple[int, str]:
    """`make clean-all` in a terminal where somebody types this."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        return make(checkout, "clean-all", stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)


STAYS = {"data/README.md", "mine/local/clusters.parquet", ".dagster/dagster.yaml", ".venv/bin/python"}


def test_clean_is_of_the_sample(checkout: Path) -> None:
    imported = {"data/local/clusters.parquet", "data/huggingface/pca/pca.json"}
    code, output = make(checkout, "clean")
    assert code == 0
    assert files(checkout) == STAYS | imported | {".dagster/storage/runs.db"}
    assert "kept: data/local data/huggingface and the run history" in output


def test_clean_takes_the_history_where_it_is_of_the_sample_alone(checkout: Path) -> None:
    for name in ("local", "huggingface"):
        shutil.rmtree(checkout / "data" / name)
    assert make(checkout, "clean")[0] == 0
    assert files(checkout) == STAYS


def test_clean_all_says_what_and_asks(checkout: Path) -> None:
    before = files(checkout)
    code, output = answered(checkout, "y")
    assert code != 0
    for folder in ("data/sample", "data/local", "data/huggingface", ".dagster/storage", ".cache"):
        assert f"\t{folder}\n" in output
    code, output = make(checkout, "clean-all")
    assert code != 0
    assert "run it in a terminal, or with YES=1" in output
    assert files(checkout) == before


def test_clean_all_deletes_what_it_named(checkout: Path) -> None:
    assert answered(checkout, "yes")[0] == 0
    assert files(checkout) == STAYS


def test_clean_all_without_a_question(checkout: Path) -> None:
    assert make(checkout, "clean-all", "YES=1")[0] == 0
    assert files(checkout) == STAYS
