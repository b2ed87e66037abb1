"""A step whose memory runs out says where and what to lower."""

import dagster as dg
import numpy as np
import pytest
import torch

from compsim_assets.assets.common import explaining_memory


@pytest.mark.parametrize("allocate", [lambda: torch.empty(1 << 55), lambda: np.empty(1 << 55)], ids=["torch", "numpy"])
def test_running_out_of_memory_is_explained(allocate) -> None:
    with pytest.raises(dg.Failure) as caught, explaining_memory("the PCA", "a smaller block"):
        allocate()
    assert "out of memory in the PCA. To need less: a smaller block." in caught.value.description


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="must match"), explaining_memory("a step", "nothing"):
        torch.ones(2) + torch.ones(3)
