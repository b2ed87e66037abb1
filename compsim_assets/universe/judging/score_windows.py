"""Text windows of latents from delphi's score files: the examples that a judge was shown."""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from compsim_assets.universe.judging.labels import are_tokens, whole
from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.score_files import name_of_score_file


def score_windows(
    paths: Iterable[Path], hookpoint: str, latents: Iterable[int], limit: int
) -> Iterator[dict[str, Any]]:
    """latent, rank, activation, tokens, activations of the strongest examples in which a latent is active, by latent.

    Files of another hookpoint or other latents are not read; an example without tokens or activations shows nothing.
    Tokens are untrusted text: JSON with everything but plain characters escaped.

    Args:
        paths: score files.
        hookpoint: whose latents are wanted.
        latents: those.
        limit: windows of a latent.

    Raises:
        UniverseError: names file and example.
    """
    wanted = set(latents)
    files = sorted(
        (latent, path) for path in paths for point, latent in [name_of_score_file(path)] if point == hookpoint
    )
    for latent, of_latent in groupby(files, key=lambda file: file[0]):
        if latent not in wanted:
            continue
        windows = [window for _, path in of_latent for window in _windows(path)]
        windows.sort(key=lambda window: -window[0])
        for rank, (strongest, tokens, activations) in enumerate(windows[:limit], 1):
            yield {
                "latent": latent,
                "rank": rank,
                "activation": strongest,
                "tokens": json.dumps(tokens),
                "activations": json.dumps(activations),
            }


def _windows(path: Path) -> Iterator[tuple[float, list[str], list[float]]]:
    """Largest activation, tokens and activations of each active example, in the file's order."""
    for number, example in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        tokens, activations = example.get("str_tokens"), example.get("activations")
        if not tokens or not activations:
            continue
        numbers = isinstance(activations, list) and all(_is_size(value) for value in activations)
        if not are_tokens(tokens) or not numbers or len(tokens) != len(activations):
            raise UniverseError(
                f"{path}: example {number}: expected str_tokens, texts, and as many activations, numbers from 0 on"
            )
        values = [round(float(value), 4) for value in activations]
        if max(values) > 0:
            yield max(values), tokens, values


def silent_examples(path: Path) -> Iterator[tuple[str, ...]]:
    """Tokens of each example of a score file that is said not to activate its latent.

    Raises:
        UniverseError: the file is no list of examples.
    """
    try:
        examples = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(examples, list):
            raise ValueError
        for example in examples:
            tokens, activating = example.get("str_tokens"), example.get("activating", example.get("ground_truth"))
            if activating is False and are_tokens(tokens) and tokens:
                yield whole(tokens)
    except (ValueError, AttributeError, TypeError):
        raise UniverseError(f"{path}: expected a JSON list of examples") from None


def _is_size(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
