"""Ctrl-C, once and again, while Dagster has the signal handlers."""

import os
import signal
import threading
from collections.abc import Callable
from types import TracebackType


class Interrupts:
    """Hears SIGINT and SIGTERM beside whatever handles them, in a thread.

    Dagster takes the handlers for the length of a run and tells nobody of a signal until all steps have ended.

    Attributes:
        received: the first signal's number; 0 without any.
    """

    def __init__(self, first: Callable[[], None], again: Callable[[], None]) -> None:
        """
        Args:
            first: called at the first signal.
            again: called at each later one.
        """
        self.received = 0
        self._first, self._again = first, again

    def __enter__(self) -> "Interrupts":
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self._term = signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
        self._fd = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        signal.set_wakeup_fd(self._fd)
        signal.signal(signal.SIGTERM, self._term)
        os.close(self._writing)
        self._thread.join()
        os.close(self._reading)

    def _listen(self) -> None:
        while numbers := os.read(self._reading, 1):
            if numbers[0] in (signal.SIGINT, signal.SIGTERM):
                if self.received:
                    self._again()
                else:
                    self.received = numbers[0]
                    self._first()
