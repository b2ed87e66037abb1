"""Programs that publish versions of a table or of a folder, for tests that kill them."""

import os
import signal
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa

from compsim_assets.storage.lineage import Note
from compsim_assets.storage.results import Results, read_table

FILES = ("first.bin", "second.bin", "third.bin")
SIZE = 10_000
# What Python does to names in a folder, as audit events; `open` is there for the syncs between.
EVENTS = ("open", "os.mkdir", "os.rename", "os.rmdir", "os.remove", "os.symlink", "shutil.rmtree")


def publish_table(results: Results, version: int) -> None:
    """A table that says its version in every row, and so does the note of what it was made from."""
    note = Note(code=str(version))
    results.write_table(results.table("returns"), pa.table({"version": [version] * SIZE}), note)


def publish_folder(results: Results, version: int) -> None:
    """A folder of three files that say their version in every byte."""
    with results.new_folder(results.array_folder("pca")) as folder:
        for name in FILES:
            (folder / name).write_bytes(bytes([version]) * SIZE)


PUBLISH = {"table": publish_table, "folder": publish_folder}


def table_version(results: Results) -> int:
    """The version of the table; fails where it is not of one version and complete, or its note is of another."""
    versions = read_table(results.table("returns"))["version"].to_numpy()
    assert len(versions) == SIZE
    assert (versions == versions[0]).all()
    assert results.note("returns") == Note(code=str(versions[0]))
    return int(versions[0])


def folder_version(results: Results) -> int:
    """The version of the folder; fails where it is not of one version and complete."""
    path = results.array_folder("pca")
    assert sorted(file.name for file in path.iterdir()) == sorted(FILES)
    content = b"".join((path / name).read_bytes() for name in FILES)
    assert len(content) == len(FILES) * SIZE
    assert len(set(content)) == 1
    return content[0]


VERSION = {"table": table_version, "folder": folder_version}


def publish_on_and_on(kind: str, folder: Path) -> None:
    """Versions 1, 2, ... 200, 1, ... until the process is killed."""
    for number in count():
        PUBLISH[kind](Results(folder), 1 + number % 200)


def publish_and_die(kind: str, folder: Path, version: int, at: int) -> None:
    """Publish one version and kill this process just before the event number `at` in the folder."""
    left = at

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in EVENTS and arguments and str(folder) in str(arguments[0]):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    PUBLISH[kind](Results(folder), version)


def publish(kind: str, folder: Path, version: int) -> None:
    """Publish one version."""
    PUBLISH[kind](Results(folder), version)


def enter_and_leave_scratch(folder: Path) -> None:
    """A writer that comes and goes."""
    with Results(folder).scratch("other"):
        pass


def write_slowly(folder: Path, begun: Any, go_on: Any) -> None:
    """Publish version 7 of the folder, and wait in the middle of it."""
    with Results(folder).new_folder(folder / "pca") as aside:
        (aside / FILES[0]).write_bytes(bytes([7]) * SIZE)
        begun.set()
        go_on.wait(60)
        for name in FILES[1:]:
            (aside / name).write_bytes(bytes([7]) * SIZE)
