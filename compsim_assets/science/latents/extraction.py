"""From tokens to SAE features: the hook, the sum over a description's tokens, the batches.

The features of a description are the sum over its tokens of the TopK activations of a sparse autoencoder (SAE) that
reads the output of one module, the hookpoint, of a language model (Molinari et al. 2025, arXiv 2412.02605).
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from compsim_assets.science.latents.windows import TopWindows

PRE_ACTIVATION_BYTES = 256 * 2**20
"""Bound on one [tokens, latents] array of pre-activations. An SAE's `encode` holds two at a time
(before and after the ReLU) besides the workspace of its top-k."""

_CHUNK_TOKENS = 512  # More at once gains nothing, and on a CPU costs the cache.

WINDOW_LATENTS = 512
"""Latents of a token that windows may show, where an SAE does not say how many are active."""

FEATURE_BYTES = 256 * 2**20
"""Bound on the features of one batch, [texts, latents] float32."""

Encode = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]
"""[tokens, width] -> top activations and their latents, each [tokens, k], and pre-activations."""


class Tokens(NamedTuple):
    """One description as the language model sees it."""

    ids: np.ndarray
    """(n,) int64 token ids, special tokens included."""

    counted: np.ndarray
    """(n,) bool: True where the token's activations are part of the sum (not a special token)."""

    truncated: bool
    """Whether the description was longer than the limit, and is cut."""

    starts: tuple[int, ...] = ()
    """Where the second and later windows begin in `ids`, of a description that is read in several."""

    def windows(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """`ids` and `counted` of each window: what the model reads at once."""
        return list(zip(np.split(self.ids, self.starts), np.split(self.counted, self.starts), strict=True))


class _Reached(Exception):
    """Carries the hookpoint's output out of the forward pass, so that no later layer runs."""

    def __init__(self, output: object) -> None:
        self.output = output


def find_module(model: nn.Module, hookpoint: str) -> nn.Module:
    """The submodule named `hookpoint`.

    Raises:
        ValueError: there is none; the message lists the nearest names.
    """
    modules = dict(model.named_modules())
    modules.pop("", None)
    if hookpoint not in modules:
        near = difflib.get_close_matches(hookpoint, modules, n=5, cutoff=0.5) or list(modules)[:5]
        raise ValueError(f"{type(model).__name__} has no module {hookpoint!r}; near matches: {', '.join(near)}")
    return modules[hookpoint]


def activations_at(model: nn.Module, module: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """Output of `module` when `model` reads a padded batch; the forward pass stops there.

    Args:
        model: takes `input_ids` and `attention_mask`, both [texts, length] int64.
        module: a submodule of it; of a tuple that it returns, the first item is taken.

    Returns:
        [texts, length, width] in the model's dtype.

    Raises:
        ValueError: the forward pass never calls the module, or its output is no such array.
    """

    def stop(_module: nn.Module, _args: object, output: object) -> None:
        raise _Reached(output[0] if isinstance(output, tuple) else output)

    handle = module.register_forward_hook(stop)
    try:
        model(input_ids=input_ids, attention_mask=attention_mask)
    except _Reached as reached:
        output = reached.output
    else:
        raise ValueError(f"the model's forward pass never calls its {type(module).__name__}")
    finally:
        handle.remove()
    if not isinstance(output, Tensor) or output.shape[:-1] != input_ids.shape:
        shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ValueError(
            f"the hookpoint's output must be [texts, tokens, width] = {[*input_ids.shape, 'width']}, not {shape}"
        )
    return output


def pad(sequences: Sequence[np.ndarray], device: torch.device) -> tuple[Tensor, Tensor]:
    """Sequences of ids, padded on the right, and their attention mask: [texts, longest] int64 each.

    Id 0 fills, whatever it means to the model: the mask hides it, and a tokenizer without a pad
    token (Llama's) needs none.
    """
    lengths = np.array([len(ids) for ids in sequences])
    mask = np.arange(lengths.max()) < lengths[:, None]
    padded = np.zeros(mask.shape, dtype=np.int64)
    padded[mask] = np.concatenate(sequences)
    return torch.from_numpy(padded).to(device), torch.from_numpy(mask).to(device, torch.int64)


def tokens_per_chunk(n_latents: int, itemsize: int) -> int:
    """How many tokens to encode at once to keep their pre-activations in PRE_ACTIVATION_BYTES."""
    return max(1, min(_CHUNK_TOKENS, PRE_ACTIVATION_BYTES // (n_latents * itemsize)))


def texts_per_batch(n_latents: int) -> int:
    """How many texts a batch may hold so that its features stay within FEATURE_BYTES."""
    return max(1, FEATURE_BYTES // (n_latents * 4))


def sum_of_latents(
    encode: Encode,
    activations: Tensor,
    owners: Tensor,
    n_texts: int,
    n_latents: int,
    each: list[tuple[Tensor, Tensor]] | None = None,
) -> Tensor:
    """Sum the TopK activations of each text's tokens.

    Args:
        encode: the SAE.
        activations: [tokens, width] in the SAE's dtype.
        owners: [tokens] int64, the text (0..n_texts - 1) of each token.
        each: gets the tokens' top activations, float32, and their latents, as they come.

    Returns:
        [n_texts, n_latents] float32; the same bytes at every call.

    Cost: O(tokens width latents), with at most `tokens_per_chunk` rows of pre-activations at once.
    """
    sums = torch.zeros(n_texts, n_latents, dtype=torch.float32, device=activations.device)
    flat = sums.view(-1)
    size = tokens_per_chunk(n_latents, activations.element_size())
    for rows, texts in zip(activations.split(size), owners.split(size), strict=True):
        top_acts, top_indices, _ = encode(rows)
        places = (texts[:, None] * n_latents + top_indices).reshape(-1)
        values = top_acts.reshape(-1).to(torch.float32)
        if each is not None:
            each.append((values.reshape(top_acts.shape), top_indices))
        # Of the two ways to add at repeated places each device has one whose order is fixed: on a
        # GPU index_put_ sorts and index_add_ adds atomically; on a CPU index_put_ may be parallel.
        if flat.is_cuda:
            flat.index_put_((places,), values, accumulate=True)
        else:
            flat.index_add_(0, places, values)
    return sums


def counted_activations(
    model: nn.Module, module: nn.Module, batch: Sequence[Tokens], device: torch.device, limit: int | None = None
) -> tuple[Tensor, Tensor]:
    """Activations of a batch's counted tokens, text by text: (tokens, width) in the model's dtype, (tokens,) int64 the
    text of each.

    Args:
        model, module: as in `activations_at`. device: of the model.
        batch: the texts; of one in several windows each is read on its own.
        limit: padded tokens that the model reads at once, unless a single window is longer; None: no limit.

    Raises:
        FloatingPointError: an activation overflowed the model's dtype.
    """
    windows = [(number, *window) for number, tokens in enumerate(batch) for window in tokens.windows()]
    longest = max(len(ids) for _, ids, _ in windows)
    size = len(windows) if limit is None else max(1, limit // longest)
    parts = [_of_windows(model, module, windows[at : at + size], device) for at in range(0, len(windows), size)]
    activations, owners = (
        torch.cat(of_parts) if len(parts) > 1 else of_parts[0] for of_parts in zip(*parts, strict=True)
    )
    if not bool(torch.isfinite(activations).all()):
        raise FloatingPointError(f"the model's activations overflow in {activations.dtype}: set dtype to another")
    return activations, owners


def _of_windows(
    model: nn.Module, module: nn.Module, windows: Sequence[tuple[int, np.ndarray, np.ndarray]], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Activations of the counted tokens of some windows, each with the number of its text, and those numbers."""
    input_ids, mask = pad([ids for _, ids, _ in windows], device)
    counted, _ = pad([counted for _, _, counted in windows], device)
    hidden = activations_at(model, module, input_ids, mask)
    rows, positions = torch.nonzero(counted, as_tuple=True)
    return hidden[rows, positions], torch.tensor([number for number, _, _ in windows], device=device)[rows]


class Beside(NamedTuple):
    """Another row of numbers for each text, from the same activations."""

    width: int
    """Of a row."""

    of_tokens: Callable[[Tensor, Tensor, int], Tensor]
    """[tokens, width] activations, [tokens] the text of each, number of texts -> (texts, `width`) float32."""


def _together(tops: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Active latents of all tokens, [tokens, k] each; where their number is not fixed the strongest, WINDOW_LATENTS."""
    k = min(WINDOW_LATENTS, max(indices.shape[1] for _, indices in tops))
    widths = [max(0, k - indices.shape[1]) for _, indices in tops]
    acts, latents = (
        torch.cat([nn.functional.pad(part[:, :k], (0, width)) for part, width in zip(parts, widths, strict=True)])
        for parts in zip(*tops, strict=True)
    )
    return acts, latents


@dataclass(frozen=True)
class FeatureExtractor:
    """Descriptions -> SAE features, one batch at a time.

    Attributes:
        model: language model in evaluation mode.
        module: its submodule at the hookpoint.
        encode: the SAE's encoder, for activations of `sae_dtype`.
        n_latents: D.
        windows: collects where each latent is most active; None: nothing does.
        beside: what else is made of the activations.
        tokens_at_once: padded tokens in one forward pass, where texts have several windows; None: no limit.
    """

    model: nn.Module
    module: nn.Module
    encode: Encode
    n_latents: int
    device: torch.device
    sae_dtype: torch.dtype = torch.float32
    windows: TopWindows | None = None
    beside: Sequence[Beside] = ()
    tokens_at_once: int | None = None

    def __call__(self, batch: Sequence[Tokens], numbers: np.ndarray | None = None) -> np.ndarray:
        """Features of a batch, (texts, D) float32: the sum over each text's counted tokens."""
        return self.all_of(batch, numbers)[0]

    def all_of(self, batch: Sequence[Tokens], numbers: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
        """Features of a batch, (texts, D) float32, and a row per text of what is made beside them.

        Args:
            batch: the texts.
            numbers: of them, by which `windows` knows them.

        Raises:
            FloatingPointError: an activation overflowed the model's dtype.
        """
        with torch.inference_mode():
            activations, owners = counted_activations(self.model, self.module, batch, self.device, self.tokens_at_once)
            activations = activations.to(self.sae_dtype)
            tops: list[tuple[Tensor, Tensor]] | None = None if self.windows is None else []
            sums = sum_of_latents(self.encode, activations, owners, len(batch), self.n_latents, tops)
            if self.windows is not None and numbers is not None and tops:
                top_acts, top_indices = _together(tops)
                self.windows.add([tokens.ids[tokens.counted] for tokens in batch], numbers, top_acts, top_indices)
            others = (each.of_tokens(activations, owners, len(batch)) for each in self.beside)
            return tuple(part.cpu().numpy() for part in (sums, *others))


def plan_batches(lengths: np.ndarray, tokens_per_batch: int, max_texts: int) -> list[np.ndarray]:
    """Group texts of similar length into batches, longest first, whoever will run them.

    The sums depend in their last bits on what else is in a batch, so batches are formed from all
    the texts and only then shared out: the result does not depend on the number of processes.

    Args:
        lengths: (n,) tokens of each text, special tokens included.
        tokens_per_batch: bound on texts x longest of a batch; a longer text is a batch of its own.
        max_texts: bound on the texts of a batch.

    Returns:
        Arrays of text numbers; every text is in exactly one.
    """
    order = np.argsort(-lengths, kind="stable")
    batches = []
    start = 0
    while start < len(order):
        size = max(1, min(max_texts, tokens_per_batch // max(1, int(lengths[order[start]]))))
        batches.append(order[start : start + size])
        start += size
    return batches
