"""A worker program whose rank 1 says that it has a GPU."""

import os

import torch

from compsim_assets.launch import worker as distributed

if __name__ == "__main__":
    if os.environ["RANK"] == "1":
        distributed._device = lambda: torch.device("cuda", 0)
    distributed.run(lambda worker: None)
