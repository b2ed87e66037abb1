"""A PostgreSQL of its own, from the system's packages: in a temporary folder, on a free port of this machine."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

PASSWORD = "it's a p@ss/w:rd"


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, as Debian or the PATH has it; None where it is not installed."""
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None


class PostgreSQL:
    """A server from `with` to its end, with a database and a user `compsim`."""

    def __init__(self) -> None:
        folder = programs()
        assert folder
        self._programs = folder
        self.folder = Path(tempfile.mkdtemp(prefix="compsim-postgresql-"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        # It refuses to run as root.
        self._as = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self._as:
            shutil.chown(self.folder, "postgres", "postgres")

    @property
    def environment(self) -> dict[str, str]:
        """What deploy/postgresql.yaml reads."""
        where = {"HOST": "127.0.0.1", "PORT": str(self.port), "DB": "compsim", "USERNAME": "compsim"}
        return {f"DAGSTER_PG_{name}": value for name, value in {**where, "PASSWORD": PASSWORD}.items()}

    def __enter__(self) -> "PostgreSQL":
        password = self.folder / "password"
        password.write_text(PASSWORD)
        if self._as:
            shutil.chown(password, "postgres")
        options = ("--username=compsim", f"--pwfile={password}", "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8")
        self._call("initdb", "-D", str(self.folder / "data"), *options)
        self.start()
        self.query("CREATE DATABASE compsim", database="postgres")
        return self

    def __exit__(self, *problem: object) -> None:
        with suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _call(self, program: str, *words: str) -> str:
        command = [*self._as, str(self._programs / program), *words]
        run = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=60)
        if run.returncode:
            raise subprocess.CalledProcessError(run.returncode, command, run.stdout, run.stderr)
        return run.stdout

    def _control(self, *words: str) -> None:
        # Its output would stay open in the server, and be waited for.
        log = str(self.folder / "log.txt")
        self._call("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", log, *words)

    def start(self) -> None:
        where = (
            f"-c port={self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} -c fsync=off"
        )
        self._control("-o", where, "start")

    def stop(self, how: str = "fast") -> None:
        self._control("-m", how, "stop")

    def process(self) -> psutil.Process | None:
        """The server's, while there is one."""
        with suppress(OSError, IndexError, psutil.Error):
            process = psutil.Process(int((self.folder / "data/postmaster.pid").read_text().split()[0]))
            return process if process.status() != psutil.STATUS_ZOMBIE else None
        return None

    def kill(self) -> None:
        """As a machine does that runs out of memory."""
        process = self.process()
        assert process
        pid = process.pid
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.02)

    def query(self, sql: str, database: str = "compsim") -> "list[Sequence[object]]":
        """Rows of a statement's answer."""
        import psycopg2

        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user="compsim", password=PASSWORD, dbname=database
        )  # fmt: skip
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()
