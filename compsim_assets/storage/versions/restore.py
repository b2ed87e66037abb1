"""Putting a version's results back into the results folder."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from compsim_assets.storage.publish import link
from compsim_assets.storage.results import MANIFESTS, Results
from compsim_assets.storage.versions.version import Version


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
