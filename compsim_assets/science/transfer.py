"""From the processor's memory to the device that computes."""

import numpy as np
import torch


def to_device(values: np.ndarray | torch.Tensor, device: torch.device | str) -> torch.Tensor:
    """The values on the device; on a GPU through page-locked memory, copied while the processor goes on.

    On the CPU an array's memory is shared, not copied.
    """
    tensor = values
    if isinstance(tensor, np.ndarray):
        tensor = torch.from_numpy(np.ascontiguousarray(tensor))
    if torch.device(device).type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
