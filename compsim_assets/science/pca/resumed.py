"""A fit of minutes keeps what it has finished, the pass over the features and the eigenpairs: a killed one goes on."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import torch

from compsim_assets.science.pca.standardise import StandardisedFeatures

PRODUCTS, EIGENPAIRS = "products", "eigenpairs"
# Multiply-adds of the products from which on a fit takes minutes, and keeping them is worth the disk.
KEPT_WORK = 1e12


class Parts(Protocol):
    """Arrays by name that outlive the process, of one fit and no other."""

    def find(self, name: str) -> Mapping[str, np.ndarray] | None:
        """What was kept under the name; None where nothing was."""

    def keep(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Keep arrays, numbers and text."""


def resumed(
    parts: Parts | None, name: str, data: StandardisedFeatures, make: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """What `make` gives, made now or by an earlier fit: tensors, numbers and text; `data` knows mean and scale then."""
    if parts is None:
        return make()
    there = parts.find(name)
    if there is None:
        made = make()
        arrays = {key: value.cpu().numpy() if isinstance(value, torch.Tensor) else value for key, value in made.items()}
        parts.keep(name, arrays | data.statistics())
        return made
    data.restore(there)
    values = {key: value for key, value in there.items() if key not in data.statistics()}
    return {key: torch.from_numpy(v).to(data.device) if v.ndim else v.item() for key, v in values.items()}
