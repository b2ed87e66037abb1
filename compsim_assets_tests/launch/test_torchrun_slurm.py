"""A real Slurm with two nodes: the same step with `srun` in front."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from compsim_assets.launch.torchrun import Torchrun
from compsim_assets_tests.launch import slurm
from compsim_assets_tests.launch.steps import PROGRAMS, Step
from compsim_assets_tests.runs import Rebuilt, execute, platform

pytestmark = pytest.mark.waits(70)


@pytest.fixture(scope="module", autouse=True)
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A running Slurm, which this process's own children find."""
    slurm.require()
    folder = tmp_path_factory.mktemp("slurm")
    with slurm.two_nodes(folder) as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield environment


def across_nodes(nproc: str = "1") -> dict:
    """What a user sets: srun in front, the number of nodes and where they meet."""
    (port,) = slurm.free_ports(1)
    return {
        "command_prefix": ["srun"],
        "extra_args": ["--nnodes=2", f"--rdzv-endpoint=127.0.0.1:{port}"],
        "nproc": nproc,
        "join_timeout": 30,
    }


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Step]]:
    """Starts a step with a rank on each node, outside an allocation, and cleans up after it."""
    steps = []

    def starter(*actions: str) -> Step:
        step = Step(tmp_path, "idle", across_nodes(), {"actions": actions})
        steps.append(step.start())
        return step

    yield starter
    for step in steps:
        step.end()


def nothing_runs(step: Step, environment: dict[str, str]) -> None:
    step.wait_until_gone(30)
    deadline = time.monotonic() + 20
    while slurm.jobs(environment):
        assert time.monotonic() < deadline, slurm.jobs(environment)
        time.sleep(0.2)


def nothing_is_left(step: Step, environment: dict[str, str]) -> None:
    nothing_runs(step, environment)
    assert list(step.scratch.iterdir()) == []


def test_in_an_allocation_two_nodes_of_two_processes_find_the_trees_and_clusters_of_one(
    rebuilt: Rebuilt, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["salloc", "--nodes=2", "--no-shell"], check=True, capture_output=True)
    job = slurm.ask(environment, "squeue", "-h", "-o", "%i")
    monkeypatch.setenv("SLURM_JOB_ID", job)
    run = rebuilt.copy(tmp_path)
    result = execute(platform(run.settings, Torchrun(**across_nodes(nproc="2"))), ["dendrograms", "clusters"])
    assert result.success
    for name, mode in (("dendrograms", None), ("clusters", "base")):
        (made,) = result.asset_materializations_for_node(name)
        assert made.metadata["processes"].value == 4
        assert run.read(name, mode).equals(rebuilt.read(name, mode))
    subprocess.run(["scancel", job], check=True)


def test_a_killed_rank_on_the_second_node_is_named_while_the_first_computes(
    start: Callable[..., Step], environment: dict[str, str]
) -> None:
    step = start("compute", "kill")
    (failure,) = step.finish()["failures"]
    assert failure["description"].startswith(f"rank 1 of {PROGRAMS}.idle on n")
    assert " was killed by signal 9 (SIGKILL)" in failure["description"]
    assert step.seconds_after(rank=1) < 30
    nothing_is_left(step, environment)


def test_termination_ends_the_whole_job(start: Callable[..., Step], environment: dict[str, str]) -> None:
    step = start("compute", "compute")
    step.wait_for_ranks(2)
    assert slurm.jobs(environment)
    step.process.terminate()
    (failure,) = step.finish()["failures"]
    assert "DagsterExecutionInterruptedError" in failure["error"]
    nothing_is_left(step, environment)


def test_a_killed_step_takes_the_job_with_it(start: Callable[..., Step], environment: dict[str, str]) -> None:
    step = start("compute", "compute")
    step.wait_for_ranks(2)
    step.process.kill()
    step.process.join()
    nothing_runs(step, environment)


def test_a_killed_agent_ends_the_other_node_too(start: Callable[..., Step], environment: dict[str, str]) -> None:
    step = start("compute", "compute")
    step.wait_for_ranks(2)
    (_, agent) = (p for p in step.processes() if is_agent(p))
    agent.kill()
    (failure,) = step.finish()["failures"]
    assert "was killed by signal 9 (SIGKILL)" in failure["description"]
    nothing_is_left(step, environment)


def is_agent(process: psutil.Process) -> bool:
    return process.name() != "srun" and "compsim_assets.launch.agent" in process.cmdline()
