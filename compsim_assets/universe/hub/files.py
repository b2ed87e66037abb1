"""Files of a hub data set on disk: downloaded, verified, remembered, and removed again."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compsim_assets.storage.results import Results
from compsim_assets.universe.hub.calls import Damaged, Patience, patiently
from compsim_assets.universe.layout import UniverseError

# A download that goes on writes more often than this, in seconds; its connection times out after ten.
_ABANDONED_AFTER = 3600


@dataclass(frozen=True)
class HubDataset:
    """A split of a data set: on the hub, or in a local folder of the hub's own layout.

    A `dataset` that is a folder, or is written like one (`/...`, `./...`, `~...`), is read from there.
    """

    dataset: str
    revision: str = "main"
    config: str | None = None
    split: str = "train"

    @property
    def folder(self) -> Path | None:
        """The local folder; None for a data set of the hub."""
        path = Path(self.dataset).expanduser()
        return path.resolve() if path.is_dir() or self.dataset[:1] in ("/", ".", "~") else None


@dataclass(frozen=True)
class HubFile:
    """A Parquet file: its path inside the repository; size in bytes and SHA-256 as far as the hub says them."""

    name: str
    size: int | None
    sha256: str | None


@dataclass(frozen=True)
class HubRevision:
    """A split's files, in the data set's order, at one commit.

    `cache` is where it is remembered which files are verified and which of them `fetch` has downloaded.
    """

    dataset: HubDataset
    commit: str
    files: tuple[HubFile, ...]
    cache: Path = field(compare=False)


def fetch(
    revision: HubRevision,
    file: HubFile,
    log: Callable[[str], None],
    patience: Patience = Patience(),  # noqa: B008 - frozen
) -> Path:
    """The local path of the complete file, in the user's hub cache; of a local folder, the file itself.

    Size and SHA-256 are compared with what the hub says; a file that differs is removed and downloaded again. A file
    that is there already is not downloaded, and not hashed twice while it stays unchanged. Offline, only files that
    are there are given.

    Raises:
        UniverseError: the file cannot be had, or stays damaged; the message names data set, file and what differs.
    """
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.utils import disable_progress_bars

    what = f"{revision.dataset.dataset}: {file.name}"
    folder = revision.dataset.folder
    if folder is not None:
        return _unchanged(folder / file.name, file, revision.cache)
    if constants.is_offline_mode():
        return _present(revision, file, what)
    disable_progress_bars()

    def download() -> Path:
        if _in_hub_cache(revision, file) is None:
            _write(_download_note(revision, file), {"name": file.name})
            _sweep(file)
        path = Path(hf_hub_download(revision.dataset.dataset, file.name, repo_type="dataset", revision=revision.commit))
        problem = _problem(path, file, revision.cache)
        if problem is not None:
            content = path.resolve()
            path.unlink()
            content.unlink(missing_ok=True)
            raise Damaged(f"{problem}; removed")
        return path

    return patiently(download, what, log, patience)


def is_here(revision: HubRevision, file: HubFile) -> bool:
    """Whether `fetch` has nothing to download, unless the file turns out to be damaged."""
    return revision.dataset.folder is not None or _in_hub_cache(revision, file) is not None


def forget(revision: HubRevision, file: HubFile) -> None:
    """Free the disk of a file that `fetch` has downloaded.

    A file that was in the user's hub cache before stays there, and so do a content that another revision in the
    cache uses, and local folders.
    """
    from huggingface_hub import scan_cache_dir

    note = _download_note(revision, file)
    if revision.dataset.folder is not None or not note.exists():
        return
    path = _in_hub_cache(revision, file)
    if path is not None:
        link = path.parent.resolve() / path.name
        _hash_note(link, revision.cache).unlink(missing_ok=True)
        found = scan_cache_dir()
        files = [
            cached
            for repository in found.repos
            for known in repository.revisions
            for cached in known.files
            if cached.file_path == link
        ]
        found.delete_files(*files).execute()
    note.unlink()


def sha256(path: Path, cache: Path) -> str:
    """A file's SHA-256 (hex); remembered in `cache` for as long as its size and its times stay the same."""
    stat = path.stat()
    seen = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "ctime_ns": stat.st_ctime_ns}
    note = _hash_note(path, cache)
    if note.exists():
        known = json.loads(note.read_text())
        if known["seen"] == seen:
            return str(known["sha256"])
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    _write(note, {"path": str(path.resolve()), "seen": seen, "sha256": digest})
    return digest


def _problem(path: Path, file: HubFile, cache: Path) -> str | None:
    """What is wrong with a file on disk: its size, else its content; None where nothing is."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"{size} bytes, expected {file.size}"
    if file.sha256 is not None and (found := sha256(path, cache)) != file.sha256:
        return f"SHA-256 {found}, expected {file.sha256}"
    return None


def _unchanged(path: Path, file: HubFile, cache: Path) -> Path:
    """A local folder's file, as it was when it was looked at."""
    problem = _problem(path, file, cache) if path.is_file() else "gone"
    if problem is not None:
        raise UniverseError(f"{path}: {problem}; the folder has changed meanwhile: start again")
    return path


def _present(revision: HubRevision, file: HubFile, what: str) -> Path:
    """A file of the hub cache, verified, without the network."""
    path = _in_hub_cache(revision, file)
    if path is None:
        raise UniverseError(
            f"{what}: not in the hub cache at commit {revision.commit}, and HF_HUB_OFFLINE is set: "
            "run once without it, or copy the cache (HF_HOME) of a machine that has the file"
        )
    problem = _problem(path, file, revision.cache)
    if problem is not None:
        raise UniverseError(
            f"{what}: {path} has {problem}, and HF_HUB_OFFLINE is set: run once without it, to download it again"
        )
    return path


def _in_hub_cache(revision: HubRevision, file: HubFile) -> Path | None:
    """The file's path in the user's hub cache, where it is there at this commit."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(revision.dataset.dataset, file.name, repo_type="dataset", revision=revision.commit)
    return Path(found) if isinstance(found, str) else None


def _sweep(file: HubFile) -> None:
    """Remove what downloads of the file left behind that were killed; the library never uses it again."""
    from huggingface_hub import constants

    if file.sha256 is None:
        return
    cache = Path(constants.HF_HUB_CACHE).expanduser()
    for left in cache.glob(f"datasets--*/blobs/{file.sha256}.*incomplete"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _ABANDONED_AFTER:
                left.unlink()


def _download_note(revision: HubRevision, file: HubFile) -> Path:
    """Where it is noted, before the download begins, that the file was not there."""
    key = "\n".join((revision.dataset.dataset, revision.commit, file.name))
    return _note("downloads", key, revision.cache)


def _hash_note(path: Path, cache: Path) -> Path:
    return _note("hashes", os.fspath(path.resolve()), cache)


def _note(kind: str, key: str, cache: Path) -> Path:
    return cache / kind / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def _write(path: Path, content: dict[str, Any]) -> None:
    with Results(path.parents[1]).new_file(path) as aside:
        aside.write_text(json.dumps(content, indent=2))
