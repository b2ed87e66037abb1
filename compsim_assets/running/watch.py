"""What a run minds while it works: whether it was ended from outside, and what it and others wait for.

Each run does so in a thread of its own process, whoever started it and whether or not there is a daemon. What it finds
is in the event log: of this run, or of the one that waits.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import dagster as dg
from dagster._core.events import EngineEventData
from dagster._utils.interrupts import check_captured_interrupt

from compsim_assets.running import identity
from compsim_assets.running.claims import give_back, holders
from compsim_assets.running.waiting import tell_the_queue
from compsim_assets.settings import runs_to_keep

EVERY = 2.0  # seconds between two looks at the run
POOLS_EVERY, QUEUE_EVERY = 4.0, 10.0
HEARD_WITHIN = 8.0  # seconds that a signal has to arrive, from wherever the run is ended
ENDS_WITHIN = 20.0  # seconds that an ended run's process has to go
INTERRUPTED = "Multiprocess executor: received termination signal"
WAITS = "compsim/waits_for"  # metadata of an event: the pool


def watched(events: Iterator[dg.DagsterEvent], plan_context: Any) -> Iterator[dg.DagsterEvent]:
    """Pass a run's events on, and mind meanwhile what happens to it. At its end, forget runs of long ago."""
    with Watch(plan_context.instance, plan_context.run_id, plan_context.log.warning) as watch:
        for event in events:
            watch.take(event)
            yield event
    try:
        from compsim_assets.running.retention import prune  # it loads Dagster's storage, which definitions need not

        prune(plan_context.instance, *runs_to_keep())
    except Exception as problem:  # what was made is made: the next run tries again
        plan_context.log.warning(f"runs of the past are still kept: {problem}")


class Watch:
    """A thread from `with` to its end."""

    def __init__(self, instance: dg.DagsterInstance, run_id: str, warn: Callable[[str], None]) -> None:
        """
        Args:
            warn: takes a line for the run's log.
        """
        self._instance, self._run_id, self._warn = instance, run_id, warn
        self._waiting, self._said = dict[str, str](), dict[str, list[str]]()
        self._interrupted, self._parent = False, os.getppid()
        self._canceling = self._ended = self._pools = self._queue = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._over.set()
        self._thread.join(EVERY)

    def take(self, event: dg.DagsterEvent) -> None:
        """The next event of the run: which steps wait, and whether the run hears that it is to end."""
        message, key = event.message or "", event.step_key or ""
        if message.startswith(INTERRUPTED):
            self._interrupted = True
        elif event.event_type == dg.DagsterEventType.ENGINE_EVENT and key and "blocked" in message:
            if pool := event.engine_event_data.metadata.get("pool"):
                self._waiting[key] = str(pool.value)
        elif key in self._waiting and event.event_type != dg.DagsterEventType.ENGINE_EVENT:
            del self._waiting[key]

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            with suppress(Exception):  # a storage that is busy, or away, is asked again
                self._look(time.monotonic())

    def _look(self, now: float) -> None:
        run = self._instance.get_run_by_id(self._run_id)
        if run is None or run.is_finished:
            self._end(now)
        elif run.status == dg.DagsterRunStatus.CANCELING:
            self._hear(now)
        elif os.getppid() != self._parent and identity.ALONE not in run.tags:
            self._instance.add_run_tags(self._run_id, {identity.ALONE: "true"})
            self._instance.report_engine_event("The code server of this run is gone. The run goes on without it.", run)
        if run and self._waiting and now - self._pools >= POOLS_EVERY:
            self._pools = now
            self._say_what_steps_wait_for(run)
        if now - self._queue >= QUEUE_EVERY:
            self._queue = now
            tell_the_queue(self._instance, self._run_id)

    def _hear(self, now: float) -> None:
        """The run is to end. Usually a signal says so; whoever would send it may be gone."""
        self._canceling = self._canceling or now
        if now - self._canceling >= HEARD_WITHIN:
            self._interrupt()

    def _end(self, now: float) -> None:
        """The run was marked as ended, or deleted, and others may count on it: what it holds is given to them."""
        if not self._ended:
            self._ended = now
            self._interrupt()
        elif now - self._ended >= ENDS_WITHIN:
            os._exit(1)  # steps, torchrun and its ranks end with this process

    def _interrupt(self) -> None:
        """Once: a command takes a second signal for the wish to end at once."""
        if not self._interrupted and not check_captured_interrupt():
            self._interrupted = True
            os.kill(os.getpid(), signal.SIGINT)

    def _say_what_steps_wait_for(self, run: dg.DagsterRun) -> None:
        """In the log, at the beginning and whenever somebody else has what they wait for."""
        for line in give_back(self._instance):
            self._warn(line)
        for step, pool in list(self._waiting.items()):
            held_by = holders(self._instance, pool, self._run_id)
            if held_by and held_by != self._said.get(pool):
                self._said[pool] = held_by
                data = EngineEventData({WAITS: pool})
                message = f"waits for pool {pool}, held by {', '.join(held_by)}"
                self._instance.report_engine_event(message, run, data, step_key=step)
