"""Rebuild after rebuild under a real daemon and code server: what grows? `python -m benchmarks.soak --ticks 50`.

Each tick is a rebuild of everything on a tiny universe, asked for by a sensor. Every other one finds a price changed.
After each: storage, rows, memory, open files, versions, and what lies about. `--storage postgresql` starts a server of
its own. Rows are written as they come, so that an interrupted soak is one of fewer ticks.
"""

import argparse
import csv
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import psutil

from benchmarks.soak_location import compressed_clock
from compsim_assets.running.home import CONFIGURATION

REPOSITORY = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
LOCATION = "benchmarks.soak_location"
MB = 1 << 20


class Soak:
    """A Dagster home, its daemon and code server, and the universe that they rebuild."""

    def __init__(self, folder: Path, storage: str, stack: ExitStack) -> None:
        self.folder, self.home, self.data = folder, folder / "home", folder / "data"
        self.universe, self.asked = folder / "universe", folder / "asked"
        self.home.mkdir()
        (folder / "tmp").mkdir()
        self.asked.write_text("0")
        from compsim_assets.sample import generate
        from compsim_assets_tests.runs import TINY

        generate(self.universe, size=TINY)
        os.environ |= {
            "DAGSTER_HOME": str(self.home), "COMPSIM_SOURCE": "local", "COMPSIM_UNIVERSE": str(self.universe),
            "COMPSIM_DATA": str(self.data), "SOAK_ASKED": str(self.asked), "TMPDIR": str(folder / "tmp"),
        }  # fmt: skip
        configuration = CONFIGURATION.read_text()
        self.server: Any = None
        self.processes = list[subprocess.Popen[bytes]]()
        if storage == "postgresql":
            from compsim_assets_tests.deploy.postgresql import PostgreSQL

            self.server = stack.enter_context(PostgreSQL())
            os.environ |= self.server.environment
            configuration += (REPOSITORY / "deploy/postgresql.yaml").read_text()
        (self.home / CONFIGURATION.name).write_text(configuration)
        self.instance = stack.enter_context(dg.DagsterInstance.from_config(str(self.home)))
        self.instance.get_runs(limit=1)  # two that make the tables at once break them
        self.instance.event_log_storage.get_concurrency_keys()
        self.instance.schedule_storage.all_instigator_state()  # type: ignore[union-attr]
        self.code, self.daemon = self._start(stack)

    def _start(self, stack: ExitStack) -> tuple[psutil.Process, psutil.Process]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        workspace = self.folder / "workspace.yaml"
        where = f"{{host: 127.0.0.1, port: {port}, location_name: compsim}}"
        workspace.write_text(f"load_from:\n  - grpc_server: {where}\n")
        grpc = ("dagster", "api", "grpc", "-m", LOCATION, "-h", "127.0.0.1", "-p", port, "--location-name", "compsim")
        code = stack.enter_context(self._running("code", *grpc))
        self.wait_for(lambda: _answers(int(port)), 300)
        return code, stack.enter_context(self._running("daemon", "dagster._daemon", "run", "-w", str(workspace)))

    @contextmanager
    def _running(self, name: str, *words: str) -> Iterator[psutil.Process]:
        with (self.folder / f"{name}.txt").open("wb") as output:
            process = subprocess.Popen([sys.executable, "-m", *words], stdout=output, stderr=subprocess.STDOUT)
        self.processes.append(process)
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()
            process.wait()

    def wait_for(self, condition: Callable[[], Any], seconds: float) -> Any:
        """Until it holds.

        Raises:
            TimeoutError: it does not in time.
        """
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            dead = [process for process in self.processes if process.poll() is not None]
            if dead or time.monotonic() > deadline:
                said = "\n".join(path.read_text()[-3000:] for path in self.folder.glob("*.txt"))
                raise TimeoutError(f"{dead or 'nothing within so many seconds'}: {seconds:.0f}\n{said}")
            time.sleep(0.5)
        return value

    def tick(self, number: int, change: bool) -> dict[str, Any]:
        """A rebuild, and what is there after it."""
        if change:
            self._change_a_price(number)
        begun = time.monotonic()
        self.asked.write_text(str(number))
        run = self.wait_for(lambda: self._ended(number), 1800)
        seconds = time.monotonic() - begun
        time.sleep(5)  # the run's process goes after its last event
        return {"tick": number, "changed": int(change), "status": run.status.value, "seconds": round(seconds)} | (
            self._measure()
        )

    def _ended(self, number: int) -> dg.DagsterRun | None:
        runs = self.instance.get_runs(dg.RunsFilter(tags={"dagster/run_key": f"tick {number}"}))
        return runs[0] if runs and runs[0].is_finished else None

    def _change_a_price(self, number: int) -> None:
        import pandas as pd

        path = self.universe / "prices.parquet"
        prices = pd.read_parquet(path)
        prices.loc[prices.index[number % len(prices)], "adj_close"] *= 1.01
        prices.to_parquet(path.with_suffix(".new"))
        os.replace(path.with_suffix(".new"), path)

    def _measure(self) -> dict[str, Any]:
        results = self.data / "local"
        count = self._rows_of
        return {
            "home MB": _size(self.home) / MB,
            "database MB": self._database() / MB,
            "data MB": _size(self.data) / MB,
            "versions": len([p for p in (results / ".published").glob("2*") if p.is_dir()]),
            "runs": count("runs"),
            "event rows": count("event_logs"),
            "tick rows": count("job_ticks"),
            "daemon MB": self.daemon.memory_info().rss / MB,
            "daemon files": self.daemon.num_fds(),
            "code MB": self.code.memory_info().rss / MB,
            "code files": self.code.num_fds(),
            "scratch": len(list((results / ".scratch").glob("*"))),
            "tmp": len([p for p in (self.folder / "tmp").iterdir() if p.suffix != ".lock"]),
            "processes": len(self.code.children(recursive=True)),
        }

    def _database(self) -> float:
        if self.server:
            return float(str(self.server.query("SELECT pg_database_size('compsim')")[0][0]))
        return float(sum(path.stat().st_size for path in self.home.rglob("*.db*")))

    def _rows_of(self, table: str) -> int:
        """In SQLite each run has a file of events, beside the index of all."""
        sql = f"SELECT count(*) FROM {table}"
        if self.server:
            return int(str(self.server.query(sql)[0][0]))
        total = 0
        for path in self.home.rglob("*.db"):
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
                if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                    total += connection.execute(sql).fetchone()[0]
        return int(total)


