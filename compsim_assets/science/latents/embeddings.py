"""From tokens to one vector a description: the mean of a language model's last hidden states."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from compsim_assets.science.latents.extraction import Tokens, pad


def mean_pooled(hidden: Tensor, mask: Tensor) -> Tensor:
    """Mean over each text's own tokens, special ones included, as sentence-transformers takes it.

    Args:
        hidden: [texts, length, width], any dtype.
        mask: [texts, length], not 0 where a token is the text's own; at least one per text.

    Returns:
        [texts, width] float32; what stands at padding has no part in it, whatever it is.
    """
    of_text = mask.bool()
    # Not a product with the mask: infinity times zero is no number.
    states = hidden.to(torch.float32).masked_fill(~of_text[..., None], 0.0)
    return states.sum(dim=1) / of_text.sum(dim=1, keepdim=True)


@dataclass(frozen=True)
class TextEmbedder:
    """Descriptions -> embeddings, one batch at a time.

    Attributes:
        model: in evaluation mode; its output has a `last_hidden_state`.
        width: of an embedding.
        device: of the model.
    """

    model: nn.Module
    width: int
    device: torch.device

    def __call__(self, batch: Sequence[Tokens]) -> np.ndarray:
        """Embeddings of a batch, (texts, width) float32: mean pooled, not normalised.

        Raises:
            FloatingPointError: a hidden state overflowed the model's dtype.
        """
        with torch.inference_mode():
            input_ids, mask = pad([tokens.ids for tokens in batch], self.device)
            hidden = self.model(input_ids=input_ids, attention_mask=mask).last_hidden_state
            pooled = mean_pooled(hidden, mask)
            # A sum over tokens is finite only if all of them are.
            if not bool(torch.isfinite(pooled).all()):
                raise FloatingPointError(f"the model's hidden states overflow in {hidden.dtype}: set dtype to another")
            return pooled.cpu().numpy()
