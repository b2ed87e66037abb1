"""Atomic publication: a file or a folder is written aside and takes the place of the last version in one step.

A kill at any moment leaves the last complete version readable; the next writer clears what a killed one left.
"""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname


@dataclass(frozen=True)
class PublishedFolder:
    """A folder in which files and folders are always complete."""

    folder: Path

    @contextmanager
    def new_file(self, path: Path) -> Iterator[Path]:
        """A file to write aside; it takes the place of `path` when the block ends without an error."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.scratch(path.stem) as folder:
            aside = folder / path.name
            yield aside
            sync(aside)
            os.replace(aside, path)
            sync(path.parent)

    @contextmanager
    def new_folder(self, path: Path) -> Iterator[Path]:
        """A folder to write aside; it takes the place of `path` when the block ends without an error.

        A folder cannot replace another one in one step, a link can: `path` is a link to the version that is
        complete. Readers that have the old version mapped keep it.
        """
        versions = self.folder / ".versions"
        versions.mkdir(parents=True, exist_ok=True)
        with self.scratch(path.name) as scratch:
            aside = scratch / path.name
            aside.mkdir()
            yield aside
            sync_tree(aside)
            version = versions / f"{path.name}-{uuid.uuid4().hex[:12]}"
            # First the link: it keeps other writers from taking the version for a left one.
            link = scratch / "link"
            link.symlink_to(version.relative_to(path.parent), target_is_directory=True)
            os.rename(aside, version)
            sync(versions)
            if path.is_dir() and not path.is_symlink():  # a copy by a tool that follows links
                os.rename(path, scratch / "copied")
            os.replace(link, path)
            sync(path.parent)
        for old in versions.glob(f"{path.name}-*"):
            if old.name.rpartition("-")[0] == path.name and not self._is_linked(old, path):
                shutil.rmtree(old, ignore_errors=True)

    def _is_linked(self, version: Path, path: Path) -> bool:
        """Whether `path` is a link to the version, or a link waits in a writer's scratch to take its place."""
        # In this order: a link moves from scratch to `path` in one step.
        for scratch in (self.folder / ".scratch").iterdir():
            with suppress(OSError):
                if Path(os.readlink(scratch / "link")).name == version.name:
                    return True
        return version.resolve() == path.resolve()

    @contextmanager
    def scratch(self, name: str) -> Iterator[Path]:
        """A private folder beside the results, removed at the end; what killed processes left behind goes too."""
        root = self.folder / ".scratch"
        root.mkdir(parents=True, exist_ok=True)
        for left in root.iterdir():
            if _abandoned(left.name):
                shutil.rmtree(left, ignore_errors=True)
        folder = root / f"{os.getpid()}@{gethostname()}-{name}-{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        try:
            yield folder
        finally:
            # The root stays, empty: removing it would race with another writer that has just made it.
            shutil.rmtree(folder, ignore_errors=True)


_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.EMLINK, errno.ENOSYS}


def link(path: Path, other: Path) -> None:
    """Make `other` the same file as `path`: a hard link, or a copy where the file system has none."""
    other.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, other)
    except OSError as problem:
        if problem.errno not in _NO_LINKS:
            raise
        shutil.copy2(path, other)


def sync_tree(path: Path) -> None:
    """Bring a file, or a folder and all in it, from the system's memory to the disk."""
    for inside in path.rglob("*") if path.is_dir() else ():
        sync(inside)
    sync(path)


def sync(path: Path) -> None:
    """Bring a file from the system's memory to the disk; of a folder, the names in it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _abandoned(scratch: str) -> bool:
    """True for a scratch folder of this host whose process is gone; other hosts may share the data folder."""
    pid, at, rest = scratch.partition("@")
    if not at or not rest.startswith(f"{gethostname()}-"):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
