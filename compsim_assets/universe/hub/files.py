"""Files of a hub data set on disk: downloaded, verified, remembered, and removed again."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from compsim_assets.storage.results import Results
from compsim_assets.universe.hub.calls import Damaged, Patience, patiently
from compsim_assets.universe.layout import UniverseError


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

    `cache` is where it is remembered which files are verified, and where files lie that are not kept.
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
    keep: bool = True,
) -> Path:
    """The local path of the complete file: of a local folder, the file itself; else in the user's hub cache.

    A file that is not there is downloaded: into the hub cache or, without `keep`, into a folder that `forget` removes.
    Size and SHA-256 are compared with what the hub says; a file that differs is removed and downloaded again. No file
    is hashed twice while it stays unchanged. Offline, only files that are there are given.

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
    name, commit = revision.dataset.dataset, revision.commit
    aside = None if keep else _folder_aside(revision, file)

    def download() -> Path:
        path = _on_disk(revision, file) or Path(
            hf_hub_download(name, file.name, repo_type="dataset", revision=commit, local_dir=aside)
        )
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
    return revision.dataset.folder is not None or _on_disk(revision, file) is not None


def forget(revision: HubRevision, file: HubFile) -> None:
    """Free the disk of a file that was fetched without `keep`; the user's hub cache and local folders stay."""
    aside = _folder_aside(revision, file)
    if aside.exists():
        _hash_note(aside / file.name, revision.cache).unlink(missing_ok=True)
        shutil.rmtree(aside)


def sha256(path: Path, cache: Path) -> str:
    """A file's SHA-256 (hex); remembered in `cache` for as long as its size and its times stay the same."""
    stat = path.stat()
    seen = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "ctime_ns": stat.st_ctime_ns}
    note = _hash_note(path, cache)
    if note.exists():
        content = json.loads(note.read_text())
        if content["seen"] == seen:
            return str(content["sha256"])
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    with Results(cache).new_file(note) as aside:
        aside.write_text(json.dumps({"path": str(path.resolve()), "seen": seen, "sha256": digest}, indent=2))
    return digest


def _problem(path: Path, file: HubFile, cache: Path) -> str | None:
    """What is wrong with a file on disk: its size, else its content; None where nothing is."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"{size} bytes, expected {file.size}"
    if file.sha256 is not None and (actual := sha256(path, cache)) != file.sha256:
        return f"SHA-256 {actual}, expected {file.sha256}"
    return None


def _unchanged(path: Path, file: HubFile, cache: Path) -> Path:
    """A local folder's file, as it was when it was looked at."""
    problem = _problem(path, file, cache) if path.is_file() else "gone"
    if problem is not None:
        raise UniverseError(f"{path}: {problem}; the folder has changed meanwhile: start again")
    return path


def _present(revision: HubRevision, file: HubFile, what: str) -> Path:
    """A file on disk, verified, without the network."""
    path = _on_disk(revision, file)
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


def _on_disk(revision: HubRevision, file: HubFile) -> Path | None:
    """The file's path at this commit, in the user's hub cache or aside; None where it is in neither."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(revision.dataset.dataset, file.name, repo_type="dataset", revision=revision.commit)
    ours = _folder_aside(revision, file) / file.name
    return Path(path) if isinstance(path, str) else ours if ours.exists() else None


def _folder_aside(revision: HubRevision, file: HubFile) -> Path:
    """The folder that holds this file alone, until it is forgotten."""
    key = "\n".join((revision.dataset.dataset, revision.commit, file.name))
    return revision.cache / "downloads" / hashlib.sha256(key.encode()).hexdigest()


def _hash_note(path: Path, cache: Path) -> Path:
    return cache / "hashes" / f"{hashlib.sha256(os.fspath(path.resolve()).encode()).hexdigest()}.json"
