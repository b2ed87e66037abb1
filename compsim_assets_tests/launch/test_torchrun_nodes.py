"""Two nodes without a batch system: they end together and with the step; what is said where they do not meet."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from compsim_assets.launch.torchrun import Torchrun
from compsim_assets_tests.launch.slurm import free_ports
from compsim_assets_tests.launch.steps import PROGRAMS, Step

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found through /proc"),
    pytest.mark.waits(60),
]

# Two nodes that are this machine, and a command that signals to the step's processes do not reach.
BOTH = ["sh", "-c", 'SLURMD_NODENAME=one "$@" & SLURMD_NODENAME=two "$@"; code=$?; wait $! && exit $code', "sh"]
APART = ["sh", "-c", 'setsid "$@" & wait', "sh"]


def two_nodes(**settings) -> dict:
    (port,) = free_ports(1)
    arguments = ["--nnodes=2", f"--rdzv-endpoint=127.0.0.1:{port}"]
    return {"nproc": "1", "extra_args": arguments, **settings}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Step]]:
    """Starts a step and cleans up after it."""
    steps = []

    def starter(program: str, settings: dict, *actions: str) -> Step:
        steps.append(Step(tmp_path, program, settings, {"actions": actions}).start())
        return steps[-1]

    yield starter
    for step in steps:
        step.end()


def described(step: Step) -> str:
    (failure,) = step.finish()["failures"]
    step.wait_until_gone()
    assert list(step.scratch.iterdir()) == []
    return failure["description"]


def test_a_rank_that_fails_on_one_node_ends_the_other_that_computes(start: Callable[..., Step]) -> None:
    step = start("endings", two_nodes(command_prefix=BOTH), "compute", "raise")
    description = described(step)
    assert description.startswith(f"rank 1 of {PROGRAMS}.endings on ")
    assert " failed: Broken: rank 1 is broken\n" in description
    assert 'raise Broken(f"rank {worker.rank} is broken")' in description
    assert step.seconds_after(rank=1) < 30


def test_agents_that_no_process_ties_to_the_step_end_with_it(start: Callable[..., Step]) -> None:
    step = start("idle", two_nodes(command_prefix=[*APART, *BOTH]), "compute", "compute")
    step.wait_for_ranks(2)
    step.process.terminate()
    assert "DagsterExecutionInterruptedError" in step.finish()["failures"][0]["error"]
    step.wait_until_gone(20)


def test_a_node_that_never_comes_is_missed_by_name(start: Callable[..., Step]) -> None:
    settings = two_nodes(join_timeout=3)
    step = start("endings", settings)
    begun = time.monotonic()
    description = described(step)
    assert time.monotonic() - begun < 60
    endpoint = settings["extra_args"][1].partition("=")[2]
    assert f"torchrun of {PROGRAMS}.endings failed: 1 of 2 nodes (" in description
    assert f"did not come to the rendezvous at {endpoint} within 3 s" in description


def test_nodes_without_a_rendezvous_are_refused(tmp_path: Path) -> None:
    for nodes in (["--nnodes=2"], ["--nnodes", "2"], ["--nnodes=1:4"]):
        with pytest.raises(dg.Failure, match=r"add --rdzv-endpoint=HOST:PORT to extra_args"):
            Torchrun(extra_args=nodes).run(dg.build_asset_context(), "unused", {}, tmp_path)
    assert list(tmp_path.iterdir()) == []
