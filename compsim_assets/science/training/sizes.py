"""How wide an SAE is and how long it is trained, from the number of tokens and the width of the activations."""

from dataclasses import dataclass

TOKENS_PER_LATENT = 30
"""Fewer different tokens per latent than this are few: latents then learn single tokens by heart."""

_WIDEST = 32  # times the activations' width
_UPDATES = 190  # in a pass, at least, where the smallest batch allows; more of them cost more than they gain
_BATCHES = (512, 1024, 2048, 4096)
_PASSES, _TOKENS = 8, 3_000_000  # each token is read at most so often, and all of them together at least that often
_LEARNING_RATE, _USUAL = 6e-3, 512  # for so many latents, and fewer; wider ones learn in smaller steps


@dataclass(frozen=True)
class Plan:
    """How an SAE is trained.

    Attributes:
        latents: D. k: active ones per token.
        batch: tokens per update.
        passes: how often each token is trained on, at most.
        learning_rate: Adam's, in units in which the tokens' variance is 1.
    """

    latents: int
    k: int
    batch: int
    passes: int
    learning_rate: float


class TooFewTokens(ValueError):
    """There are fewer tokens than latents; carries both numbers."""

    def __init__(self, tokens: int, latents: int) -> None:
        super().__init__(tokens, latents)
        self.tokens, self.latents = tokens, latents


def plan(tokens: int, width: int, latents: int = 0, k: int = 0) -> Plan:
    """The plan for so many different tokens to train on; `latents` and `k` where they are given, else as they fit.

    The width is the largest power of two times that of the activations, up to 32, that has TOKENS_PER_LATENT tokens per
    latent. k is a sixteenth of the activations' width. Few tokens are read more often, so that about as many updates
    are made.

    Raises:
        TooFewTokens: there are not as many tokens as latents.
    """
    if not latents:
        factor = _WIDEST
        while factor > 1 and tokens < TOKENS_PER_LATENT * factor * width:
            factor //= 2
        latents = factor * width
    k = k or max(1, min(max(4, width // 16), latents // 4))
    if tokens < latents:
        raise TooFewTokens(tokens, latents)
    batch = max(
        (batch for batch in _BATCHES if batch * _UPDATES <= tokens), default=min(_BATCHES[0], max(1, tokens // 8))
    )
    passes = max(1, min(_PASSES, -(-_TOKENS // tokens)))
    return Plan(latents, k, batch, passes, _LEARNING_RATE * min(1.0, (_USUAL / latents) ** 0.5))
