"""Windows in which a latent is not active: what it is told apart from.

Where windows are of reports, they are top windows of random other latents, of reports in which this latent is active
nowhere. Where they are of score files, they are the examples of the same file that are said not to activate it.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from compsim_assets.judge.windows import Window, Windows
from compsim_assets.universe.judging.score_windows import silent_examples
from compsim_assets.universe.score_files import name_of_score_file

if TYPE_CHECKING:
    from compsim_assets.storage.shards import FeatureShards

Texts = set[tuple[str, ...]]
Others = Callable[[int, int, Texts, Random], list[Window]]
"""Of a latent so many different windows, none of these texts; fewer where there are no more."""

_ROUNDS, _DRAWN = 20, 4  # how often windows are drawn at random, and how many for one that is wanted


def of_reports(windows: Windows, features: "FeatureShards") -> Others:
    """Of reports whose features say that the latent is silent; their activations are zero.

    Cost: a value of the features for each window that is drawn.
    """
    import numpy as np

    position = {report: i for i, report in enumerate(features.report_id.tolist())}

    def silent(latent: int, drawn: list[Window]) -> list[Window]:
        there = [window for window in drawn if window.report_id in position]
        if not there:
            return []
        positions = np.array([position[window.report_id] for window in there])
        values = features.select(np.array([latent]), positions)[:, 0].tolist()
        return [window for window, value in zip(there, values, strict=True) if value == 0]

    def others(latent: int, wanted: int, seen: Texts, random: Random) -> list[Window]:
        different: dict[tuple[str, ...], Window] = {}
        for _ in range(_ROUNDS):
            drawn = [windows.at(int(random.random() * len(windows))) for _ in range(_DRAWN * wanted)]
            for window in silent(latent, drawn):
                if window.tokens not in seen:
                    different.setdefault(window.tokens, window.silenced())
            if len(different) >= wanted:
                break
        return list(different.values())[:wanted]

    return others


def of_files(paths: Iterable[Path], hookpoint: str) -> Others:
    """Of the latents' score files."""
    files = {latent: path for path in paths for point, latent in [name_of_score_file(path)] if point == hookpoint}

    def others(latent: int, wanted: int, seen: Texts, random: Random) -> list[Window]:
        if latent not in files:
            return []
        texts = [text for text in dict.fromkeys(silent_examples(files[latent])) if text not in seen]
        order = sorted((random.random(), i) for i in range(len(texts)))
        return [Window(texts[i], (0.0,) * len(texts[i])) for _, i in order[:wanted]]

    return others


def of_both(windows: Windows, reports: Others, scored: Others) -> Others:
    """Of where the latent's own windows are from: they must look alike, or their form would tell them apart."""

    def others(latent: int, wanted: int, seen: Texts, random: Random) -> list[Window]:
        of_files = any(window.report_id is None for window in windows.of(latent))
        return (scored if of_files else reports)(latent, wanted, seen, random)

    return others
