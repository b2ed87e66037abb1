"""Worker programs for tests: in this process, as the only rank."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.launch.worker import Worker


class InThisProcess(Torchrun):
    """Runs a worker program's `main` as the only rank, without starting processes."""

    def run(self, context: Any, module: str, extras: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
        return run_worker(module, extras)


def run_worker(module: str, extras: Mapping[str, Any]) -> dict[str, Any]:
    """What the program's `main` reports; a worker's choice of threads stays in it."""
    worker = Worker(0, 1, torch.device("cpu"), dict(extras))
    threads = torch.get_num_threads()
    importlib.import_module(module).main(worker)
    torch.set_num_threads(threads)
    assert worker.reported is not None
    return worker.reported
