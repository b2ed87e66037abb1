"""Data sets of the Hugging Face hub: which Parquet files a split has, at which commit, online and offline."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compsim_assets.storage.results import Results
from compsim_assets.universe.hub.calls import Patience, Unreachable, patiently
from compsim_assets.universe.hub.files import HubDataset, HubFile, HubRevision, is_here, sha256
from compsim_assets.universe.hub.splits import check_complete, complete_snapshots, files_of_snapshot, some, split_files
from compsim_assets.universe.layout import UniverseError


def resolve(
    dataset: HubDataset,
    cache: Path,
    log: Callable[[str], None],
    patience: Patience = Patience(),  # noqa: B008 - frozen
    keep: bool = True,
) -> HubRevision:
    """The split's files as the data set's card says, pinned to the commit that the revision points to now.

    What was found is kept under `cache`. With HF_HUB_OFFLINE=1, or where no connection can be made at all, the files
    on record are given, else those of a complete snapshot in the user's hub cache (`hf download`); the log says so.
    Where an update has failed and files of its commit are missing, that is the last commit before it of which all are
    there; not without `keep`, whose files are gone once they are imported.
    The `commit` of a local folder is a fingerprint of its files' bytes in their order: the folder is read once, and
    again only the files that have changed. Where the hub answers, but with errors, nothing on record is used.

    Raises:
        UniverseError: no such data set, revision, configuration or split, no access, files that are not Parquet, files
            missing from a snapshot, or a hub that fails after all tries.
    """
    if dataset.folder is not None:
        return _of_folder(dataset, dataset.folder, cache)
    from huggingface_hub import constants

    if constants.is_offline_mode():
        return _offline(dataset, cache, log, "HF_HUB_OFFLINE is set", keep)
    what = f"{dataset.dataset} (revision {dataset.revision})"

    try:
        commit = patiently(lambda: _commit_now(dataset), what, log, patience)
    except Unreachable as error:
        return _offline(dataset, cache, log, f"no connection, {error}", keep)
    if commit is None:
        raise UniverseError(f"{what}: the hub names no commit")
    names = patiently(lambda: split_files(dataset, dataset.dataset, commit), what, log, patience)
    files = patiently(lambda: _described(dataset, commit, names), what, log, patience)
    return _recording(HubRevision(dataset, commit, files, cache))


def newest_commit(dataset: HubDataset, cache: Path) -> str:
    """The commit that `resolve` would give now; nothing is downloaded or recorded.

    The hub is asked once. Where it does not answer: the commit on record, else that of the snapshot in the user's hub
    cache, else nothing.
    """
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError

    if not constants.is_offline_mode():
        with suppress(UniverseError):
            return patiently(lambda: _commit_now(dataset), dataset.dataset, lambda line: None, Patience(tries=1)) or ""
    if (on_record := recorded(dataset, cache)) is not None:
        return on_record.commit
    try:
        names = dataset.dataset, dataset.revision
        return Path(snapshot_download(names[0], repo_type="dataset", revision=names[1], local_files_only=True)).name
    except IncompleteSnapshotError as error:
        return Path(error.snapshot_path).name
    except LocalEntryNotFoundError:
        return ""


def _commit_now(dataset: HubDataset) -> str | None:
    from huggingface_hub import HfApi

    return HfApi().dataset_info(dataset.dataset, revision=dataset.revision, timeout=30).sha


def recorded(dataset: HubDataset, cache: Path) -> HubRevision | None:
    """What `resolve` has found last, without asking anyone; None where it never has."""
    path = _record(dataset, cache)
    if not path.exists():
        return None
    return _revision_of(json.loads(path.read_text()), dataset, cache)


def _revision_of(record: Mapping[str, Any], dataset: HubDataset, cache: Path) -> HubRevision:
    files = tuple(HubFile(**file) for file in record["files"])
    return HubRevision(dataset, record["commit"], files, cache)


def _of_folder(dataset: HubDataset, folder: Path, cache: Path) -> HubRevision:
    if not folder.is_dir():
        raise UniverseError(
            f"{dataset.dataset}: no such folder, expected one with Parquet files, or owner/name of the hub"
        )
    names = split_files(dataset, str(folder))
    check_complete(names, folder)
    files = tuple(HubFile(name, (folder / name).stat().st_size, sha256(folder / name, cache)) for name in names)
    content = "\n".join(str(file.sha256) for file in files)
    fingerprint = hashlib.sha256(content.encode()).hexdigest()[:40]
    return _recording(HubRevision(dataset, fingerprint, files, cache))


def _described(dataset: HubDataset, commit: str, names: list[str]) -> tuple[HubFile, ...]:
    """The files, with sizes and checksums as the hub says."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    tree = HfApi().list_repo_tree(dataset.dataset, recursive=True, revision=commit, repo_type="dataset")
    entries = {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}
    if missing := [name for name in names if name not in entries]:
        raise UniverseError(f"{dataset.dataset}: the hub does not know {some(missing)} at {commit}")
    listed = [entries[name] for name in names]
    return tuple(HubFile(entry.path, entry.size, entry.lfs.sha256 if entry.lfs else None) for entry in listed)


