"""`make bench`: ours against the published algorithm and the hardware's floor, on this machine, in this run.

Each job is a module of `benchmarks.jobs` with a function `rows(size, device) -> list[Row]`, and runs in a process of
its own, so that its peak memory is its own.
"""

import argparse
import dataclasses
import importlib
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import torch
from tabulate import tabulate

from benchmarks.measure import Row, copy_rate, device_name, gemm_rate

JOBS = (
    "shards", "feature_import", "pca", "cutoffs", "pairs", "linkage", "nearest", "peer_statistics", "linked_once",
    "walk_forward", "strong_features", "extraction", "controls", "scaling", "bootstrap", "adf", "prices", "intake",
    "platform", "publication", "reasons", "explorer", "answers",
)  # fmt: skip
# What is run only when it is asked for.
ASKED = ("libraries", "growth")
RESULTS = Path(__file__).parent / "results"
_HEADERS = (
    "job", "size", "ours s", "published s", "ratio", "floor s", "x floor", "peak GB", "difference", "exponent",
    "expected", "of memory", "expected of memory", "note",
)  # fmt: skip
_FORMATS = ("", "", ".3f", ".1f", ".0f", ".4f", ".2f", ".2f", ".0e", ".2f", "g", ".2f", "g", "")
_GROWTH = range(9, 13)  # columns that are left out where no row has them


def main() -> None:
    """Run the jobs and print one table; keep it under results/ when asked to."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("size", choices=("small", "paper", "growth"), nargs="?", default="small")
    parser.add_argument("--jobs", nargs="+", choices=(*JOBS, *ASKED), help=f"default: all but {' and '.join(ASKED)}")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: the GPU where there is one")
    parser.add_argument("--save", action="store_true", help="write the table to benchmarks/results/")
    parser.add_argument("--only", choices=(*JOBS, *ASKED), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    device = asked.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if asked.only:
        print(json.dumps([dataclasses.asdict(row) for row in _rows(asked.only, asked.size, device)]))
        return
    default = ("growth",) if asked.size == "growth" else JOBS
    jobs = tuple(asked.jobs or default)
    if asked.size == "growth" and jobs != default:
        parser.error("of the size growth there is one job, growth")
    start = time.perf_counter()
    rows = [row for job in jobs for row in _in_own_process(job, asked.size, device)]
    text = _render(rows, asked.size, device, time.perf_counter() - start)
    print(text)
    if asked.save:
        RESULTS.mkdir(exist_ok=True)
        some = () if jobs == default else jobs
        name = re.sub(r"[^a-z0-9]+", "-", "-".join((device_name(device), *some)).lower()).strip("-")
        (RESULTS / f"{asked.size}-{name}.md").write_text(text)
    if wrong := [f"{row.job}: {row.wrong}" for row in rows if row.wrong]:
        sys.exit("\n".join(wrong))


def _rows(job: str, size: str, device: str) -> list[Row]:
    rows: list[Row] = importlib.import_module(f"benchmarks.jobs.{job}").rows(size, device)
    return rows


def _in_own_process(job: str, size: str, device: str) -> list[Row]:
    print(f"{job} ...", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks.run", size, "--device", device, "--only", job]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [Row(**row) for row in json.loads(done.stdout.splitlines()[-1])]


def _render(rows: list[Row], size: str, device: str, seconds: float) -> str:
    n = 4096 if size == "paper" else 2048
    rates = [
        f"{gemm_rate(dtype, device, n) / 1e9:,.0f} GFLOP/s {str(dtype)[6:]}" for dtype in (torch.float32, torch.float64)
    ]
    lines = [[
        row.job, row.size, row.ours, row.published,
        row.published / row.ours if row.published else None,
        row.floor, row.ours / row.floor if row.floor else None,
        row.peak / 1e9 if row.peak else None, row.difference, row.growth, row.growth_expected, row.memory_growth,
        row.memory_expected, row.note,
    ] for row in rows]  # fmt: skip
    filled = [n for n in range(len(_HEADERS)) if n not in _GROWTH or any(line[n] is not None for line in lines)]
    headers, formats = ([each[n] for n in filled] for each in (_HEADERS, _FORMATS))
    table = tabulate([[line[n] for n in filled] for line in lines], headers, "pipe", floatfmt=formats, missingval="")
    return (
        f"Size `{size}` on {device_name(device)}; matrix products {', '.join(rates)}; copies "
        f"{copy_rate(device) / 1e9:.1f} GB/s; torch {torch.__version__}; {seconds / 60:.1f} minutes in "
        f"all.\n\n{table}\n"
    )


if __name__ == "__main__":
    main()
