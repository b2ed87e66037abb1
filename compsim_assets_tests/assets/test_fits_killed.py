"""A PCA, of features or of a control, whose process was killed: what it has finished is not done again."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from compsim_assets.science.pca import fit
from compsim_assets.storage.controls import ControlScores
from compsim_assets.storage.results import read_table
from compsim_assets_tests.noted import noted
from compsim_assets_tests.runs import Local
from compsim_assets_tests.universes import write_features, write_reports

REPORTS = [100, 107, 114, 121]
UPSTREAM = ["descriptions", "sae_features", "control_features"]
PCA, CONTROLS = ["pca", "pca_scores"], ["control_scores"]

# Kills itself as hard as it gets once so many parts are on the disk.
KILLED = """
import os, signal, sys
from pathlib import Path
from compsim_assets.science.pca.fit import fit_pca
from compsim_assets.storage.finished import FinishedParts
from compsim_assets_tests.runs import Local

folder, left, *names = sys.argv[1:]
keep, left = FinishedParts.keep, int(left)

def keep_and_die(parts, key, arrays):
    global left
    keep(parts, key, arrays)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

FinishedParts.keep = keep_and_die
fit_pca.__kwdefaults__["kept_work"] = 0
Local(Path(folder)).run(names)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Local:
    """Without a kill, and without a part kept. Read only."""
    run = Local(tmp_path_factory.mktemp("made"))
    write_reports(run.folder / "universe")
    values = np.random.default_rng(0).gamma(0.5, size=(len(REPORTS), 6))
    write_features(run.folder / "universe", REPORTS, values.tolist())
    run.run([*UPSTREAM, *PCA, *CONTROLS])
    return run


def parts(run: Local) -> list[str]:
    return sorted(path.name for path in (run.results.folder / ".finished").rglob("*.npz"))


def scores(run: Local) -> dict[str, list]:
    """Every number that the two steps publish."""
    pca = read_table(run.results.table("pca_scores"))
    controls = ControlScores(run.results.array_folder("control_scores"))
    of_controls = {control.file: each.matrix.tolist() for control, each in controls.controls()}
    return {"pca": pca["scores"].to_pylist(), "content": [controls.manifest["content"]], **of_controls}


# Of each of three shuffles products, eigenpairs and scores are kept; words, a pass more, are the same in all reports.
@pytest.mark.parametrize(
    ("names", "kept", "passes", "solved"),
    [(PCA, 1, 0, 1), (PCA, 2, 0, 0), (CONTROLS, 1, 3, 3), (CONTROLS, 3, 3, 2), (CONTROLS, 5, 2, 1)],
)
def test_what_a_killed_process_has_finished_is_not_done_again(
    made: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], kept: int, passes: int, solved: int
) -> None:
    made.copy(tmp_path)
    shutil.copytree(made.folder / "universe", tmp_path / "universe")
    run = Local(tmp_path)
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(kept), *names]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert parts(run)
    done = noted(monkeypatch, fit, "_cross_products", "top_eigenpairs")
    monkeypatch.setitem(fit.fit_pca.__kwdefaults__, "kept_work", 0)
    run.run(names)
    assert (done.count("_cross_products"), done.count("top_eigenpairs")) == (passes, solved)
    assert scores(run) == scores(made)
    assert not parts(run)
