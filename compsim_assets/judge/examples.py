"""Which windows a judge sees: some to name a latent by, others to tell whether the name holds.

Chosen by the seed, the hookpoint and the latent alone, so that one latent's examples do not depend on which others are
judged, or when. A label never sees the windows that it is scored by; delphi draws both from the same ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from compsim_assets.judge.others import Others
from compsim_assets.judge.windows import Window, Windows
from compsim_assets.universe.judging.settings import JudgeSettings

_DECILES = 10


@dataclass(frozen=True)
class Example:
    """A window to be judged.

    Attributes:
        window: for one without the latent with activations of zero.
        activating: whether the latent is active in it.
        distance: 0 to 9, in which tenth of the windows by activation it is; -1 without the latent. As in delphi.
        marks: positions that a fuzz question marks.
    """

    window: Window
    activating: bool
    distance: float
    marks: frozenset[int]


@dataclass(frozen=True)
class Examples:
    """What one latent is judged by: windows for its label, with and without it, and examples of each kind of score."""

    label_active: list[Window]
    label_silent: list[Window]
    tests: dict[str, list[Example]]


class TooFewError(ValueError):
    """A latent that cannot be judged; says why."""


def choose(windows: Windows, hookpoint: str, latent: int, others: Others, settings: JudgeSettings) -> Examples:
    """The examples of one latent.

    Of each two windows that follow each other by activation, one goes to the label and one to the scores.

    Args:
        others: gives windows without the latent.

    Raises:
        TooFewError: not enough windows with or without it.
    """
    random = Random(f"{settings.seed}:{hookpoint}:{latent}")  # noqa: S311, no secret
    active = windows.of(latent)
    if len(active) < settings.least_windows:
        raise TooFewError("too few windows")
    places = {window.tokens: _DECILES * rank // len(active) for rank, window in enumerate(active)}
    label, test = _halves(active, random)
    label, test = label[: settings.label_windows], _spread(test, settings.test_windows)
    silent = others(latent, len(label) + len(test), set(places), random)
    if len(silent) < len(label) + len(test):
        raise TooFewError("too few windows without it")
    with_it = [Example(each, True, places[each.tokens], each.marks()) for each in test]
    without = [Example(each, False, -1.0, _like(each, test, random)) for each in silent[len(label) :]]
    tests = {kind: _shuffled([*with_it, *without], random) for kind in settings.kinds}
    return Examples(label, silent[: len(label)], tests)


def _halves(windows: Sequence[Window], random: Random) -> tuple[list[Window], list[Window]]:
    """One of each two that follow each other to either side; an odd last one to the second."""
    halves: tuple[list[Window], list[Window]] = ([], [])
    for i in range(0, len(windows) - 1, 2):
        side = int(random.random() < 0.5)
        halves[side].append(windows[i])
        halves[1 - side].append(windows[i + 1])
    if len(windows) % 2:
        halves[1].append(windows[-1])
    return halves


def _spread(windows: Sequence[Window], most: int) -> list[Window]:
    """At most so many, evenly over all: strong and weak activations."""
    if len(windows) <= most:
        return list(windows)
    return [windows[i * len(windows) // most] for i in range(most)]


def _like(window: Window, test: Sequence[Window], random: Random) -> frozenset[int]:
    """Marks where a random window with the latent has them: neither number nor place of marks tells the two apart."""
    marks = test[int(random.random() * len(test))].marks()
    return frozenset(min(position, len(window.tokens) - 1) for position in marks)


def _shuffled(examples: Sequence[Example], random: Random) -> list[Example]:
    order = sorted((random.random(), i) for i in range(len(examples)))
    return [examples[i] for _, i in order]


def questions_of(examples: Sequence[Example], size: int) -> Iterator[list[Example]]:
    """Examples as they are asked about together; the last ones are fewer."""
    for start in range(0, len(examples), size):
        yield list(examples[start : start + size])
