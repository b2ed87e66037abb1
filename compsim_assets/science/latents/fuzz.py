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


# As texts: how scorers and tables write yes, no, and nothing.
_FLAGS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
_NO_ANSWER = {"", "none", "null", "nan", "-1", "-1.0"}


def score_examples(examples: Sequence[Mapping[str, Any]]) -> FuzzScore:
    """Score a latent from delphi's examples: `correct` is true, false or null (no answer), `activating` is the truth.

    Older files call the truth `ground_truth`. A prediction that is neither 0 nor 1, as -1 is, is no answer either,
    though delphi compares it with the truth and writes `correct`: false. Without `correct` an answer is right where
    the prediction is the truth.

    Raises:
        ValueError: an example without `correct` and prediction, or without `activating`, or with other values.
    """
    correct, activating = np.array([_answer(example) for example in examples], dtype=float).reshape(-1, 2).T
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


def _answer(example: Mapping[str, Any]) -> tuple[float, float]:
    """Whether the answer is right, NaN without one; and the truth."""
    older = "ground_truth" in example and "activating" not in example
    activating = _flag(example, "ground_truth" if older else "activating")
    prediction = example.get("prediction")
    if prediction is None:
        answer = np.nan if "prediction" in example and "correct" not in example else _flag(example, "correct")
        return answer, activating
    flag = _as_flag(prediction)
    if flag not in (0.0, 1.0):
        return np.nan, activating
    # delphi compares "1" with true, and finds it wrong.
    if "correct" not in example or isinstance(prediction, str):
        return float(flag == activating), activating
    return _flag(example, "correct"), activating


def _flag(example: Mapping[str, Any], name: str) -> float:
    if name not in example:
        raise ValueError(f"an example has no '{name}'")
    flag = _as_flag(example[name])
    if flag is None:
        raise ValueError(f"'{name}' is {example[name]!r}, expected true, false or null")
    return flag


def _as_flag(value: Any) -> float | None:
    """1 or 0; NaN for a spelling of no answer, None for anything else."""
    text = str(value).strip().lower()
    return np.nan if text in _NO_ANSWER else _FLAGS.get(text)
