"""A Slurm of two nodes, n1 and n2, on this machine: real daemons, a temporary configuration, loopback only."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("srun", "squeue", "sinfo", "scancel")
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"

CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
AuthInfo=socket={folder}/munge.socket
SlurmUser=root
SlurmdUser=root
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
ReturnToService=2
MpiDefault=none
KillWait=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=1
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=1
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str | None:
    """Why no Slurm can be started here; None where it can."""
    missing = [name for name in (*DAEMONS, *COMMANDS) if not shutil.which(name, path=_PATH)]
    if missing:
        return f"needs Slurm and munge: {', '.join(missing)} not found"
    return None if os.geteuid() == 0 else "Slurm's daemons start jobs as root only"


def require() -> None:
    """Skip the test where there is no Slurm; fail it instead where COMPSIM_REQUIRE_SLURM is set."""
    reason = why_not()
    if reason and os.environ.get("COMPSIM_REQUIRE_SLURM"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@contextmanager
def two_nodes(folder: Path) -> Iterator[dict[str, str]]:
    """Start the daemons, yield the environment in which Slurm's commands find them, and end them."""
    controller, first, second = free_ports(3)
    configuration = folder / "slurm.conf"
    configuration.write_text(
        CONFIGURATION.format(
            host=socket.gethostname().partition(".")[0],
            folder=folder,
            controller=controller,
            first=first,
            second=second,
        )
    )
    environment = {"SLURM_CONF": str(configuration)}
    daemons: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> None:
        with (folder / "daemons.txt").open("ab") as output:
            daemons.append(
                subprocess.Popen(
                    command,
                    env={**os.environ, **environment, "PATH": _PATH},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            )

    try:
        start("munged", "--foreground", "--force", *_munge_files(folder))
        _until((folder / "munge.socket").exists, folder)
        start("slurmctld", "-D")
        for node in ("n1", "n2"):
            start("slurmd", "-D", "-N", node)
        _until(lambda: ask(environment, "sinfo", "-h", "-o", "%D %t").split() == ["2", "idle"], folder)
        yield environment
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(10)
            daemon.kill()
            daemon.wait()


def jobs(environment: dict[str, str]) -> str:
    """What `squeue` shows, without its header: empty once every job has ended."""
    return ask(environment, "squeue", "-h")


def free_ports(count: int) -> list[int]:
    """Ports of the loopback on which nothing listens at this moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _munge_files(folder: Path) -> list[str]:
    """Everything that munged would keep below /etc, /run and /var."""
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(1024))
    files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    return [f"--{option}={folder}/munge.{ending}" for option, ending in files.items()]


def ask(environment: dict[str, str], *command: str) -> str:
    asked = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def _until(condition, folder: Path, timeout: float = 60) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            logs = [path.read_text(errors="replace")[-2000:] for path in folder.glob("*.log")]
            raise TimeoutError("\n".join([(folder / "daemons.txt").read_text(), *logs]))
        time.sleep(0.1)
