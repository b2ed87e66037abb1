"""Files that were accepted together: put in their places, and remembered until a run for them was asked for."""

import json
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from compsim_assets.storage.publish import sync
from compsim_assets.universe.inbox.moving import keep, move
from compsim_assets.universe.inbox.places import Place

FILE, REPLACED = "batch.json", "replaced"


@dataclass(frozen=True)
class Batch:
    """key: names it and no other batch, by the time and the files' contents. files: path in the inbox -> its place.
    standing: why the universe is refused even with them, so that no run is asked for.
    """

    key: str
    files: Mapping[str, Place]
    standing: tuple[str, ...] = ()

    @classmethod
    def of(cls, contents: Mapping[str, str], files: Mapping[str, Place], standing: list[str]) -> "Batch":
        """A batch of files whose contents have these hashes."""
        text = "\n".join(f"{name} {content}" for name, content in sorted(contents.items()))
        content = blake2b(text.encode(), digest_size=6).hexdigest()
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        # What comes back, whatever the clock says, is another batch: what it replaces is another content.
        return cls(f"{at}-{content}-{secrets.token_hex(2)}", files, tuple(standing))

    @classmethod
    def read(cls, state: Path) -> "Batch | None":
        """The batch that was written last and not forgotten; None without one."""
        try:
            written: dict[str, Any] = json.loads((state / FILE).read_text())
        except FileNotFoundError:
            return None
        return cls(written["key"], {n: _place(p) for n, p in written["files"].items()}, tuple(written["standing"]))

    def write(self, state: Path) -> None:
        """Remember it: from now on its files go to their places, whatever ends this process."""
        aside = state / f".{FILE}.part"
        aside.write_text(json.dumps(asdict(self)))
        sync(aside)
        aside.replace(state / FILE)
        sync(state)

    def forget(self, state: Path) -> None:
        """Its run was asked for."""
        (state / FILE).unlink(missing_ok=True)

    def is_in_place(self, claimed: Path) -> bool:
        """Whether all of its files are where they belong."""
        return not any((claimed / name).exists() for name in self.files)

    def put_in_place(self, universe: Path, claimed: Path, state: Path) -> None:
        """Move each file to its place; what was there is kept under the batch's key. Can be called again."""
        earlier = state / REPLACED / self.key
        for name, place in self.files.items():
            new, target = claimed / name, universe / place.path
            if not _is_there(new):
                continue  # an earlier call moved it
            for single, part in place.parts:
                if _is_there(universe / single):
                    (universe / part).parent.mkdir(exist_ok=True)
                    os.rename(universe / single, universe / part)
            if _is_there(target):
                keep(target, earlier / place.path)
            for other in place.instead:
                if _is_there(universe / other):
                    keep(universe / other, earlier / other)
            move(new, target)
        for other in (other for place in self.files.values() for other in place.instead):
            if _is_there(earlier / other):
                (universe / other).unlink(missing_ok=True)
        for folder in sorted(claimed.rglob("*"), reverse=True):
            with suppress(OSError):
                folder.rmdir()


def _place(written: Mapping[str, Any]) -> Place:
    """A place as it was before it was JSON."""
    parts = tuple((single, part) for single, part in written["parts"])
    return Place(**{**written, "instead": tuple(written["instead"]), "parts": parts})


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()
