"""The stretches of text in which each latent is most active, collected while texts are read.

A text shows a latent once, where a token activates it most (the first of equal ones), with the tokens around it. Of a
latent the texts with the largest activations stay, one per company; equal ones go by the text that comes first. What
stays does not depend on the order in which texts are read, nor on who reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

WIDTH = 32
"""Tokens of a window, fewer in a shorter text."""

PER_LATENT = 20
"""Windows of a latent, at most."""

WINDOW_BYTES = 512 * 2**20
"""Bound on the windows of all latents that a process holds."""

_GATHER_BYTES = 64 * 2**20


def windows_per_latent(n_latents: int, width: int = WIDTH) -> int:
    """How many windows of each latent stay within WINDOW_BYTES."""
    return max(1, min(PER_LATENT, WINDOW_BYTES // (8 * width * max(n_latents, 1))))


@dataclass(frozen=True)
class Windows:
    """m windows, by latent and rank.

    Attributes:
        latent, rank: (m,) int64; rank 0 is the strongest.
        activation: (m,) float32, the largest of a token in it.
        text, company: (m,) int64 numbers.
        ids: (m, width) int32 tokens, -1 pads on the right.
        activations: (m, width) float32 of each token, 0 where it is not among a token's strongest latents.
    """

    latent: np.ndarray
    rank: np.ndarray
    activation: np.ndarray
    text: np.ndarray
    company: np.ndarray
    ids: np.ndarray
    activations: np.ndarray


def merge(parts: Sequence[Windows], k: int) -> Windows:
    """The k best windows of each latent out of several collections of the same latents."""
    whole = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Windows.__dataclass_fields__}
    best, rank = _best(whole["latent"], whole["activation"], whole["text"], whole["company"], k)
    return Windows(**{name: values[best] for name, values in whole.items()} | {"rank": rank})


def _best(
    latent: np.ndarray, activation: np.ndarray, text: np.ndarray, company: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which entries stay, by latent and rank, and their ranks."""
    order = np.lexsort((text, -activation, latent))
    codes = latent * (int(company.max(initial=0)) + 1) + company
    _, first = np.unique(codes[order], return_index=True)
    order = order[np.sort(first)]
    rank = np.arange(len(order)) - np.searchsorted(latent[order], latent[order])
    return order[rank < k], rank[rank < k]


