"""Files that a universe does not take: kept in the inbox's quarantine, each with a file that says why."""

import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from compsim_assets.universe.inbox.moving import move
from compsim_assets.universe.inbox.waiting import QUARANTINE
from compsim_assets.universe.layout import UniverseError

_LONGEST = 180  # characters of a name, so that there is room for what is added


def quarantine(inbox: Path, path: Path, name: str, reasons: Sequence[str]) -> str:
    """Move a file, a link or a folder into the quarantine; first the reason is written, then the file goes.

    Args:
        name: its path in the inbox.
        reasons: what is wrong, one line each, with what to do.

    Returns:
        A line that says where it is and why.

    Raises:
        UniverseError: the quarantine is not a folder.
    """
    folder = inbox / QUARANTINE
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UniverseError(f"{folder} is a link or a file, expected a folder: remove it")
    target = _free(folder / _plain("__".join(PurePosixPath(name).parts)))
    target.parent.mkdir(parents=True, exist_ok=True)
    reason = target.with_name(f"{target.name}.reason.txt")
    lines = [f"{ascii(name)[1:-1]} was not taken, {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC:", ""]
    lines += [*reasons, "", "Put it right and drop it again under its name."]
    aside = reason.with_name(f".{reason.name}.part")
    aside.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="backslashreplace")
    aside.replace(reason)
    move(path, target)
    return f"{target.relative_to(inbox)}: {reasons[0]}"


def _plain(name: str) -> str:
    """A name that is safe to print and to type."""
    text = "".join(char if char.isascii() and (char.isalnum() or char in " ._+,&()-") else "_" for char in name)
    return ("_" + text if text[:1] in ".-" else text)[:_LONGEST]


def _free(path: Path) -> Path:
    """The path itself, or with a number where a file of this name lies there already."""
    number, free = 1, path
    while free.exists() or free.is_symlink():
        number += 1
        free = path.with_name(f"{path.name}.{number}")
    return free
