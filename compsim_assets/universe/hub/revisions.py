"""Data sets of the Hugging Face hub: which Parquet files a split has, at which commit, online and offline."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from compsim_assets.storage.results import Results
from compsim_assets.universe.hub.calls import Patience, Unreachable, patiently, scrub
from compsim_assets.universe.hub.files import HubDataset, HubFile, HubRevision, sha256
from compsim_assets.universe.hub.snapshot import cached_tree, check_complete, of_snapshot, snapshot, some
from compsim_assets.universe.layout import UniverseError

# Paths that one question to the hub names at most.
_PATHS_AT_ONCE = 500


def resolve(
    dataset: HubDataset,
    cache: Path,
    log: Callable[[str], None],
    patience: Patience = Patience(),  # noqa: B008 - frozen
) -> HubRevision:
    """The split's files as the data set's card says, pinned to the commit that the revision points to now.

    What was found is kept under `cache`. With HF_HUB_OFFLINE=1, or where no connection can be made at all, the files
    on record are given, else those of a complete snapshot in the user's hub cache (`hf download`); the log says so.
    The `commit` of a local folder is a fingerprint of its files' bytes in their order: the folder is read once, and
    again only the files that have changed. Where the hub answers, but with errors, nothing on record is used.

    Raises:
        UniverseError: no such data set, revision, configuration or split, no access, files that are not Parquet, files
            missing from a snapshot, or a hub that fails after all tries.
    """
    if dataset.folder is not None:
        return _of_folder(dataset, dataset.folder, cache)
    from huggingface_hub import HfApi, constants

    if constants.is_offline_mode():
        return _offline(dataset, cache, log, "HF_HUB_OFFLINE is set")
    what = f"{dataset.dataset} (revision {dataset.revision})"
    try:
        commit = patiently(
            lambda: HfApi().dataset_info(dataset.dataset, revision=dataset.revision, timeout=30).sha,
            what,
            log,
            patience,
        )
    except Unreachable as error:
        return _offline(dataset, cache, log, f"no connection, {error}")
    if commit is None:
        raise UniverseError(f"{what}: the hub names no commit")
    names = patiently(lambda: _split_files(dataset, dataset.dataset, commit), what, log, patience)
    files = patiently(lambda: _on_the_hub(dataset, commit, names), what, log, patience)
    return _keep(HubRevision(dataset, commit, files, cache))


def recorded(dataset: HubDataset, cache: Path) -> HubRevision | None:
    """What `resolve` has found last, without asking anyone; None where it never has."""
    path = _record(dataset, cache)
    if not path.exists():
        return None
    record = json.loads(path.read_text())
    files = tuple(HubFile(**file) for file in record["files"])
    return HubRevision(dataset, record["commit"], files, cache)


def _of_folder(dataset: HubDataset, folder: Path, cache: Path) -> HubRevision:
    if not folder.is_dir():
        raise UniverseError(
            f"{dataset.dataset}: no such folder, expected one with Parquet files, or owner/name of the hub"
        )
    names = _split_files(dataset, str(folder))
    check_complete(names, names, folder)
    files = tuple(HubFile(name, (folder / name).stat().st_size, sha256(folder / name, cache)) for name in names)
    content = "\n".join(str(file.sha256) for file in files)
    fingerprint = hashlib.sha256(content.encode()).hexdigest()[:40]
    return _keep(HubRevision(dataset, fingerprint, files, cache))


def _split_files(dataset: HubDataset, place: str, commit: str | None = None) -> list[str]:
    """The split's Parquet files, relative to the data set's root, as `datasets` finds them.

    Raises:
        UniverseError: what `datasets` cannot make sense of, with what there is instead.
    """
    import datasets
    from datasets.exceptions import DatasetNotFoundError

    datasets.disable_progress_bars()
    # An empty cache: `datasets` gives an old version of it where the hub fails, and says so in a warning only.
    with TemporaryDirectory() as empty:
        try:
            builder = datasets.load_dataset_builder(place, name=dataset.config, revision=commit, cache_dir=empty)
        except DatasetNotFoundError as error:
            problem = f"{error} A token is taken from HF_TOKEN in the environment."
        except (ValueError, RuntimeError, FileNotFoundError) as error:
            problem = str(error)
        else:
            problem = ""
    # A hub that cannot be asked for a file is passed on by `datasets` as a file that is not there.
    if commit and "LocalEntryNotFoundError" in problem:
        raise ConnectionError(problem)
    if problem:
        raise UniverseError(f"{dataset.dataset}: {scrub(problem)}")
    found = builder.config.data_files or {}
    if dataset.split not in found:
        raise UniverseError(
            f"{dataset.dataset}: no split '{dataset.split}' in configuration '{builder.config.name}', "
            f"expected one of {sorted(map(str, found))}"
        )
    root = f"hf://datasets/{place}@{commit}/" if commit else f"{Path(place).resolve().as_posix()}/"
    return _parquet_names(dataset, list(found[dataset.split]), root)


def _parquet_names(dataset: HubDataset, paths: list[str], root: str) -> list[str]:
    for path in paths:
        if not path.startswith(root):
            raise UniverseError(f"{dataset.dataset}: {scrub(path)} lies outside of the data set")
        if not path.endswith(".parquet"):
            raise UniverseError(
                f"{dataset.dataset}: split '{dataset.split}' has {path.removeprefix(root)}, expected Parquet files; "
                "of most data sets the hub keeps a Parquet copy: try the revision refs/convert/parquet"
            )
    return [path.removeprefix(root) for path in paths]


def _on_the_hub(dataset: HubDataset, commit: str, names: list[str]) -> tuple[HubFile, ...]:
    """Sizes and checksums of files, as the hub says."""
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    found = {}
    for start in range(0, len(names), _PATHS_AT_ONCE):
        for info in HfApi().get_paths_info(
            dataset.dataset, names[start : start + _PATHS_AT_ONCE], revision=commit, repo_type="dataset"
        ):
            if isinstance(info, RepoFile):
                checksum = info.lfs.sha256 if info.lfs is not None else None
                found[info.path] = HubFile(info.path, info.size, checksum)
    if missing := [name for name in names if name not in found]:
        raise UniverseError(f"{dataset.dataset}: the hub does not know {some(missing)} at {commit}")
    return tuple(found[name] for name in names)


def _offline(dataset: HubDataset, cache: Path, log: Callable[[str], None], why: str) -> HubRevision:
    """The files on record, else those of a snapshot in the hub cache."""
    path = _record(dataset, cache)
    on_record = recorded(dataset, cache)
    if on_record is not None:
        since = json.loads(path.read_text())["looked_up"]
        log(f"{dataset.dataset}: offline: files as of {since}, commit {on_record.commit} ({why})")
        return on_record
    folder = snapshot(dataset)
    if folder is None:
        raise UniverseError(
            f"{dataset.dataset}: {why}; revision {dataset.revision} was never looked up here and is not in the hub "
            f"cache. Run once with a connection, or bring the cache (HF_HOME) from a machine that has run "
            f"`hf download --repo-type dataset --revision {dataset.revision} {dataset.dataset}`"
        )
    names = _split_files(dataset, str(folder))
    check_complete(names, cached_tree(dataset, folder.name), folder)
    log(f"{dataset.dataset}: offline: files of the snapshot in the hub cache, commit {folder.name} ({why})")
    files = tuple(of_snapshot(folder, name) for name in names)
    return _keep(HubRevision(dataset, folder.name, files, cache))


def _record(dataset: HubDataset, cache: Path) -> Path:
    key = json.dumps([dataset.dataset, dataset.revision, dataset.config, dataset.split])
    name = re.sub(r"\W+", "-", dataset.dataset)
    return cache / "revisions" / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def _keep(revision: HubRevision) -> HubRevision:
    """The revision, now on record; written in one step, so that a kill leaves the old record or the new one."""
    content: dict[str, Any] = {
        **vars(revision.dataset),
        "commit": revision.commit,
        "looked_up": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": [vars(file) for file in revision.files],
    }
    with Results(revision.cache).new_file(_record(revision.dataset, revision.cache)) as aside:
        aside.write_text(json.dumps(content, indent=2))
    return revision
