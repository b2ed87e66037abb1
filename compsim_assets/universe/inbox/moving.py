"""Moving a file so that it is always whole, in one place or the other, also from one disk to another."""

import errno
import os
import shutil
import stat
from pathlib import Path

from compsim_assets.storage.publish import sync


def move(source: Path, target: Path) -> None:
    """Move a file, or a link itself, or a folder on the same disk; what lies at the target is replaced.

    Raises:
        OSError: one of them cannot be written; the source is there as before.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(source, target)
    except OSError as problem:
        if problem.errno != errno.EXDEV or not stat.S_ISREG(source.lstat().st_mode):
            raise
        _copy(source, target)
        source.unlink()
    sync(target.parent)


def keep(path: Path, earlier: Path) -> None:
    """Give a file a second name where it is kept, so that the first may be replaced; a copy on another disk."""
    earlier.parent.mkdir(parents=True, exist_ok=True)
    earlier.unlink(missing_ok=True)
    try:
        os.link(path, earlier, follow_symlinks=False)
    except OSError:  # another disk, or one without hard links
        _copy(path, earlier)
    sync(earlier.parent)


def _copy(source: Path, target: Path) -> None:
    """Copy a file aside and put it in its place at once. A link that was put in the file's place is not followed."""
    aside = target.with_name(f".{target.name}.part")
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as read, aside.open("wb") as written:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a plain file", str(source))
        shutil.copyfileobj(read, written, 1 << 20)
        written.flush()
        os.fsync(written.fileno())
    shutil.copystat(source, aside, follow_symlinks=False)
    os.replace(aside, target)
