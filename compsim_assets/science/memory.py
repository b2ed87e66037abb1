"""Telling that memory ran out from other errors, and how much a large step will need."""

import torch

# What torch raises as a plain RuntimeError when the CPU's memory runs out.
_ALLOCATOR = ("DefaultCPUAllocator", "can't allocate memory", "bad_alloc", "Cannot allocate memory")


def is_out_of_memory(error: Exception) -> bool:
    """True for numpy's, pyarrow's and Python's MemoryError, and torch's errors on CPU and CUDA."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError | OSError) and any(w in str(error) for w in _ALLOCATOR)
