"""Runs a worker program under torchrun as part of a Dagster step.

Dagster's own PipesSubprocessClient will not do: on termination it sends SIGINT, which torchrun hands on to ranks that
may be blocked where Python cannot act on it, then gives up waiting and leaves the processes behind. `docs/cluster.md`
says how to set up several nodes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from compsim_assets.launch.environment import threads
from compsim_assets.launch.failures import torchrun_failure
from compsim_assets.launch.heartbeat import heartbeat
from compsim_assets.launch.messages import WholeLineMessageReader

PACKAGE_ROOT = Path(__file__).parents[2]
LIFELINE = Path(__file__).with_name("lifeline.py")
RANK_GRACE_SECONDS = 3  # torchrun's, from its SIGTERM to its SIGKILL to a rank
AGENT_GRACE_SECONDS = 6  # ours, for torchrun; longer than its own


class Torchrun(dg.ConfigurableResource):
    """Starts worker programs with torchrun and brings back their result, log lines and failures."""

    nproc: str = Field(
        default="auto",
        description="Processes per node: a positive number, or `auto`: the visible CUDA GPUs, or one "
        "process without any. The setting is COMPSIM_NPROC.",
    )
    command_prefix: list[str] = Field(
        default=[], description="Put before the torchrun command, for example `srun` with its options."
    )
    extra_args: list[str] = Field(
        default=[],
        description="More torchrun arguments. For several nodes `--nnodes` and `--rdzv-endpoint`; "
        "without `--nnodes` the ranks stay on this machine's loopback.",
    )
    join_timeout: int = Field(
        default=600, gt=0, description="Seconds that nodes and ranks wait for one another at the start."
    )

    def run(
        self,
        context: dg.AssetExecutionContext | dg.OpExecutionContext,
        module: str,
        extras: Mapping[str, Any],
        scratch: Path,
    ) -> dict[str, Any]:
        """Run `python -m module` on every rank and return what rank 0 passed to `Worker.result`.

        Log lines of rank 0 appear in the event log, every rank's output in the step's compute logs.
        An asset that calls this must return `dg.Output(value)` or `dg.MaterializeResult`, not a plain
        value (a rule of Dagster Pipes).

        Args:
            context: the asset's or op's context.
            module: a worker program, ends with `run(main)`.
            extras: JSON-serialisable parameters, `Worker.extras` on every rank.
            scratch: existing or new folder; holds a folder of this run while it lasts. Across nodes
                it must be on a shared file system.

        Raises:
            dagster.Failure: a rank failed or was killed, torchrun could not start or was killed, the
                nodes did not meet, or no result was reported. The description names the rank and has
                its traceback.
        """
        if self.nproc != "auto" and not (self.nproc.isdecimal() and int(self.nproc) > 0):
            raise dg.Failure(f"COMPSIM_NPROC must be a positive number or 'auto', not {self.nproc!r}")
        if not (self._one_node or _option(self.extra_args, "rdzv-endpoint")):
            raise dg.Failure(
                f"--nnodes={self._nodes} without a rendezvous: add --rdzv-endpoint=HOST:PORT to "
                "extra_args, where HOST is one of the nodes, as the others reach it, and PORT is free "
                "there (inside a Slurm allocation, `scontrol show hostnames` lists the nodes)"
            )
        scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="torchrun-", dir=scratch.resolve()))
        try:
            return self._run_in(folder, context, module, extras)
        finally:
            _remove(folder)

    def _run_in(
        self,
        folder: Path,
        context: dg.AssetExecutionContext | dg.OpExecutionContext,
        module: str,
        extras: Mapping[str, Any],
    ) -> dict[str, Any]:
        (folder / "tmp").mkdir()
        lifeline = [sys.executable, "-I", "-S", str(LIFELINE), str(os.getpid())]
        with ExitStack() as stack:
            if not self._one_node:
                stack.enter_context(heartbeat(folder / "heartbeat"))
            session = stack.enter_context(
                dg.open_pipes_session(
                    context,
                    dg.PipesFileContextInjector(str(folder / "context.json")),
                    WholeLineMessageReader(folder / "messages.jsonl"),
                    extras=dict(extras),
                )
            )
            exit_code = _run_to_end(
                [*lifeline, *self.command_prefix, *self.agent_command(module, folder)],
                {**self._environment(folder), **session.get_bootstrap_env_vars()},
            )
        if exit_code != 0:
            raise torchrun_failure(module, exit_code, folder / "ranks")
        results = [message["result"] for message in session.get_custom_messages()]
        if not results:
            raise dg.Failure(f"{module} ended without a result: its main must call worker.result")
        return dict(results[0])

    @property
    def _nodes(self) -> str:
        return _option(self.extra_args, "nnodes") or "1"

    @property
    def _one_node(self) -> bool:
        return self._nodes in ("1", "1:1")

    def agent_command(self, module: str, folder: Path) -> list[str]:
        """What every node runs; `folder` is of this launch alone and seen by all nodes."""
        command = [sys.executable, "-m", "compsim_assets.launch.agent"]
        command += ["--nproc-per-node", self.nproc, "--max-restarts", "0"]
        command += ["--shutdown-timeout", str(RANK_GRACE_SECONDS)]
        # Tee: every rank's output goes to ours, line by line with its rank, and to a file that says
        # what a rank wrote that failed without a traceback.
        command += ["--log-dir", str(folder / "ranks"), "--tee", "3"]
        command += ["--rdzv-backend", "c10d", "--rdzv-id", folder.name]
        if self._one_node:
            # A file as the meeting point: torchrun's TCP store would listen on every interface.
            command += ["--rdzv-conf", "store_type=file"]
            command += ["--rdzv-endpoint", str(folder / "rendezvous")]
            command += ["--local-addr", "127.0.0.1"]
        return [*command, *self.extra_args, "-m", module]

    def _environment(self, folder: Path) -> dict[str, str]:
        environment = {
            "TORCHELASTIC_LOG_LINE_PREFIX_TEMPLATE": "[rank ${rank}] ",
            **_without(threads()),
            "TMPDIR": str(folder / "tmp"),  # what a killed rank leaves goes with the folder
            "COMPSIM_JOIN_TIMEOUT": str(self.join_timeout),
        }
        if "site-packages" not in PACKAGE_ROOT.parts:  # run from a checkout, perhaps not installed
            paths = [str(PACKAGE_ROOT), environment.get("PYTHONPATH", "")]
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
        if self._one_node:
            environment["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
            loopback = "lo" if sys.platform == "linux" else "lo0"
            environment.setdefault("GLOO_SOCKET_IFNAME", loopback)
            environment.setdefault("NCCL_SOCKET_IFNAME", loopback)
        else:
            environment["COMPSIM_HEARTBEAT"] = str(folder / "heartbeat")
            # What srun reads: one agent on each of so many nodes, whatever the allocation was made for,
            # and all end when one fails or is killed.
            environment["SLURM_JOB_NUM_NODES"] = environment["SLURM_NTASKS"] = self._nodes
            environment["SLURM_NTASKS_PER_NODE"] = "1"
            environment.setdefault("SLURM_KILL_BAD_EXIT", "1")
        return environment


def _option(arguments: list[str], name: str) -> str | None:
    """A torchrun option's value, however argparse takes it: `--a-b=c`, `--a_b c`; None without it."""
    for place, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag.replace("_", "-") == f"--{name}":
            return value if equals else "".join(arguments[place + 1 : place + 2])
    return None


def _without(ours: dict[str, str]) -> dict[str, str]:
    """The environment without what is of this process alone: a node's agent counts its own cores."""
    return {name: value for name, value in os.environ.items() if ours.get(name) != value}


def _run_to_end(command: list[str], environment: dict[str, str]) -> int:
    """Run the command and return its exit code; stop it, all of it, when interrupted."""
    # A session of its own: Ctrl-C in a terminal then reaches only this process, which ends torchrun in one way, and a
    # prefix's processes can be ended as a group. The lifeline is tied to this thread, which stays here until the end.
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,  # srun would read what is not its own
        start_new_session=True,
    )
    try:
        return process.wait()
    except BaseException:  # Dagster's termination is not an Exception
        _stop(process)
        raise


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(AGENT_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:  # also when a second interrupt arrives; the ranks' lifelines then end them
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _remove(folder: Path) -> None:
    """Delete a folder; again where a dying process or a network file system still held a file."""
    for _ in range(5):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.2)
