"""A worker program whose last rank takes more memory than it may have, or is killed as by the kernel."""

import os
import resource
import signal
from pathlib import Path

import numpy as np
import torch

from compsim_assets.launch.worker import Worker, run


def main(worker: Worker) -> None:
    worker.progress(3, 7, "years linked")
    worker.barrier()
    last = worker.rank == worker.world_size - 1
    if "started" in worker.extras:
        (Path(worker.extras["started"]) / str(worker.rank)).touch()
    if last and worker.extras["kind"] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if last:
        resource.setrlimit(resource.RLIMIT_DATA, (2**30, 2**30))
        size = 2**31
        torch.zeros(size) if worker.extras["kind"] == "torch" else np.zeros(size)
    worker.barrier()


if __name__ == "__main__":
    run(main, memory_hint="a smaller block of years")
