"""One process against two of the workers that share work out, under torchrun as the platform starts it.

Every process computes with one thread, so that two of them are two cores. As a program it is one rank: it times a
worker's `main` between two barriers, after the imports.
"""

import dataclasses
import importlib
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.numpy import save_file

from benchmarks.inputs import SIZES, Size, cluster_inputs, yearly_scores
from benchmarks.measure import Row
from compsim_assets.launch.torchrun import PACKAGE_ROOT, Torchrun
from compsim_assets.launch.worker import Worker, run
from compsim_assets.storage.matrices import list_column
from compsim_assets.storage.shards import write_feature_shards

# As small as gives a process of one thread some seconds of work.
SMALL = Size(1_400, 6, 800, {2: 300, 4: 60, 16: 40, 64: 8}, 600)


def main(worker: Worker) -> None:
    """Run the worker that the extras name and let rank 0 write the seconds it took."""
    inner = dataclasses.replace(worker, extras=worker.extras["extras"])
    program = importlib.import_module(worker.extras["module"])
    worker.barrier()
    start = time.perf_counter()
    program.main(inner)
    worker.barrier()
    if worker.rank == 0:
        Path(worker.extras["seconds"]).write_text(str(time.perf_counter() - start))


def rows(size: str, device: str) -> list[Row]:
    """Two rows: single linkage, and strong features. On the CPU, unless there are two GPUs."""
    shape = SMALL if size == "small" else SIZES[size]
    with tempfile.TemporaryDirectory() as folder:
        return [
            _row(
                "linkage, 2 processes",
                f"{shape.years} years of {shape.reports:,}, P = {shape.axes:,}",
                "compsim_assets.workers.dendrograms",
                _scores(Path(folder), shape),
            ),
            _row(
                "strong features, 2 processes",
                f"{sum(shape.clusters.values()):,} clusters, {shape.candidates:,} candidates, P = {shape.axes:,}",
                "compsim_assets.workers.clusters",
                _cluster_features(Path(folder), shape),
            ),
        ]


def _row(job: str, size: str, module: str, extras: dict[str, Any]) -> Row:
    (one, step_one), (two, step_two) = (_seconds(n, module, extras) for n in (1, 2))
    note = (
        f"1 process: {one:.2f} s, efficiency {one / (2 * two):.0%}; whole launch, with imports: "
        f"{step_one:.1f} s and {step_two:.1f} s; one thread a process"
    )
    return Row(job=job, size=size, ours=two, note=note)


def _seconds(processes: int, module: str, extras: dict[str, Any]) -> tuple[float, float]:
    """Seconds inside the worker, and of the whole launch."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asked = {"module": module, "extras": extras, "seconds": str(folder / "seconds")}
        launch = Torchrun(nproc=str(processes)).agent_command("benchmarks.jobs.scaling", folder)
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(PACKAGE_ROOT)}
        if torch.cuda.device_count() < 2:
            environment["CUDA_VISIBLE_DEVICES"] = ""
        start = time.perf_counter()
        done = subprocess.run(
            [*launch, json.dumps(asked)],
            env={**environment, "GLOO_SOCKET_IFNAME": "lo"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        whole = time.perf_counter() - start
        if done.returncode != 0:
            raise RuntimeError(done.stdout)
        return float((folder / "seconds").read_text()), whole


def _scores(folder: Path, shape: Size) -> dict[str, Any]:
    scores, year, _ = yearly_scores(shape)
    table = {"report_id": np.arange(len(year)), "year": year, "scores": list_column(scores)}
    pq.write_table(pa.table(table), folder / "scores.parquet")
    return {name: str(folder / "scores.parquet") for name in ("reports", "scores")} | {"output": str(folder)}


def _cluster_features(folder: Path, shape: Size) -> dict[str, Any]:
    """Latents are the candidates alone: their coefficients x / s are the features, of scale 1."""
    given = cluster_inputs(shape)
    n, latents = given.coefficients.shape
    ids = np.arange(n)
    members = {
        "year": np.full(n, 2000),
        "cluster_id": np.repeat(np.arange(len(given.rows)), [len(rows) for rows in given.rows]),
        "report_id": ids,
    }
    pq.write_table(pa.table(members), folder / "members.parquet")
    scored = {"report_id": ids, "year": members["year"], "scores": list_column(given.scores)}
    pq.write_table(pa.table(scored), folder / "member_scores.parquet")
    for made in ("features", "strong"):
        (folder / made).mkdir()
    write_feature_shards(folder / "features", [(ids, given.coefficients.astype(np.float32))], latents, {})
    components = np.ascontiguousarray(given.axes.T)
    pca = {
        "components": components,
        "scale": np.ones(latents),
        "mean": np.zeros(latents),
        "explained_variance": np.ones(len(components)),
    }
    save_file(pca, folder / "pca.safetensors")
    options = {
        "scores": str(folder / "member_scores.parquet"),
        "features": str(folder / "features"),
        "pca": str(folder / "pca.safetensors"),
        "scored_latents": list(range(latents)),
        "sample_clusters": 0,
        "only_clusters": "",
        "max_pairs": 200,
        "max_candidates": shape.candidates,
        "seed": 0,
        "products": "float64",
    }
    modes = {"base": {"clusters": str(folder / "members.parquet")}}
    return {"modes": modes, "output": str(folder / "strong"), "strong_features": options}


if __name__ == "__main__":
    run(main)
