"""The device that computes, its memory, its threads, and how work is handed out: what every chapter stands on."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

# What torch raises as a plain RuntimeError when the CPU's memory runs out.
_ALLOCATOR = ("DefaultCPUAllocator", "can't allocate memory", "bad_alloc", "Cannot allocate memory")


def is_out_of_memory(error: Exception) -> bool:
    """True for numpy's, pyarrow's and Python's MemoryError, and torch's errors on CPU and CUDA."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError | OSError) and any(w in str(error) for w in _ALLOCATOR)


def compute_exactly() -> None:
    """Switch off the shortcuts that make a GPU's float32 differ from the CPU's and from itself.

    TF32 rounds the factors of a float32 product to 10 bits of mantissa, a relative error near 1e-3:
    enough to reorder distances around a cutoff. cuDNN's search for the fastest kernel may take another summation order
    from one run to the next; so may cuBLAS with a shared workspace, which only the environment can settle
    (`launch.environment`).
    """
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def to_device(values: np.ndarray | torch.Tensor, device: torch.device | str) -> torch.Tensor:
    """The values on the device; on a GPU through page-locked memory, copied while the processor goes on.

    On the CPU an array's memory is shared, not copied.
    """
    tensor = values
    if isinstance(tensor, np.ndarray):
        tensor = torch.from_numpy(np.ascontiguousarray(tensor))
    if torch.device(device).type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)


def map_on_all_cores(work: Callable[..., Any], *arguments: Iterable[Any], device: torch.device) -> Iterator[Any]:
    """Like `map`, on as many threads as torch may use, each of which computes alone.

    Threads that share every small operation wait for each other at the end of each, the longer the busier the machine.
    On a GPU one thread: operations queue up there anyway.
    """
    count = torch.get_num_threads()
    if count == 1 or device.type != "cpu":
        yield from map(work, *arguments)
        return
    torch.set_num_threads(1)
    try:
        # A new thread takes this number over once it asks for it; MKL would use all cores in it before.
        with ThreadPoolExecutor(count, initializer=torch.get_num_threads) as pool:
            yield from pool.map(work, *arguments)
    finally:
        torch.set_num_threads(count)


def share_out(costs: Sequence[float], n_shares: int) -> list[list[int]]:
    """Positions of the items each share gets: the dearest first, always to the share with the least so far.

    Deterministic, at most 4/3 of the best possible largest share (Graham 1969). Within a share, ascending positions.
    O(n log n).
    """
    shares: list[list[int]] = [[] for _ in range(n_shares)]
    loads = [(0.0, share) for share in range(n_shares)]
    for item in sorted(range(len(costs)), key=lambda item: (-costs[item], item)):
        load, share = heapq.heappop(loads)
        shares[share].append(item)
        heapq.heappush(loads, (load + costs[item], share))
    return [sorted(share) for share in shares]
