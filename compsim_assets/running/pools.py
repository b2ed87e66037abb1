"""How many steps may be in the pool of the GPU at once."""

from pathlib import Path

import dagster as dg

GPU = "gpu"
_WITHOUT_GPU = 2  # what needs much memory is kept apart by another tag
_DEVICES = (Path("/dev/nvidiactl"), Path("/dev/kfd"))
_OURS = "compsim/gpu_pool"


def fit_gpu_pool(instance: dg.DagsterInstance, devices: tuple[Path, ...] = _DEVICES) -> None:
    """Where this machine has no GPU, let two steps into the pool that else lets one step have it.

    A limit that somebody has set stays as it is.
    """
    storage, marks = instance.event_log_storage, instance.daemon_cursor_storage
    if not storage.supports_global_concurrency_limits:
        return
    limit = next((pool for pool in storage.get_pool_limits() if pool.name == GPU), None)
    ours = marks.get_cursor_values({_OURS}).get(_OURS) == "open"
    if any(device.exists() for device in devices):
        if ours:
            storage.delete_concurrency_limit(GPU)
            marks.set_cursor_values({_OURS: ""})
    elif limit is None or limit.from_default:
        storage.set_concurrency_slots(GPU, _WITHOUT_GPU)
        marks.set_cursor_values({_OURS: "open"})
