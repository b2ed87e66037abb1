"""Whether a model reads a text the same whoever is read with it, and how many tokens it reads at most.

Texts are padded on the right and masked. Position ids are the model's own: they count from the text's first token,
whatever stands on the right. A model that minds what is masked, or routes tokens by who else is in the batch,
is refused unless each text is read alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from compsim_assets.science.latents.extraction import activations_at, pad

# Relative to the largest activation; padding that is not masked changes activations by far more.
_TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-3}
_HALF = 0.1


def readable_tokens(model: Any) -> int | None:
    """Tokens that the model has positions for; None where it has no limit.

    RoBERTa and its kin keep the first positions of their table for padding: of 514 two are no text's.
    """
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return int(module.num_embeddings - module.padding_idx - 1)
    limit = getattr(model.config, "max_position_embeddings", None)
    return None if limit is None or limit < 1 else int(limit)


def check_neighbours(model: nn.Module, module: nn.Module, texts: Sequence[np.ndarray], device: torch.device) -> None:
    """Read texts of several lengths alone and together.

    Args:
        model: in evaluation mode. module: of it, whose output counts.
        texts: ids of each. device: of the model.

    Raises:
        ValueError: what the module gives for a text depends on the others.
    """
    with torch.inference_mode():
        alone = [activations_at(model, module, *pad([ids], device))[0].float() for ids in texts]
        together = activations_at(model, module, *pad(texts, device)).float()
    tolerance = _TOLERANCE.get(next(model.parameters()).dtype, _HALF)
    worst = max(_difference(one, together[row, : len(one)]) for row, one in enumerate(alone))
    if not worst <= tolerance:
        raise ValueError(
            f"{type(model).__name__} gives other activations for a text that is read beside others: by {worst:.2g} of "
            "the largest. tokens_per_batch = 1 reads each text alone"
        )


def _difference(alone: Tensor, together: Tensor) -> float:
    largest = alone.abs().max().clamp_min(torch.finfo(torch.float32).tiny)
    return float((alone - together).abs().max() / largest)
