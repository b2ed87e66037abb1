"""Follows a run of this process in its event log."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress

import dagster as dg

from compsim_assets.running.progress import Progress

EVERY = 0.3  # seconds between two looks at the log


class Follower:
    """A thread that shows a run's progress until it is told that the run has ended.

    Attributes:
        run: the run, once it is there.
    """

    def __init__(self, instance: dg.DagsterInstance, tags: Mapping[str, str], progress: Progress) -> None:
        """
        Args:
            tags: what tells the run from all others.
        """
        self.run: dg.DagsterRun | None = None
        self._instance, self._tags, self._progress = instance, dict(tags), progress
        self._cursor: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """Begin to look for the run."""
        self._thread.start()

    def finish(self) -> None:
        """Show what the run said last."""
        self._ended.set()
        self._thread.join()
        self._read()

    def _follow(self) -> None:
        while not self._ended.wait(EVERY):
            with suppress(Exception):  # a storage that is busy is asked again
                self._read()
                self._progress.tick(time.time())

    def _read(self) -> None:
        if self.run is None:
            self.run = next(iter(self._instance.get_runs(dg.RunsFilter(tags=self._tags), limit=1)), None)
        more = self.run is not None
        while more and self.run:
            records = self._instance.get_records_for_run(self.run.run_id, self._cursor)
            self._cursor, more = records.cursor, records.has_more
            for record in records.records:
                self._progress.take(record.event_log_entry)
