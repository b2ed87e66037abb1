"""What lies in the inbox, and whether it is still being written."""

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from compsim_assets.universe.layout import UniverseError

QUARANTINE = "quarantine"
SETTLED_SECONDS = 20
# What programs that copy and download call a file until it is whole.
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".swp", "~")

# By name in the inbox: the state of a file or folder, and since when it is the same, in seconds.
Memory = Mapping[str, tuple[str, float]]


@dataclass(frozen=True)
class Waiting:
    """What was seen of an inbox.

    settled: names of files and folders that did not change for a while. unsettled: those that did, or are new.
    unfinished: how many files are called as unfinished ones. memory: for the next look.
    """

    settled: tuple[str, ...]
    unsettled: tuple[str, ...]
    unfinished: int
    memory: Memory


def look_at(folder: Path, before: Memory, now: float, seconds: float = SETTLED_SECONDS) -> Waiting:
    """See what lies in the inbox. A folder is settled once nothing in it changes any more.

    Args:
        before: what the last look remembered.
        now: a clock in seconds; after a jump of it the waiting starts again.
        seconds: for how long a file must be as it is, and seen by two looks.

    Raises:
        UniverseError: there is no such folder, or it cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
    except OSError as problem:
        raise UniverseError(
            f"COMPSIM_INBOX: {folder} cannot be read ({problem.strerror}), expected a folder: make it, or let this "
            "user read and write it"
        ) from None
    names = [name for name in names if name != QUARANTINE]
    finished = [name for name in names if not is_unfinished(name) and _holds_something(folder, name)]
    memory = dict[str, tuple[str, float]]()
    for name in finished:
        state = _state(folder / name)
        last, since = before.get(name, ("", now))
        memory[name] = (state, since if last == state and since <= now else now)
    settled = tuple(name for name, (_, since) in memory.items() if name in before and now - since >= seconds)
    unsettled = tuple(name for name in memory if name not in settled)
    return Waiting(settled, unsettled, sum(map(is_unfinished, names)), memory)


def files_of(folder: Path, name: str) -> Iterator[Path]:
    """A file, or all that lies in a folder, unfinished files left out; links are given as they are."""
    path = folder / name
    if not stat.S_ISDIR(path.lstat().st_mode):
        yield path
        return
    with os.scandir(path) as entries:
        inside = sorted(entry.name for entry in entries)
    for each in inside:
        if not is_unfinished(each):
            yield from files_of(path, each)


def is_unfinished(name: str) -> bool:
    """Whether a file is named as one that is still written, or hidden."""
    return name.startswith(".") or name.lower().endswith(_UNFINISHED)


def _holds_something(folder: Path, name: str) -> bool:
    try:
        return any(True for _ in files_of(folder, name))
    except FileNotFoundError:
        return False
    except OSError:  # a folder that must not be looked into
        return True


def _state(path: Path) -> str:
    """Sizes, times and kinds of a file, or of all in a folder, as a hash; links are not followed."""
    digest = blake2b(digest_size=10)
    paths = [path]
    while paths:
        each = paths.pop()
        try:
            there = each.lstat()
            if stat.S_ISDIR(there.st_mode):
                with os.scandir(each) as entries:
                    paths += sorted((Path(entry.path) for entry in entries), reverse=True)
        except OSError as problem:  # gone, or not to be looked into: it counts as it is
            digest.update(f"{problem.errno}".encode())
            continue
        facts = (there.st_mode, there.st_size, there.st_mtime_ns, there.st_ctime_ns, there.st_ino)
        digest.update(os.fsencode(each) + repr(facts).encode())
    return digest.hexdigest()
