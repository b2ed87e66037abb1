"""What a result was made from: a note beside it, and whether that still holds.

A result is named as it lies: `pca`, `clusters/base`. Its note says what its inputs held when it was made, which
settings and code took part, and what the universe's files held. Notes are kept by the content of their result
(`.made_from/<name>/<content>.json`) and written before it is published, so that at no moment a result is without one.

A result is usable if each of its inputs holds now what it held then and is usable itself, and if the settings are those
of now. Two results that are both usable cannot disagree.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FOLDER = ".made_from"


class StaleResult(ValueError):
    """A result that was made from something else than what is there now."""


@dataclass(frozen=True)
class Note:
    """What one result was made from.

    inputs: content of each result that was read, by name. settings: those that took part. config: of the step.
    code: version of the asset's code. source: fingerprint of the universe's files; empty where none was read.
    """

    inputs: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    source: str = ""


def name_of(asset: str, mode: str | None = None) -> str:
    """The name of a result."""
    return f"{asset}/{mode}" if mode else asset


@dataclass(frozen=True)
class Notes:
    """The notes in one results folder."""

    folder: Path

    def read(self, name: str, content: str) -> Note | None:
        """The note of the result with this content; None where there is none."""
        try:
            return Note(**json.loads(self.path(name, content).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def path(self, name: str, content: str) -> Path:
        """Where the note of a result with this content lies."""
        return self.folder / FOLDER / name / f"{content or 'nothing'}.json"

    @staticmethod
    def text(note: Note) -> str:
        """A note as it is written."""
        return json.dumps(asdict(note), indent=2, sort_keys=True)

    def forget_others(self, name: str, content: str) -> None:
        """Remove notes of results that were replaced."""
        wanted = self.path(name, content)
        for path in wanted.parent.glob("*.json"):
            if path != wanted:
                path.unlink(missing_ok=True)


class Lineage:
    """Which results may be read together, as things are at the moment of each question.

    Args:
        content: what a result holds now, "" where there is none.
        note: the note of a result as it is now.
        settings: the present ones; None asks nothing of them.
    """

    def __init__(
        self,
        content: Callable[[str], str],
        note: Callable[[str], Note | None],
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._content, self._note, self._settings = content, note, settings
        self._reasons: dict[str, str] = {}

    def why_unusable(self, name: str) -> str:
        """Why a result that exists must not stand beside the present ones; empty where it may.

        Cost: each result behind it is looked at once, however often it is asked for.
        """
        if name not in self._reasons:
            self._reasons[name] = ""  # inputs never lead back
            self._reasons[name] = self._why(name)
        return self._reasons[name]

    def _why(self, name: str) -> str:
        note = self._note(name)
        if note is None:
            return "made by something that left no note of what it was made from"
        for setting, value in note.settings.items():
            if self._settings is not None and (now := self._settings.get(setting)) != value:
                return f"made with {setting} = {value}, and it is {now} now"
        changed = [each for each, content in note.inputs.items() if self._content(each) != content]
        if changed:
            return f"made from other {_and(changed)} than the present ones"
        stale = [each for each in note.inputs if self.why_unusable(each)]
        return f"made from {stale[0]}, which was {self.why_unusable(stale[0])}" if stale else ""


def _and(names: list[str]) -> str:
    return " and ".join(sorted(names))
