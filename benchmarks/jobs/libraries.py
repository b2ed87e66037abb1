"""Single linkage, nearest neighbours and PCA beside what a user would take instead, on the same data in the same run.

"Published" is the library, and seconds are those of processors: another process changes little, and ours gains nothing
from using several cores where a library uses one. The libraries are no part of the package: `pip install --group
libraries`. PRIMME and SLEPc have no wheels.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.inputs import SIZES, FeatureSize, feature_blocks, yearly_scores
from benchmarks.jobs.pca import cosine_difference
from benchmarks.libraries import TASKS
from benchmarks.measure import Row

REPOSITORY = Path(__file__).parents[2]
FEW_AXES, N_PEERS = 3, 50
# Task, name, folder of the inputs: what it cost, or what is missing.
Measure = Callable[[str, str, Path], dict[str, Any]]


@dataclass(frozen=True)
class Size:
    """Companies of a year and their axes; reports, latents and axes of a PCA."""

    companies: int
    axes: int
    pca: FeatureSize


LIBRARY_SIZES = {
    "small": Size(3_000, 400, FeatureSize(1_500, 6_144, 150)),
    "paper": Size(10_000, 4_000, FeatureSize(6_000, 24_576, 800)),
}


def rows(size: str, device: str) -> list[Row]:
    """A row a library; always on the CPU."""
    return beside(LIBRARY_SIZES[size], in_own_process)


def beside(size: Size, measure: Measure) -> list[Row]:
    """All tasks."""

    def task(name: str, what: str, **inputs: Any) -> list[Row]:
        return _task(name, what, inputs, measure)

    year = f"{size.companies:,} companies, P = "
    pca = f"{size.pca.reports:,} x {size.pca.latents:,}, P = {size.pca.axes:,}"
    features = np.concatenate([block for _, block in feature_blocks(size.pca)])
    scores = _scores(size, size.axes)
    return [
        *task("linkage", f"{year}{size.axes:,}", scores=scores),
        *task("linkage, few axes", f"{year}{FEW_AXES}", scores=_scores(size, FEW_AXES)),
        *task("neighbours", f"{year}{size.axes:,}, {N_PEERS} each", scores=scores, k=N_PEERS),
        *task("pca", pca, features=features, axes=size.pca.axes),
    ]


def _scores(size: Size, axes: int) -> np.ndarray:
    shape = replace(SIZES["paper"], reports=size.companies, years=1, axes=axes)
    return yearly_scores(shape)[0].astype(np.float32)


def _task(task: str, size: str, inputs: Mapping[str, Any], measure: Measure) -> list[Row]:
    made = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "inputs").mkdir()
        for key, value in inputs.items():
            np.save(folder / "inputs" / f"{key}.npy", value)
        ours = measure(task, "ours", folder)
        our_result = _result(folder)
        for library, contender in TASKS[task].items():
            if library == "ours":
                continue
            theirs = measure(task, library, folder)
            if "missing" in theirs:
                made.append(Row(f"{task}: {library}", size, ours["seconds"], note=f"{theirs['missing']} is not here"))
                continue
            result = _result(folder)
            made.append(
                Row(
                    job=f"{task}: {library}",
                    size=size,
                    ours=ours["seconds"],
                    published=theirs["seconds"],
                    peak=ours["bytes"],
                    difference=_difference(our_result, result),
                    note=f"{theirs['version']}, {theirs['bytes'] / 1e9:.2f} GB; gives up: {contender.gives_up}"
                    f"{_others(our_result, result)}",
                )
            )
    return made


def in_own_process(task: str, name: str, folder: Path) -> dict[str, Any]:
    """See `benchmarks.libraries.measured`: memory of one is not memory of another."""
    command = [sys.executable, "-m", "benchmarks.libraries", task, name, str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    costs: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return costs


def _result(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "result.npz") as result:
        return dict(result)


def _difference(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> float:
    """Of merges' distances, or of cosines of neighbours, or of cosines between scores: the largest."""
    if "scores" in ours:
        return cosine_difference(ours["scores"], theirs["scores"])
    key = "height" if "height" in ours else "cosine"
    first, second = ours[key], theirs[key]
    if key == "height":
        first, second = np.sort(first), np.sort(second)
    return float(np.abs(first.astype(np.float64) - second).max())


def _others(ours: Mapping[str, np.ndarray], theirs: Mapping[str, np.ndarray]) -> str:
    """Rows whose neighbours, in their order, are not ours."""
    if "peer" not in ours:
        return ""
    others = (ours["peer"] != theirs["peer"]).any(axis=1).mean()
    return f"; {others:.1%} of lists differ"
