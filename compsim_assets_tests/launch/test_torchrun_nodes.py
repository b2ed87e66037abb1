"""Several processes and two nodes give the tables of one; what is said where nodes or ranks do not fit."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from compsim_assets.launch.torchrun import Torchrun
from compsim_assets_tests.launch.slurm import free_ports
from compsim_assets_tests.launch.steps import PROGRAMS, Step
from compsim_assets_tests.runs import Rebuilt, execute, platform

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc")


def two_nodes(**settings) -> dict:
    (port,) = free_ports(1)
    arguments = ["--nnodes=2", f"--rdzv-endpoint=127.0.0.1:{port}"]
    return {"nproc": "1", "extra_args": arguments, **settings}


@pytest.fixture
def over_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A command prefix for two nodes that are this machine. The program for ssh does what ssh and its
    server do with a command: hand its words to a shell with a bare environment, in the home folder."""
    shell = tmp_path / "ssh"
    shell.write_text(
        "#!/bin/sh\nhost=$1; shift\n"
        'case $host in unreachable) echo "no route to $host" >&2; exit 255;; esac\n'
        'cd /; exec env -i PATH=/usr/bin:/bin SLURMD_NODENAME=$host sh -c "$*"\n'
    )
    shell.chmod(0o755)
    monkeypatch.setenv("COMPSIM_SSH", str(shell))
    return [sys.executable, "-m", "compsim_assets.workers.ssh"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Step]]:
    """Starts a step and cleans up after it."""
    steps = []

    def starter(program: str, settings: dict, **extras) -> Step:
        steps.append(Step(tmp_path, program, settings, extras).start())
        return steps[-1]

    yield starter
    for step in steps:
        step.end()


def described(step: Step) -> str:
    (failure,) = step.finish()["failures"]
    step.wait_until_gone()
    assert list(step.scratch.iterdir()) == []
    return failure["description"]


def test_two_nodes_of_two_processes_find_the_clusters_of_one(
    rebuilt: Rebuilt, tmp_path: Path, over_ssh: list[str]
) -> None:
    settings = two_nodes(command_prefix=[*over_ssh, "one", "two", "--"])
    same_clusters(rebuilt, tmp_path, Torchrun(**{**settings, "nproc": "2"}), processes=4)


def same_clusters(rebuilt: Rebuilt, folder: Path, torchrun: Torchrun, processes: int) -> None:
    run = rebuilt.copy(folder)
    before = run.results.table("clusters", "base").stat().st_ino
    result = execute(platform(run.settings, torchrun), ["clusters"])
    (made,) = result.asset_materializations_for_node("clusters")
    assert made.metadata["processes"].value == processes
    assert run.results.table("clusters", "base").stat().st_ino != before
    assert run.read("clusters", "base").equals(rebuilt.read("clusters", "base"))


def test_a_rank_that_fails_on_one_node_ends_the_other_that_computes(
    start: Callable[..., Step], over_ssh: list[str]
) -> None:
    settings = two_nodes(command_prefix=[*over_ssh, "one", "two", "--"])
    step = start("endings", settings, actions=["compute", "raise"])
    description = described(step)
    assert description.startswith(f"rank 1 of {PROGRAMS}.endings on ")
    assert " failed: Broken: rank 1 is broken\n" in description
    assert step.seconds_after(rank=1) < 30


def test_agents_that_no_process_ties_to_the_step_end_with_it(start: Callable[..., Step], over_ssh: list[str]) -> None:
    # setsid and &: out of the reach of signals to the step's processes, as on another machine.
    cut = ["sh", "-c", 'setsid "$@" & wait', "sh"]
    settings = two_nodes(command_prefix=[*cut, *over_ssh, "one", "two", "--"])
    step = start("endings", settings, actions=["compute", "wait"])
    step.wait_for_ranks(2)
    step.process.terminate()
    assert "DagsterExecutionInterruptedError" in step.finish()["failures"][0]["error"]
    step.wait_until_gone(20)


def test_a_node_that_never_comes_is_missed_by_name(start: Callable[..., Step]) -> None:
    settings = two_nodes(join_timeout=3)
    step = start("endings", settings, actions=[])
    begun = time.monotonic()
    description = described(step)
    assert time.monotonic() - begun < 60
    endpoint = settings["extra_args"][1].partition("=")[2]
    assert f"torchrun of {PROGRAMS}.endings failed: 1 of 2 nodes (" in description
    assert f"did not come to the rendezvous at {endpoint} within 3 s" in description


def test_a_host_that_ssh_cannot_reach_ends_the_step(start: Callable[..., Step], over_ssh: list[str]) -> None:
    settings = two_nodes(command_prefix=[*over_ssh, "one", "unreachable", "--"])
    step = start("endings", settings, actions=[])
    assert "ended with exit code 255 before it started a rank" in described(step)
    assert "no route to unreachable\nunreachable: exit code 255" in step.output


@pytest.mark.parametrize("nnodes", [["--nnodes=2"], ["--nnodes", "2"], ["--nnodes=1:4"]])
def test_nodes_without_a_rendezvous_are_refused(nnodes: list[str], tmp_path: Path) -> None:
    with pytest.raises(dg.Failure, match=r"add --rdzv-endpoint=HOST:PORT to extra_args"):
        Torchrun(extra_args=nnodes).run(dg.build_asset_context(), "unused", {}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_ranks_on_different_devices_are_refused(start: Callable[..., Step]) -> None:
    description = described(start("devices", {"nproc": "2"}))
    assert "RuntimeError: ranks compute on different devices (rank 0 on " in description
    assert ": cpu, rank 1 on " in description
    assert ": cuda): their results would differ" in description


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("torch", "failed: OutOfMemory: out of memory (last: years linked: 3 of 7). To need less: "),
        ("numpy", "failed: OutOfMemory: out of memory (last: years linked: 3 of 7). To need less: "),
        ("killed", "was killed by signal 9 (SIGKILL). Its last line: years linked: 3 of 7. "),
    ],
)
def test_out_of_memory_says_where_and_what_to_lower(kind: str, said: str, start: Callable[..., Step]) -> None:
    description = described(start("greedy", {"nproc": "2"}, kind=kind))
    assert description.startswith(f"rank 1 of {PROGRAMS}.greedy {said}")
    assert "a smaller block of years; or fewer processes on a node (COMPSIM_NPROC)" in description
