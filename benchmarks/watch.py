"""Memory and processor time of a process and of all that it has started, each with all below it."""

import json
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

_WRITTEN = 10.0  # seconds
_RARELY = 50  # times what a look takes, at least


@dataclass
class Held:
    """What a process and all below it held at most, and used.

    Attributes:
        pid, created: which process; `created`, `first` and `last` are seconds since the epoch.
        first, last: when it was first and last seen.
        peak: bytes, pages that several processes share counted in parts, mapped files included.
        private: the same without mapped files, which the system can drop.
        processor: seconds, those of ended children included.
    """

    pid: int
    created: float
    first: float
    last: float
    peak: int = 0
    private: int = 0
    processor: float = 0.0


def memory(pid: int) -> tuple[int, int]:
    """Bytes of a process: its part of all pages, and of those that no file holds.

    Raises:
        OSError: it has ended.
    """
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    sizes = {name: 1024 * int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines[1:])}
    return sizes["Pss"], sizes["Pss_Anon"] + sizes["Pss_Shmem"]


class Watch:
    """Looks at a process and all below it until it is stopped, and keeps what it saw in a file.

    Args:
        pid: the root.
        path: a JSON file, written now and then, so that it outlives this process; None keeps nothing.
        every: seconds between two looks, at least.
    """

    def __init__(self, pid: int, path: Path | None = None, every: float = 1.0) -> None:
        self.held = dict[tuple[int, float], Held]()
        self._pid, self._path, self._every, self._written = pid, path, every, 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self._write()

    @property
    def whole(self) -> Held:
        """The root with all below it."""
        return next(each for each in self.held.values() if each.pid == self._pid)

    def _watch(self) -> None:
        while not self._over.is_set():
            begun = time.thread_time()
            self._look()
            if time.time() - self._written > _WRITTEN:
                self._write()
            # On a machine that is busy looking would take as much as what it looks at.
            self._over.wait(max(self._every, _RARELY * (time.thread_time() - begun)))

    def _look(self) -> None:
        try:
            root = psutil.Process(self._pid)
            processes = (root, *root.children(recursive=True))
        except psutil.NoSuchProcess:
            return
        now, created, above = time.time(), dict[int, float](), dict[int, int]()
        values = dict[int, tuple[float, ...]]()
        for each in processes:
            with suppress(psutil.Error, OSError):
                used = each.cpu_times()
                processor = used.user + used.system + used.children_user + used.children_system
                values[each.pid] = (*memory(each.pid), processor)
                created[each.pid], above[each.pid] = each.create_time(), each.ppid()
        totals = dict.fromkeys(above, (0.0, 0.0, 0.0))
        for pid in above:
            at = pid
            while at in totals:
                peak, private, processor = totals[at]
                totals[at] = (peak + values[pid][0], private + values[pid][1], processor + values[pid][2])
                at = above[at]
        for pid, (peak, private, processor) in totals.items():
            held = self.held.setdefault((pid, created[pid]), Held(pid, created[pid], now, now))
            held.last, held.peak, held.private = now, max(held.peak, int(peak)), max(held.private, int(private))
            held.processor = max(held.processor, processor)

    def _write(self) -> None:
        if self._path:
            part = self._path.with_suffix(".part")
            part.write_text(json.dumps([asdict(each) for each in self.held.values()]))
            part.rename(self._path)
            self._written = time.time()
