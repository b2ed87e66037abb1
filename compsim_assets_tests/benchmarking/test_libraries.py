"""What libraries give is what ours gives, at a toy size; one that is not installed is named and not compared."""

import importlib.metadata
from pathlib import Path

import numpy as np
import pytest

from benchmarks.inputs import FeatureSize
from benchmarks.jobs.libraries import Size, beside, in_own_process
from benchmarks.libraries import TASKS, measured
from benchmarks.measure import Row

# The largest difference to ours: products in float64, in float32, an approximation.
EXACT, SINGLE = 1e-6, 1e-4
TOLERANCES = {
    "linkage: scipy": EXACT, "linkage: scikit-learn": EXACT, "linkage: fastcluster": EXACT,
    "linkage: fastcluster, vectors": EXACT, "linkage, few axes: fast_hdbscan": SINGLE, "neighbours: numpy": EXACT,
    "neighbours: scikit-learn": EXACT, "neighbours: faiss IndexFlatIP": SINGLE, "neighbours: usearch, exact": SINGLE,
    "pca: scikit-learn, full": SINGLE, "pca: scipy eigh": SINGLE, "pca: scipy svds": SINGLE,
    "pca: primme eigsh": SINGLE,
}  # fmt: skip
MODULES = {"faiss-cpu": "faiss", "scikit-learn": "sklearn"}


@pytest.fixture(scope="module")
def made() -> list[Row]:
    return beside(Size(240, 24, FeatureSize(240, 600, 20)), measured)


def test_every_library_has_a_row_and_what_it_gives_up(made: list[Row]) -> None:
    wanted = [f"{task}: {name}" for task, those in TASKS.items() for name in those if name != "ours"]
    assert [row.job for row in made] == wanted
    contenders = {f"{task}: {name}": each for task, those in TASKS.items() for name, each in those.items()}
    for row in made:
        package = contenders[row.job].package
        module = MODULES.get(package, package)
        # Not by its module: numba's caches of a package that was removed look like one.
        if not any(importlib.metadata.distributions(name=package)):
            assert row.published is None
            assert row.note == f"{module} is not here"
        else:
            assert row.published is not None
            assert min(row.ours, row.published) > 0
            assert contenders[row.job].gives_up in row.note


def test_libraries_give_what_ours_gives(made: list[Row]) -> None:
    compared = {row.job: row.difference for row in made if row.difference is not None}
    assert {"linkage: scipy", "neighbours: scikit-learn", "pca: scikit-learn, full"} <= set(compared)
    for job, difference in compared.items():
        if job in TOLERANCES:
            assert difference < TOLERANCES[job], job
    assert compared["pca: scikit-learn, randomized"] > 100 * compared["pca: scikit-learn, full"]


def test_each_is_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    np.save(tmp_path / "inputs" / "scores.npy", np.random.default_rng(0).normal(size=(100, 5)))
    costs = in_own_process("linkage", "scipy", tmp_path)
    assert costs["seconds"] > 0
    assert costs["version"] == importlib.metadata.version("scipy")
    with np.load(tmp_path / "result.npz") as result:
        assert result["height"].shape == (99,)
