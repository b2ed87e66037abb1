"""Arithmetic that decides about clusters is done in full."""

import os

import torch


def compute_exactly() -> None:
    """Switch off the shortcuts that make a GPU's float32 differ from the CPU's and from itself.

    TF32 rounds the factors of a float32 product to 10 bits of mantissa, a relative error near 1e-3:
    enough to reorder distances around a cutoff. cuDNN's search for the fastest kernel and cuBLAS with
    a shared workspace may take another summation order from one run to the next.
    """
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
