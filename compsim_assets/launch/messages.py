"""Reads a worker's Pipes messages as whole lines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import dagster as dg
from dagster_pipes import PipesDefaultMessageWriter, PipesParams

POLL_SECONDS = 0.05


class WholeLineMessageReader(dg.PipesMessageReader):
    """Follows a file of messages, one JSON object a line, and waits for each line's end.

    Dagster's own file reader takes whatever has arrived for a line: a message of some kilobytes, seen
    half written, ends it, and the worker's result is lost. This happened to one in a few hundred
    messages of 10 kB. A line that a killed worker left unfinished is dropped here.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def expected_writer_count(self) -> int:
        """One: rank 0. (Dagster's own property says so too, with a preview warning in every step.)"""
        return 1

    @contextmanager
    def read_messages(self, handler: dg.PipesMessageHandler) -> Iterator[PipesParams]:
        self._path.touch()
        ended = Event()
        thread = Thread(target=self._read, args=(handler, ended), daemon=True)
        thread.start()
        try:
            yield {PipesDefaultMessageWriter.FILE_PATH_KEY: str(self._path)}
        finally:
            ended.set()
            thread.join()

    def _read(self, handler: dg.PipesMessageHandler, ended: Event) -> None:
        try:
            with self._path.open(encoding="utf-8") as stream:
                unfinished = ""
                while True:
                    last = ended.is_set()  # asked before the read, so that it sees everything
                    *lines, unfinished = (unfinished + stream.read()).split("\n")
                    for line in lines:
                        handler.handle_message(json.loads(line))
                    if last:
                        return
                    time.sleep(POLL_SECONDS)
        except Exception:
            handler.report_pipes_framework_exception(type(self).__name__, sys.exc_info())
            raise

    def no_messages_debug_text(self) -> str:
        return f"Read messages from the file {self._path}."
