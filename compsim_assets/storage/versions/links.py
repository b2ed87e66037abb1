"""The same file at a second place: a hard link, or a copy where the file system has none."""

import errno
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from compsim_assets.storage.results import MANIFESTS, Results
from compsim_assets.storage.versions.version import Version

_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.EMLINK, errno.ENOSYS}


def link(path: Path, other: Path) -> None:
    """Make `other` the same file as `path`."""
    other.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, other, follow_symlinks=True)
    except OSError as problem:
        if problem.errno not in _NO_LINKS:
            raise
        shutil.copy2(path, other)


def restore(results: Results, version: Version, here: Mapping[str, Iterable[Path]]) -> None:
    """Put a version's results back into the results folder, each in one step, and remove what it does not have.

    Args:
        here: files of the results folder by result.
    """
    published = version.manifest["results"]
    for name, described in published.items():
        note = version.results.note_path(name)
        if note.is_file():
            with results.new_file(results.folder / note.relative_to(version.folder)) as aside:
                link(note, aside)
        if name in MANIFESTS:
            with results.new_folder(results.array_folder(name)) as folder:
                for path in described["files"]:
                    link(version.folder / path, folder / Path(path).relative_to(name))
            continue
        for path in described["files"]:
            with results.new_file(results.folder / path) as aside:
                link(version.folder / path, aside)
    for name, paths in here.items():
        files = published.get(name, {}).get("files", {})
        for path in paths:
            if path.as_posix() not in files:
                (results.folder / path).unlink(missing_ok=True)
