"""What a user types: Dagster's command on an empty folder, then ours, and `python -m compsim_assets`."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from compsim_assets.cli import main
from compsim_assets.storage.versions import Versions
from compsim_assets_tests.commanded import SELECTION, Commanded, command
from compsim_assets_tests.runs import Rebuilt, Run

MADE = {
    "feature_distribution", "descriptions", "returns", "published_pairs", "sparse_autoencoder", "sae_features", "pca",
    "pca_scores",
    "clustered_reports", "dendrograms", "cutoff_curve", "distance_scale",
    "cutoffs/base", "cutoffs/rolling", "clusters/base", "clusters/rolling",
}  # fmt: skip

pytestmark = pytest.mark.waits(30)


@pytest.fixture(scope="module")
def continued(from_command_line: Run, tmp_path_factory: pytest.TempPathFactory) -> Commanded:
    """A copy of what Dagster's command has made, with its history."""
    folder = tmp_path_factory.mktemp("continued")
    shutil.copytree(from_command_line.folder / "dagster", folder / "dagster")
    from_command_line.copy(folder)
    return Commanded(folder, "local")


def test_a_selection_and_what_it_needs(from_command_line: Run) -> None:
    results = from_command_line.results
    there = {p.relative_to(results.folder) for p in results.folder.rglob("*.parquet")}
    tables = {path.with_suffix("") for path in there if not path.parts[0].startswith(".")}
    folders = {p.name for p in results.folder.iterdir() if p.is_symlink() and p.name != "published"}
    version = Versions(results).current()
    assert version
    assert set(version.manifest["results"]) >= MADE
    assert {str(path) for path in tables} | folders == MADE
    assert results.figure("feature_value_histogram").is_file()
    (run,) = from_command_line.history.get_runs()
    assert run.status == dg.DagsterRunStatus.SUCCESS


def test_what_dagsters_command_has_made_is_up_to_date_for_ours(continued: Commanded, tiny_universe: Path) -> None:
    begun = time.monotonic()
    run = command(continued.folder, tiny_universe, "compsim_assets", "materialize", SELECTION)
    assert (run.returncode, run.stderr) == (0, "")
    current = f"everything is up to date: {len(MADE) + 1} results. --force makes them again"
    assert run.stdout.splitlines() == [current, "compsim table prints Table 1"]
    assert time.monotonic() - begun < 30  # 3 on a quiet machine
    assert len(continued.history.get_runs()) == 1


def test_ours_makes_what_is_missing_in_one_run_and_says_so(continued: Commanded, tiny_universe: Path) -> None:
    continued.results.table("clusters", "rolling").unlink()
    run = command(continued.folder, tiny_universe, "compsim_assets", "materialize", SELECTION)
    assert (run.returncode, run.stdout) == (0, "")
    heard = [line for line in run.stderr.splitlines() if not line.startswith("  ... ")]  # of a slow machine
    first, why, line, last = heard
    assert first == f"1 asset to make; up to date: {len(MADE)} results"
    assert why == "  never made, or damaged: clusters/rolling"
    assert re.fullmatch(r"  clusters +rolling [\d,]+ rows +[\d.]+ s", line)
    assert re.fullmatch(r"1 result made in \d+ s; readers see version \S+", last)
    made, _ = continued.history.get_runs()
    assert made.status == dg.DagsterRunStatus.SUCCESS
    assert continued.read("clusters", "rolling")["cluster_id"].min() == 1


def test_the_same_numbers_as_in_the_weekly_rebuild(from_command_line: Run, rebuilt: Rebuilt) -> None:
    """The sample and the same universe given as a local one, one process and two."""
    for asset in ("descriptions", "returns"):
        paths = [run.results.table(asset) for run in (from_command_line, rebuilt)]
        assert paths[0].read_bytes() == paths[1].read_bytes()
    one, two = (run.read("cutoffs", "base") for run in (rebuilt, from_command_line))
    floats = ["distance", "mean_correlation"]
    assert two.drop(columns=floats).equals(one.drop(columns=floats))
    for column in floats:
        assert two[column].to_numpy() == pytest.approx(one[column].to_numpy(), rel=1e-9)


def test_table_1_on_the_terminal(
    rebuilt: Rebuilt, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMPSIM_DATA", str(rebuilt.data))
    main()
    printed = capsys.readouterr().out
    assert "synthetic sample" in printed
    table, findings = rebuilt.read("table_1"), rebuilt.read("findings")
    blocks = printed.split("Honest: ")
    for block, text in zip(("as_published", "honest"), blocks, strict=True):
        rows = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]
        printed_of = {row[0]: row for row in rows if len(row) > 3}
        expected = table[table["block"] == block].set_index("method")
        assert set(expected.index) <= set(printed_of)
        assert f"{expected.loc['base', 'mean_correlation']:.3f}" in printed_of["base"]
    assert "0.359" in blocks[0]
    below = blocks[1].partition("Findings")[2]
    for verdict in findings["verdict"].unique():
        assert below.count(verdict) >= (findings["verdict"] == verdict).sum()
    figures = sorted((rebuilt.results.folder / "figures").rglob("*.png"))
    assert figures
    for figure in figures:
        assert str(figure) in printed


def test_without_results_it_names_what_to_materialize(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "compsim_assets"],
        env={"COMPSIM_DATA": str(tmp_path), "PATH": "/usr/bin:/bin"},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert run.returncode != 0
    assert "materialize 'table_1' first" in run.stderr
