"""A worker program that succeeds and reports what every rank saw."""

import os
import sys

import psutil
import torch
import torch.distributed as dist

from compsim_assets.launch.worker import Worker, run


def main(worker: Worker) -> None:
    total = torch.full((3,), worker.rank + 1.0, device=worker.device)
    dist.all_reduce(total)
    print(f"stdout of {worker.rank}")
    print(f"stderr of {worker.rank}", file=sys.stderr)
    worker.log(f"log of {worker.rank}")
    for done in range(1, 1001):
        worker.progress(done, 1000, "steps")
    worker.barrier()
    seen = worker.gather(
        {
            "rank": worker.rank,
            "extras": worker.extras,
            "total": total.tolist(),
            "backend": dist.get_backend(),
            "device": str(worker.device),
            "threads": os.environ["OMP_NUM_THREADS"],
            "tf32": torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32,
            "prefix": os.environ.get("COMPSIM_TEST_PREFIX"),
            "listens": _listens(psutil.Process()) + _listens(psutil.Process().parent()),
        }
    )
    worker.result({"world_size": worker.world_size, "ranks": seen})


def _listens(process: psutil.Process) -> list[str]:
    """Addresses at which a process accepts connections."""
    connections = process.net_connections(kind="inet")
    return [c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN]


if __name__ == "__main__":
    run(main)
