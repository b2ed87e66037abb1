"""Tokens of a dictionary that is known: a few of its directions each, and little noise."""

import numpy as np
import torch


def planted(
    n_tokens: int, width: int, directions: int, active: int, seed: int, noise: float = 0.01
) -> tuple[torch.Tensor, np.ndarray]:
    """(n, width) tokens, with a mean that is not 0, and the (directions, width) that they are made of."""
    draw = np.random.default_rng(seed)
    dictionary = draw.standard_normal((directions, width))
    dictionary /= np.linalg.norm(dictionary, axis=1, keepdims=True)
    tokens = np.zeros((n_tokens, width))
    for _ in range(active):
        strength = draw.uniform(0.5, 1.5, n_tokens)[:, None]
        tokens += strength * dictionary[draw.integers(directions, size=n_tokens)]
    tokens += noise * draw.standard_normal(tokens.shape)
    return torch.from_numpy(tokens.astype(np.float32)), dictionary
