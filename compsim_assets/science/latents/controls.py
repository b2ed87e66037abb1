"""What an SAE's features are held against, from the same activations (method section 9): features by an SAE that has
learnt nothing, and the activations themselves.
"""

import numpy as np
import torch
from torch import Tensor

from compsim_assets.science.latents.extraction import Beside, sum_of_latents


class RandomSae:
    """An SAE of random directions. It encodes as the trained SAE does: each latent has the length and the bias of its
    trained one, and the same point is subtracted before.

    Args:
        length, bias: (D,) of the trained encoder's rows, and its biases. centre: (width,) its `b_dec`. k: of its TopK.
        seed: of the directions, drawn on the sphere. The decoder's would be the same: features need none.

    Memory: D x width floats of the SAE's dtype.
    """

    def __init__(self, length: Tensor, bias: Tensor, centre: Tensor, k: int, seed: int) -> None:
        shape = len(length), len(centre)
        drawn = np.random.default_rng([seed, *shape]).standard_normal(shape, dtype=np.float32)
        directions = torch.from_numpy(drawn).to(length.device, torch.float32)
        directions /= directions.norm(dim=1, keepdim=True)
        weight = directions * length.to(torch.float32)[:, None]
        # W (h - c) + b = W h + (b - W c): nothing is subtracted token by token.
        offset = bias.to(torch.float32) - weight @ centre.to(torch.float32)
        self.weight, self.offset, self.k = weight.to(length.dtype), offset.to(length.dtype), k

    @property
    def n_latents(self) -> int:
        """D."""
        return len(self.offset)

    def encode(self, activations: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[tokens, width] -> top activations and their latents, each [tokens, k], and pre-activations.

        Cost: tokens x width x D multiply-adds, then a pass for the top k.
        """
        pre = torch.addmm(self.offset, activations, self.weight.T)
        top = pre.topk(self.k, dim=1, sorted=False)
        return top.values.relu_(), top.indices, pre


def random_features(sae: RandomSae) -> Beside:
    """Sums over each text's tokens of the latents of an SAE of random directions: what `features` are of a trained."""

    def sums(activations: Tensor, owners: Tensor, n_texts: int) -> Tensor:
        return sum_of_latents(sae.encode, activations, owners, n_texts, sae.n_latents)

    return Beside(sae.n_latents, sums)


def raw_activations(width: int, mean: bool) -> Beside:
    """The activations themselves, summed or averaged over each text's tokens."""

    def sums(activations: Tensor, owners: Tensor, n_texts: int) -> Tensor:
        # A product, whose order of additions is fixed on every device.
        texts = torch.arange(n_texts, device=owners.device)
        belongs = (texts[:, None] == owners).to(torch.float32)
        if mean:
            belongs /= belongs.sum(dim=1, keepdim=True).clamp_min(1)
        return belongs @ activations.to(torch.float32)

    return Beside(width, sums)
