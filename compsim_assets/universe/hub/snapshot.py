"""Snapshots in the user's hub cache, as `hf download` leaves them, and whether a split is complete there."""

import re
from collections.abc import Iterable
from pathlib import Path

from compsim_assets.universe.hub.files import HubDataset, HubFile
from compsim_assets.universe.layout import UniverseError

_SHARD = re.compile(r"(.*-)(\d{5})(-of-)(\d{5})(.*)")


def snapshot(dataset: HubDataset) -> Path | None:
    """The revision's folder in the user's hub cache, complete or not."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(dataset.dataset, repo_type="dataset", revision=dataset.revision, local_files_only=True)
        )
    except IncompleteSnapshotError as error:  # what counts is whether the split's files are there
        return Path(error.snapshot_path)
    except LocalEntryNotFoundError:
        return None


def of_snapshot(folder: Path, name: str) -> HubFile:
    """A file of the hub cache; large files are stored there under their SHA-256."""
    path = folder / name
    # The first link alone: where it leads may be a link too, to a file that is named by a hash of another kind.
    stored = path.readlink().name if path.is_symlink() else ""
    checksum = stored if re.fullmatch("[0-9a-f]{64}", stored) else None
    return HubFile(name, path.stat().st_size, checksum)


def cached_tree(dataset: HubDataset, commit: str) -> list[str]:
    """All files of the commit, where `hf download` has kept their list; else none."""
    from huggingface_hub import get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError

    try:
        tree = get_cached_repo_tree(dataset.dataset, repo_type="dataset", revision=commit)
    except CachedRepoTreeNotFoundError:
        return []
    return [file.path for file in tree]


def check_complete(names: list[str], known: Iterable[str], folder: Path) -> None:
    """No file may be missing that the others' names count (`-00003-of-00059`), or that is known and named like them.

    Raises:
        UniverseError: names the files that are missing.
    """
    shapes = {re.sub(r"\d+", "#", name) for name in names}
    expected = {name for name in known if re.sub(r"\d+", "#", name) in shapes}
    for match in filter(None, map(_SHARD.fullmatch, names)):
        head, _, of, count, tail = match.groups()
        expected.update(f"{head}{number:05}{of}{count}{tail}" for number in range(int(count)))
    if missing := sorted(expected.difference(names)):
        raise UniverseError(
            f"{folder}: {len(missing)} of {len(expected)} files are missing: {some(missing)}; "
            "download them into the same place, then start again"
        )


def some(names: list[str]) -> str:
    """The first names of a list, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
