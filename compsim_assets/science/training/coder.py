"""A TopK sparse autoencoder as arrays: how it starts, what it leaves unexplained, and the gradient of that.

The form is that of eai-sparsify's `SparseCoder`, which reads what is made here. Its backward pass is not used: it makes
tokens x k x width products, and on a GPU adds them in no fixed order. Here a latent's gradient is one sum over its
tokens, one after the other, on any device and any number of threads: the same bytes at every call.
"""

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from compsim_assets.science.device import map_on_all_cores

BLOCK = 256
"""Tokens that a core encodes at once."""


@dataclass(frozen=True)
class Coder:
    """The arrays of an SAE, float32.

    Attributes:
        encoder: (D, width). bias: (D,). decoder: (D, width), rows of length one. centre: (width,).
    """

    encoder: Tensor
    bias: Tensor
    decoder: Tensor
    centre: Tensor

    def arrays(self) -> list[Tensor]:
        """All of them, in this order."""
        return [self.encoder, self.bias, self.decoder, self.centre]


@dataclass(frozen=True)
class Coded:
    """Tokens as latents.

    Attributes:
        latents: (n, k) the active ones. values: (n, k) their activations, 0 where fewer than k are positive.
        error: (n, width) what is left of each token. slope: (n, k) of |error|^2 by each activation, halved and negated.
    """

    latents: Tensor
    values: Tensor
    error: Tensor
    slope: Tensor


def start(directions: Tensor, tokens: Tensor, k: int) -> Coder:
    """Each latent looks for the direction of one token, encoder and decoder alike, as strongly as explains most: k that
    look the same way would else add up to many times the token.

    Args:
        directions: (D, width) of tokens, whose mean is 0. tokens: (n, width) some of them. k: active ones per token.
    """
    unit = unit_rows(directions)
    coder = Coder(unit.clone(), unit.new_zeros(len(unit)), unit, unit.new_zeros(unit.shape[1]))
    explained = (tokens - code(coder, tokens, k).error).double()
    strength = (tokens * explained).sum() / explained.pow(2).sum().clamp_min(1e-12)
    coder.encoder.mul_(strength.float())
    return coder


def unit_rows(rows: Tensor) -> Tensor:
    """Rows of length one; a row of zeros stays one."""
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)


def code(coder: Coder, tokens: Tensor, k: int) -> Coded:
    """Tokens as latents, a block at a time on each core. Cost: O(n width D); memory: a block's pre-activations."""
    blocks = list(map_on_all_cores(lambda block: _code(coder, block, k), tokens.split(BLOCK), device=tokens.device))
    return Coded(*(torch.cat(parts) for parts in zip(*blocks, strict=True)))


def _code(coder: Coder, tokens: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    pre = torch.addmm(coder.bias, tokens - coder.centre, coder.encoder.T)
    values, latents = pre.topk(k, dim=1, sorted=False)
    values.relu_()
    explained = embedding_bag(latents, coder.decoder, per_sample_weights=values, mode="sum")
    error = tokens - coder.centre - explained
    slope = _products(error, coder.decoder, latents)
    # Where ReLU has set an activation to zero nothing flows back.
    return latents, values, error, torch.where(values > 0, slope, torch.zeros_like(slope))


def _products(tokens: Tensor, directions: Tensor, latents: Tensor) -> Tensor:
    """(n, k) the product of each token with the directions of its latents."""
    n, k = latents.shape
    if tokens.is_cuda:
        rows = directions[latents.flatten()].view(n, k, -1)
        return torch.bmm(rows, tokens.unsqueeze(2)).squeeze(2)
    # Nothing is gathered: eight times as fast. Places need not be in order here.
    starts = torch.arange(0, n * k + 1, k)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that sparse arrays are new
        places = torch.sparse_csr_tensor(
            starts, latents.flatten(), tokens.new_zeros(n * k), (n, len(directions)), check_invariants=False
        )
    return torch.sparse.sampled_addmm(places, tokens, directions.T, beta=0.0).values().view(n, k)


def gradient(coder: Coder, tokens: Tensor, coded: Coded) -> list[Tensor]:
    """Of the sum of |error|^2 over the tokens by each array of the coder. Cost: O(n k width), and a sort of n k."""
    k, n_latents = coded.latents.shape[1], len(coder.encoder)
    key = coded.latents.flatten()
    order = torch.argsort(key, stable=True)
    sizes = torch.bincount(key, minlength=n_latents)
    starts = sizes.cumsum(0) - sizes
    of_token = torch.div(order, k, rounding_mode="floor")
    inputs = tokens - coder.centre

    def summed(what: tuple[Tensor, Tensor]) -> Tensor:
        rows, weights = what
        return embedding_bag(of_token, rows, starts, mode="sum", per_sample_weights=weights.flatten()[order])

    ones = tokens.new_ones(len(tokens), 1)
    sums = ((coded.error, coded.values), (inputs, coded.slope), (ones, coded.slope))
    by_decoder, by_encoder, by_bias = (summed(each) for each in sums)
    by_bias = by_bias.flatten()
    by_centre = coded.error.sum(0) - by_bias @ coder.encoder
    return [part.mul_(-2.0) for part in (by_encoder, by_bias, by_decoder, by_centre)]