def _offline(dataset: HubDataset, cache: Path, log: Callable[[str], None], why: str, keep: bool) -> HubRevision:
    """The files on record, else those of a snapshot in the hub cache; older ones where some of them are missing."""
    path = _record(dataset, cache)
    on_record = recorded(dataset, cache)
    if on_record is not None:
        missing = [file.name for file in on_record.files if keep and not is_here(on_record, file)]
        before = _complete_before(on_record) if missing else None
        if before is None:
            since = json.loads(path.read_text())["looked_up"]
            log(f"{dataset.dataset}: offline: files as of {since}, commit {on_record.commit} ({why})")
            return on_record
        problem = f"{len(missing)} of {len(on_record.files)} files of commit {on_record.commit} are missing"
        return _said_older(before, problem, log, why)
    incomplete: UniverseError | None = None
    try:
        snapshot = files_of_snapshot(dataset)
    except UniverseError as problem:
        snapshot, incomplete = None, problem
    if snapshot is None and (older := next(complete_snapshots(dataset), None)) is not None:
        missing_files = str(incomplete or f"nothing of revision {dataset.revision} as it was last")
        return _said_older(HubRevision(dataset, *older, cache), missing_files, log, why)
    if incomplete is not None:
        raise incomplete
    if snapshot is None:
        raise UniverseError(
            f"{dataset.dataset}: {why}; revision {dataset.revision} was never looked up here and is not in the hub "
            f"cache. Run once with a connection, or bring the cache (HF_HOME) from a machine that has run "
            f"`hf download --repo-type dataset --revision {dataset.revision} {dataset.dataset}`"
        )
    commit, files = snapshot
    log(f"{dataset.dataset}: offline: files of the snapshot in the hub cache, commit {commit} ({why})")
    return _recording(HubRevision(dataset, commit, files, cache))


def _complete_before(revision: HubRevision) -> HubRevision | None:
    """The last revision before this one all of whose files are here."""
    record = json.loads(_record(revision.dataset, revision.cache).read_text()).get("before")
    if record is not None:
        before = _revision_of(record, revision.dataset, revision.cache)
        if _complete(before):
            return before
    older = complete_snapshots(revision.dataset, except_commit=revision.commit)
    return next((HubRevision(revision.dataset, *snapshot, revision.cache) for snapshot in older), None)


def _complete(revision: HubRevision) -> bool:
    return all(is_here(revision, file) for file in revision.files)


def _said_older(revision: HubRevision, problem: str, log: Callable[[str], None], why: str) -> HubRevision:
    log(
        f"{revision.dataset.dataset}: offline: {problem}; the last complete files are used, of the older commit "
        f"{revision.commit} ({why})"
    )
    return _recording(revision)


def _record(dataset: HubDataset, cache: Path) -> Path:
    key = json.dumps([dataset.dataset, dataset.revision, dataset.config, dataset.split])
    name = re.sub(r"\W+", "-", dataset.dataset)
    return cache / "revisions" / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def _recording(revision: HubRevision) -> HubRevision:
    """The revision, now on record; written in one step, so that a kill leaves the old record or the new one."""
    content: dict[str, Any] = {
        **vars(revision.dataset),
        "commit": revision.commit,
        "looked_up": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": [vars(file) for file in revision.files],
    }
    if (before := _before(revision)) is not None:
        content["before"] = before
    with Results(revision.cache).new_file(_record(revision.dataset, revision.cache)) as aside:
        aside.write_text(json.dumps(content, indent=2))
    return revision


def _before(revision: HubRevision) -> Mapping[str, Any] | None:
    """What stays on record of other commits: the last one all of whose files are here."""
    path = _record(revision.dataset, revision.cache)
    if revision.dataset.folder is not None or not path.exists():
        return None
    record = json.loads(path.read_text())
    candidates = (record, record.get("before"))
    for one in filter(None, candidates):
        if one["commit"] != revision.commit and _complete(_revision_of(one, revision.dataset, revision.cache)):
            return {"commit": one["commit"], "files": one["files"]}
    return None
