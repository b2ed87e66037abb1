"""A worker program whose ranks each end, or do not end, in the way that the extras name."""

import os
import signal
import sys
from pathlib import Path

from compsim_assets.launch.worker import Worker, run


class Broken(Exception):
    """What a rank raises on request."""


def main(worker: Worker) -> None:
    action = worker.extras["actions"][worker.rank]
    worker.barrier()
    (Path(worker.extras["started"]) / str(worker.rank)).write_text(str(os.getpid()))
    if action == "raise":
        raise Broken(f"rank {worker.rank} is broken")
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "exit":
        sys.exit(3)
    if action == "compute":
        sum(range(10**14))  # one C call of hours that never looks for signals
    if action == "wait":
        worker.barrier()  # for ranks that never come


if __name__ == "__main__":
    run(main)
