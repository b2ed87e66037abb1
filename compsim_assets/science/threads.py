"""Many small jobs on all cores: one thread a job instead of all threads on every small product."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch


def map_on_all_cores(work: Callable[..., Any], *arguments: Iterable[Any], device: torch.device) -> Iterator[Any]:
    """Like `map`, on as many threads as torch may use, each of which computes alone.

    Threads that share every small operation wait for each other at the end of each, the longer the busier the machine.
    On a GPU one thread: operations queue up there anyway.
    """
    count = torch.get_num_threads()
    if count == 1 or device.type != "cpu":
        yield from map(work, *arguments)
        return
    # Threads started now take this number over.
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(count) as pool:
            yield from pool.map(work, *arguments)
    finally:
        torch.set_num_threads(count)
