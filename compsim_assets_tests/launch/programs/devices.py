"""A worker program whose rank 1 says that it has a GPU."""

import os

import torch

from compsim_assets.launch import worker

if __name__ == "__main__":
    if os.environ["RANK"] == "1":
        worker._device = lambda: torch.device("cuda", 0)
    worker.run(lambda _worker: None)
