"""How the steps of a run are started: in processes of their own, forked from a server that has loaded what they use."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import dagster as dg

from compsim_assets.launch import limits
from compsim_assets.running import identity
from compsim_assets.running.claims import give_back, release
from compsim_assets.running.file_systems import warn_of_network
from compsim_assets.running.pools import fit_gpu_pool
from compsim_assets.running.publishing import published
from compsim_assets.running.steps import PRELOADED, refuse_long_temporary_folder
from compsim_assets.running.watch import INTERRUPTED, watched

MOST_STEPS = 8  # at once: more would wait for each other's memory and disk
STEP_BYTES = 1 << 30  # of a step that is not heavy, with what it has loaded


def steps_at_once(cores: int, memory: int) -> int:
    """As many as there are cores, and as have their memory; where nobody says how much there is it counts not."""
    by_memory = max(1, memory // STEP_BYTES) if memory else MOST_STEPS
    return min(cores, by_memory, MOST_STEPS)


class RunExecutor(dg.Executor):
    """Dagster's multiprocess executor. First the run says which process runs it, and frees what dead runs hold;
    ended, it holds nothing itself.
    """

    def __init__(self, inner: dg.Executor) -> None:
        self._inner = inner

    @property
    def retries(self) -> Any:
        """As the inner executor says."""
        return self._inner.retries

    @property
    def step_dependency_config(self) -> Any:
        """As the inner executor says."""
        return self._inner.step_dependency_config

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
        """Run the steps of the plan."""
        instance = plan_context.instance
        instance.add_run_tags(plan_context.run_id, {identity.TAG: identity.this_process(plan_context.run_id)})
        for line in (*give_back(instance), *warn_of_network(instance)):
            plan_context.log.warning(line)
        fit_gpu_pool(instance)
        refuse_long_temporary_folder()
        try:
            steps = _interrupting_late_steps(self._inner.execute(plan_context, execution_plan))
            yield from watched(published(steps, plan_context), plan_context)
        finally:
            # Of a step that was still starting when the run was ended, Dagster keeps the slot.
            release(instance, plan_context.run_id)


def _interrupting_late_steps(events: Iterator[dg.DagsterEvent]) -> Iterator[dg.DagsterEvent]:
    """Pass a run's events on. A step whose process starts after the run was interrupted is interrupted, too.

    Dagster tells those alone that have a process by then, and waits for all: the run would end when that step has.
    """
    told: set[int | None] | None = None
    for event in events:
        yield event
        if (event.message or "").startswith(INTERRUPTED):
            told = {process.pid for process in multiprocessing.active_children()}
        started = event.event_type == dg.DagsterEventType.STEP_WORKER_STARTED
        if told is not None and started and event.pid and event.pid not in told:
            with suppress(ProcessLookupError):
                os.kill(event.pid, signal.SIGINT)


def _create(context: dg.InitExecutorContext) -> RunExecutor:
    create = dg.multiprocess_executor.executor_creation_fn
    assert create is not None
    return RunExecutor(create(context))


executor = dg.ExecutorDefinition(
    "multiprocess",
    config_schema=cast(Any, dg.multiprocess_executor.config_schema),
    requirements=dg.multiple_process_executor_requirements(),
    executor_creation_fn=_create,
    description="Each step in a process of its own.",
).configured(
    {
        "start_method": {"forkserver": {"preload_modules": PRELOADED}},
        "max_concurrent": steps_at_once(limits.cores(), limits.memory()),
        # Two steps that need much memory never meet; those of other runs: `assets.common.alone`.
        "tag_concurrency_limits": [{"key": "compsim/memory", "value": "heavy", "limit": 1}],
    }
)