class TopWindows:
    """Collects the best windows of every latent, a batch of texts at a time.

    Memory: latents x windows x (8 x width + 32) bytes. A batch costs a comparison of each of its tokens' latents with
    the weakest window of that latent; only what is stronger is looked at.
    """

    def __init__(self, n_latents: int, company: np.ndarray, k: int | None = None, width: int = WIDTH) -> None:
        """company: (texts,) numbers from 0 of the texts' companies."""
        k = windows_per_latent(n_latents, width) if k is None else k
        self.per_latent = self._k = k
        self._width, self._company = width, np.asarray(company, dtype=np.int64)
        self._activation = np.zeros((n_latents, k), dtype=np.float32)
        self._text = np.full((n_latents, k), -1, dtype=np.int64)
        # Where in the two large arrays a window lies: it stays there while its rank changes.
        self._slot = np.tile(np.arange(k), (n_latents, 1))
        self._ids = np.full((n_latents, k, width), -1, dtype=np.int32)
        self._activations = np.zeros((n_latents, k, width), dtype=np.float32)

    def add(self, ids: Sequence[np.ndarray], numbers: np.ndarray, top_acts: Tensor, top_indices: Tensor) -> None:
        """Take account of a batch.

        Args:
            ids: of each text its tokens that count, at least those that have activations.
            numbers: of the texts.
            top_acts, top_indices: [tokens, k] activations and latents, the texts' tokens one after another.
        """
        sizes = np.array([len(some) for some in ids], dtype=np.int64)
        text_of, tokens = np.repeat(np.arange(len(ids)), sizes), np.concatenate(ids)
        token, latent, activation = self._stronger(top_acts, top_indices)
        text = text_of[token]
        order = np.lexsort((token, -activation, latent, text))
        latent, text, token, activation = latent[order], text[order], token[order], activation[order]
        best = np.flatnonzero((np.diff(latent, prepend=-1) != 0) | (np.diff(text, prepend=-1) != 0))
        latent, text, token, activation = latent[best], text[best], token[best], activation[best]
        new, slot = self._take(latent, activation, np.asarray(numbers)[text])
        starts = np.cumsum(sizes) - sizes
        first, size = starts[text[new]], sizes[text[new]]
        place = token[new] - first
        begin = first + np.clip(place - self._width // 2, 0, np.maximum(size - self._width, 0))
        row = begin[:, None] + np.arange(self._width)
        inside = row < (first + size)[:, None]
        row = np.where(inside, row, 0)
        self._ids[latent[new], slot] = np.where(inside, tokens[row], -1)
        self._activations[latent[new], slot] = inside * _gather(top_acts, top_indices, row, latent[new])

    def _stronger(self, top_acts: Tensor, top_indices: Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Token, latent and activation wherever a latent is as active as in its weakest window, or has room for one."""
        least = torch.from_numpy(self._activation[:, -1].copy()).to(top_acts.device)
        token, place = torch.nonzero((top_acts > 0) & (top_acts >= least[top_indices]), as_tuple=True)
        latent, activation = top_indices[token, place], top_acts[token, place].float()
        return token.cpu().numpy(), latent.cpu().numpy().astype(np.int64), activation.cpu().numpy()

    def _take(self, latent: np.ndarray, activation: np.ndarray, text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rank these windows among those that there are; returns which of them stay, and their slots."""
        some, code = np.unique(latent, return_inverse=True)
        before, rank = np.nonzero(self._activation[some] > 0)
        held = len(before)
        codes = np.concatenate([before, code])
        activations = np.concatenate([self._activation[some][before, rank], activation])
        texts = np.concatenate([self._text[some][before, rank], text])
        best, new_rank = _best(codes, activations, texts, self._company[texts], self._k)
        rows, is_new = codes[best], best >= held
        slots = np.full(len(best), -1, dtype=np.int64)
        slots[~is_new] = self._slot[some][before, rank][best[~is_new]]
        used = np.zeros((len(some), self._k), dtype=bool)
        used[rows[~is_new], slots[~is_new]] = True
        free = np.argsort(used, axis=1, kind="stable")
        rows_new = rows[is_new]
        slots[is_new] = free[rows_new, np.arange(len(rows_new)) - np.searchsorted(rows_new, rows_new)]
        self._activation[some], self._text[some] = 0.0, -1
        self._activation[some[rows], new_rank] = activations[best]
        self._text[some[rows], new_rank] = texts[best]
        self._slot[some[rows], new_rank] = slots
        return best[is_new] - held, slots[is_new]

    def windows(self, latents: slice) -> Windows:
        """What there is of these latents, copied."""
        latent, rank = np.nonzero(self._activation[latents] > 0)
        latent += latents.start
        slot, text = self._slot[latent, rank], self._text[latent, rank]
        return Windows(
            latent,
            rank,
            self._activation[latent, rank],
            text,
            self._company[text],
            self._ids[latent, slot],
            self._activations[latent, slot],
        )


def _gather(top_acts: Tensor, top_indices: Tensor, row: np.ndarray, latent: np.ndarray) -> np.ndarray:
    """(m, width) float32 activation of each window's latent at its tokens, in blocks."""
    out = np.zeros(row.shape, dtype=np.float32)
    step = max(1, _GATHER_BYTES // (16 * max(1, row.shape[1] * top_acts.shape[1])))
    rows, latents = torch.from_numpy(row).to(top_acts.device), torch.from_numpy(latent).to(top_acts.device)
    for start in range(0, len(row), step):
        at = rows[start : start + step]
        same = top_indices[at] == latents[start : start + step, None, None]
        out[start : start + step] = torch.where(same, top_acts[at], 0).sum(dim=-1, dtype=torch.float32).cpu().numpy()
    return out
