"""Fuzz score files of the sample, in the format of EleutherAI's delphi."""

import json

import numpy as np

from compsim_assets.sample.features import Latents
from compsim_assets.sample.lines import LINES, Group
from compsim_assets.sample.size import SampleSize

WINDOW = 8  # tokens of an example
UNANSWERED = 0.03  # share of examples without an answer of the judge
# Range of the accuracy of the judge, by kind of latent.
_ACCURACY = {"line": (0.79, 0.91), "sector": (0.82, 0.92), "theme": (0.78, 0.90), "noise": (0.48, 0.62)}


def make_scores(rng: np.random.Generator, latents: Latents, groups: list[Group], size: SampleSize) -> dict[int, str]:
    """Score files by latent: half the examples activating, in random order.

    The judge is right more often on examples that do not activate the latent, as real judges are.

    Returns:
        JSON text by latent, ascending. O(files x examples).
    """
    words = [" ".join(line.offers + line.sentences).split() for line in LINES[: size.lines]]
    files = {}
    for latent in _scored(rng, latents, groups, size):
        examples = _examples(rng, words, groups[latents.group[latent]], size.examples)
        files[latent] = json.dumps(examples, separators=(",", ":"))
    return files


def _scored(rng: np.random.Generator, latents: Latents, groups: list[Group], size: SampleSize) -> list[int]:
    """The scored latents, ascending: some of each line, fewer of each sector and theme, then noise.

    Generic latents are left out: no judge can be asked about what is always active.
    """
    wanted = {"line": size.scored_per_line, "copied": 0, "noise": 0}
    scored: list[int] = []
    for i, group in enumerate(groups):
        count = wanted.get(group.kind, max(1, size.scored_per_line // 2))
        scored.extend(rng.permutation(np.flatnonzero(latents.group == i))[:count])
    scored = scored[: size.scored_latents]
    noise = rng.permutation(np.flatnonzero(latents.kind == "noise"))
    scored.extend(noise[: min(size.scored_latents - len(scored), len(scored))])
    return sorted(int(latent) for latent in scored)


def _examples(rng: np.random.Generator, words: list[list[str]], group: Group, count: int) -> list[dict]:
    """Examples of one latent."""
    accuracy = rng.uniform(*_ACCURACY[group.kind])
    activating = rng.permutation(np.arange(count) % 2 == 0)
    right = rng.random(count) < np.where(activating, accuracy - 0.06, accuracy + 0.06)
    answered = rng.random(count) >= UNANSWERED
    everywhere = list(range(len(words)))
    inside = list(group.members) or everywhere
    outside = [k for k in everywhere if k not in group.members] or everywhere
    pick = rng.integers(0, 2**31, (count, 4))
    strength = np.round(0.65 * np.exp(rng.normal(0, 0.2, count)) * 2048) / 2048
    examples = []
    for i in range(count):
        source = inside if activating[i] else outside
        text = words[source[pick[i, 0] % len(source)]]
        start = pick[i, 1] % (len(text) - WINDOW)
        activations: list[float] = [0] * WINDOW
        if activating[i]:
            activations = [0.0] * WINDOW
            activations[pick[i, 2] % WINDOW] = float(strength[i])
        examples.append(
            {
                "str_tokens": [f" {word}" for word in text[start : start + WINDOW]],
                "activations": activations,
                "distance": int(pick[i, 3] % 10) if activating[i] else -1.0,
                "activating": bool(activating[i]),
                "prediction": int(right[i] == activating[i]) if answered[i] else None,
                "probability": None,
                "correct": bool(right[i]) if answered[i] else None,
            }
        )
    return examples
