"""What a user types: Dagster's command on an empty folder, and `python -m compsim_assets`."""

import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from compsim_assets.cli import main
from compsim_assets_tests.runs import Rebuilt, Run

MADE = {
    "feature_distribution", "descriptions", "returns", "published_pairs", "sae_features", "pca", "pca_scores",
    "clustered_reports", "cutoff_curve",
    "distance_scale", "cutoffs/base", "clusters/base",
}  # fmt: skip

pytestmark = pytest.mark.waits(30)


def test_a_selection_and_what_it_needs(from_command_line: Run) -> None:
    results = from_command_line.results
    found = {p.relative_to(results.folder).with_suffix("") for p in results.folder.rglob("*.parquet")}
    folders = {p.name for p in results.folder.iterdir() if p.is_symlink()}
    assert {str(path) for path in found} | folders == MADE
    assert results.figure("feature_value_histogram").is_file()
    (run,) = from_command_line.history.get_runs()
    assert run.status == dg.DagsterRunStatus.SUCCESS


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
