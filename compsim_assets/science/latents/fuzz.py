"""Interpretability of one latent from its fuzz-scoring examples (method section 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class FuzzScore:
    """interpretability: per cent of answered examples the judge got right (chance 50); NaN when none was answered.

    balanced_accuracy: mean in per cent of the shares right among activating and among other examples; NaN when either
    has no answer. n_examples: all examples; n_unscored: those without an answer.
    """

    interpretability: float
    balanced_accuracy: float
    n_examples: int
    n_unscored: int


def score_examples(examples: Sequence[Mapping[str, Any]]) -> FuzzScore:
    """Score a latent from delphi's examples: `correct` is true, false or null (no answer), `activating` is the truth.

    Raises:
        ValueError: an example without `correct` or `activating`, or with values of another kind.
    """
    correct = np.array([_flag(example, "correct") for example in examples], dtype=float)
    activating = np.array([_flag(example, "activating") for example in examples], dtype=float)
    if np.isnan(activating).any():
        raise ValueError(f"example {int(np.isnan(activating).argmax())}: 'activating' is null")
    answered = ~np.isnan(correct)
    shares = [correct[answered & (activating == side)] for side in (1.0, 0.0)]
    return FuzzScore(
        interpretability=float(100 * correct[answered].mean()) if answered.any() else np.nan,
        balanced_accuracy=float(50 * sum(share.mean() for share in shares))
        if all(len(share) for share in shares)
        else np.nan,
        n_examples=len(correct),
        n_unscored=int((~answered).sum()),
    )


def _flag(example: Mapping[str, Any], name: str) -> float:
    if name not in example:
        raise ValueError(f"an example has no '{name}'")
    value = example[name]
    if value is None:
        return np.nan
    if value not in (0, 1):
        raise ValueError(f"'{name}' is {value!r}, expected true, false or null")
    return float(value)
