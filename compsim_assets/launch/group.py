"""How ranks become one process group, on one node or across nodes, and what is said when they cannot."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

# How long a collective waits. A rank that fails ends the step at once through torchrun, so this only
# catches ranks that call different collectives; it must exceed what one rank computes alone.
COLLECTIVE_TIMEOUT = timedelta(hours=12)


def node_name() -> str:
    """What messages call this machine: Slurm's name for it, else its host name."""
    return os.environ.get("SLURMD_NODENAME") or socket.gethostname()


def join_seconds() -> int:
    """How long nodes and ranks wait for one another at the start, in seconds: COMPSIM_JOIN_TIMEOUT."""
    return int(os.environ.get("COMPSIM_JOIN_TIMEOUT") or 600)


def join_group(rank: int, world_size: int, device: torch.device) -> None:
    """Join the process group: gloo for CPU tensors and objects, with NCCL beside it on CUDA.

    Raises:
        RuntimeError: the ranks did not meet in time, or some compute on CUDA and others do not.
    """
    store = _store(rank, world_size)
    if world_size > 1:
        _meet(dist.PrefixStore("meeting", store), rank, world_size, device)
    dist.init_process_group(
        backend="cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo",
        store=dist.PrefixStore("work", store),
        rank=rank,
        world_size=world_size,
        timeout=COLLECTIVE_TIMEOUT,
        device_id=device if device.type == "cuda" else None,
    )


def _store(rank: int, world_size: int) -> dist.Store:
    """Where the ranks find each other.

    On one node a file beside torchrun's error files. The usual TCP store listens on every network
    interface and trusts whoever connects; across nodes it is needed.
    """
    if world_size == 1:
        return dist.HashStore()
    if os.environ.get("GROUP_WORLD_SIZE") == "1" and os.environ.get("TORCHELASTIC_ERROR_FILE"):
        folder = Path(os.environ["TORCHELASTIC_ERROR_FILE"]).parents[1]
        return dist.FileStore(str(folder / "store"), world_size)
    wait = timedelta(seconds=join_seconds())
    store, _, _ = next(iter(dist.rendezvous("env://", rank, world_size, timeout=wait)))
    return store


def _meet(store: dist.Store, rank: int, world_size: int, device: torch.device) -> None:
    """Let all ranks connect and compare devices, in a group that does not wait for hours."""
    wait = timedelta(seconds=join_seconds())
    store.set_timeout(wait)
    seen: list[tuple[str, str]] = [("", "")] * world_size
    try:
        dist.init_process_group("gloo", store=store, rank=rank, world_size=world_size, timeout=wait)
        dist.all_gather_object(seen, (node_name(), device.type))
    except RuntimeError as error:
        raise RuntimeError(
            f"rank {rank} on {node_name()} could not connect to the other {world_size - 1} within "
            f"{wait.total_seconds():.0f} s. Across nodes, GLOO_SOCKET_IFNAME names the network "
            f"interface that reaches the others (ip -br address lists them): {error}"
        ) from error
    if len({kind for _, kind in seen}) > 1:
        ranks = ", ".join(f"rank {n} on {host}: {kind}" for n, (host, kind) in enumerate(seen))
        raise RuntimeError(
            f"ranks compute on different devices ({ranks}): their results would differ. Use nodes "
            "that are alike, or an empty CUDA_VISIBLE_DEVICES for the CPU on all of them"
        )
    dist.destroy_process_group()
