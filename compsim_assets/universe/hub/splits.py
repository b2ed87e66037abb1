"""Which Parquet files a split has, as `datasets` reads a data set's card: on the hub, in a folder, in a snapshot."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from compsim_assets.universe.hub.calls import scrub
from compsim_assets.universe.hub.files import HubDataset, HubFile
from compsim_assets.universe.layout import UniverseError

_SHARD = re.compile(r"(.*-)(\d{5})(-of-)(\d{5})(.*)")


def split_files(dataset: HubDataset, place: str, commit: str | None = None) -> list[str]:
    """The split's Parquet files, relative to the data set's root: `place`, a name on the hub or a folder.

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
    splits = builder.config.data_files or {}
    if dataset.split not in splits:
        raise UniverseError(
            f"{dataset.dataset}: no split '{dataset.split}' in configuration '{builder.config.name}', "
            f"expected one of {sorted(map(str, splits))}"
        )
    root = f"hf://datasets/{place}@{commit}/" if commit else f"{Path(place).resolve().as_posix()}/"
    return _parquet_names(dataset, list(splits[dataset.split]), root)


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


def complete_snapshots(dataset: HubDataset, except_commit: str = "") -> Iterator[tuple[str, tuple[HubFile, ...]]]:
    """Commit and files of the split in each snapshot of the user's hub cache that has all of them, newest first.

    Only those whose list of files the library remembers: of others nobody knows what is missing.
    """
    from huggingface_hub import constants, get_cached_repo_tree
    from huggingface_hub.errors import CachedRepoTreeNotFoundError
    from huggingface_hub.file_download import repo_folder_name

    name = repo_folder_name(repo_id=dataset.dataset, repo_type="dataset")
    snapshots = Path(constants.HF_HUB_CACHE, name, "snapshots")
    folders = sorted(snapshots.iterdir(), key=lambda path: path.stat().st_mtime_ns) if snapshots.is_dir() else []
    for folder in reversed(folders):
        try:
            get_cached_repo_tree(dataset.dataset, repo_type="dataset", revision=folder.name)
            snapshot = files_of_snapshot(replace(dataset, revision=folder.name))
        except (UniverseError, CachedRepoTreeNotFoundError):
            continue
        if snapshot is not None and folder.name != except_commit:
            yield snapshot


def files_of_snapshot(dataset: HubDataset) -> tuple[str, tuple[HubFile, ...]] | None:
    """Commit and files of the split in the user's hub cache, as `hf download` leaves them there; None without.

    Raises:
        UniverseError: files of the split that were not downloaded; names them.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import IncompleteSnapshotError, LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(dataset.dataset, repo_type="dataset", revision=dataset.revision, local_files_only=True)
        )
        names = split_files(dataset, str(folder))
    except IncompleteSnapshotError as error:  # what counts is whether the split's files are there
        folder = Path(error.snapshot_path)
        names = _split_of_whole(dataset, folder)
    except LocalEntryNotFoundError:
        return None
    check_complete(names, folder)
    return folder.name, tuple(_stored(folder, name) for name in names)


def _split_of_whole(dataset: HubDataset, folder: Path) -> list[str]:
    """The split's files in a snapshot, were it complete: missing files stand empty where the library lists them."""
    from huggingface_hub import get_cached_repo_tree

    with TemporaryDirectory() as whole:
        for file in get_cached_repo_tree(dataset.dataset, repo_type="dataset", revision=folder.name):
            place = Path(whole, file.path)
            place.parent.mkdir(parents=True, exist_ok=True)
            if (folder / file.path).exists():
                place.symlink_to(folder / file.path)
            elif file.path.endswith(".parquet"):
                place.touch()
        return split_files(dataset, whole)


def check_complete(names: list[str], folder: Path) -> None:
    """All files must be there, and all that their names count (`-00003-of-00059`).

    Raises:
        UniverseError: names the files that are missing.
    """
    expected = set(names)
    for match in filter(None, map(_SHARD.fullmatch, names)):
        head, _, of, count, tail = match.groups()
        expected.update(f"{head}{number:05}{of}{count}{tail}" for number in range(int(count)))
    if missing := sorted(name for name in expected if not (folder / name).exists()):
        raise UniverseError(
            f"{folder}: {len(missing)} of {len(expected)} files are missing: {some(missing)}; "
            "download them into the same place, then start again"
        )


def _stored(folder: Path, name: str) -> HubFile:
    """A file of the hub cache; large files are stored there under their SHA-256."""
    path = folder / name
    # The first link alone: where it leads may be a link too, to a file that is named by a hash of another kind.
    target = path.readlink().name if path.is_symlink() else ""
    return HubFile(name, path.stat().st_size, target if re.fullmatch("[0-9a-f]{64}", target) else None)


def some(names: list[str]) -> str:
    """The first names of a list, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