def _answers(port: int) -> bool:
    with socket.socket() as there:
        return there.connect_ex(("127.0.0.1", port)) == 0


def _size(folder: Path) -> int:
    """Bytes on the disk; a file with several names counts once."""
    inodes = dict[int, int]()
    for path in folder.rglob("*"):
        try:
            stat = path.lstat()
        except FileNotFoundError:
            continue
        inodes[stat.st_ino] = stat.st_blocks * 512
    return sum(inodes.values())


def main() -> None:
    """Tick, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--ticks", type=int, default=50)
    parser.add_argument("--storage", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="start no tick after these")
    parser.add_argument("--output", type=Path, help="a CSV; by default one of benchmarks/results")
    asked = parser.parse_args()
    assert compressed_clock.name
    output = asked.output or RESULTS / f"soak-{asked.storage}.csv"
    begun = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="compsim-soak-")))
        folder.chmod(0o755)
        soak = Soak(folder, asked.storage, stack)
        with output.open("w", newline="") as file:
            writer: Any = None
            for number in range(1, asked.ticks + 1):
                if time.monotonic() - begun > 60 * asked.minutes:
                    break
                row = soak.tick(number, change=number % 2 == 0)
                row = {name: round(value, 1) if isinstance(value, float) else value for name, value in row.items()}
                if writer is None:
                    writer = csv.DictWriter(file, row)
                    writer.writeheader()
                writer.writerow(row)
                file.flush()
                print(row, flush=True)


if __name__ == "__main__":
    main()
