"""A local folder in the hub's layout is read as a data set of the hub is, where it lies."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from compsim_assets.universe import hub
from compsim_assets.universe.hub import HubDataset, HubRevision
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.universe.hub.client import FILES, FIRST, SECOND, Client
from compsim_assets_tests.universe.hub.server import HubServer

# Fixtures: server, environment, online, offline, unconnected, name, revision.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A local folder in the hub's layout."""
    for path, content in FILES.items():
        (tmp_path / "local" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "local" / path).write_bytes(content)
    return tmp_path / "local"


def local(folder: Path, tmp_path: Path, **of: Any) -> HubRevision:
    return hub.resolve(HubDataset(str(folder), **of), tmp_path / "cache", print)


def test_files_from_elsewhere_are_refused(
    server: HubServer, online: Client, name: str, folder: Path, tmp_path: Path
) -> None:
    card = "---\nconfigs:\n- config_name: a\n  data_files: {}\n---\n"
    server.commit("owner/another", FILES)
    elsewhere = f"hf://datasets/owner/another/{FIRST}"
    server.commit(name, {**FILES, "README.md": card.format(elsewhere).encode()})
    assert "don't belong to" in online.ask("resolve", HubDataset(name), tmp_path).error
    outside = tmp_path / "outside.parquet"
    outside.write_bytes(FILES[FIRST])
    (folder / "README.md").write_text(card.format(outside))
    with pytest.raises(UniverseError, match=f"{outside} lies outside of the data set"):
        local(folder, tmp_path)


def test_a_local_folder_is_read_where_it_is(folder: Path, tmp_path: Path) -> None:
    found = local(folder, tmp_path)
    assert [file.name for file in found.files] == [FIRST, SECOND]
    assert re.fullmatch("[0-9a-f]{40}", found.commit)
    paths = [hub.fetch(found, file, print) for file in found.files]
    assert paths == [folder / FIRST, folder / SECOND]
    for file in found.files:
        hub.forget(found, file)
    assert [path.read_bytes() for path in paths] == [FILES[FIRST], FILES[SECOND]]
    assert hub.recorded(found.dataset, tmp_path / "cache") == found
    with pytest.raises(UniverseError, match=r"no split 'test' .* expected one of \['train'\]"):
        local(folder, tmp_path, split="test")


def test_a_local_folder_is_known_by_its_files_content(folder: Path, tmp_path: Path) -> None:
    before = local(folder, tmp_path).commit
    os.utime(folder / FIRST)
    moved = folder.rename(tmp_path / "moved")
    assert local(moved, tmp_path).commit == before
    content = bytearray(FILES[FIRST])
    content[200] ^= 1
    (moved / FIRST).write_bytes(content)
    assert local(moved, tmp_path).commit != before


def test_a_local_file_that_changes_after_the_look_up_is_an_error(folder: Path, tmp_path: Path) -> None:
    found = local(folder, tmp_path)
    (folder / FIRST).write_bytes(FILES[FIRST][::-1])
    with pytest.raises(UniverseError, match=f"^{folder / FIRST}: SHA-256 .* the folder has changed"):
        hub.fetch(found, found.files[0], print)
    (folder / SECOND).unlink()
    with pytest.raises(UniverseError, match=f"^{folder / SECOND}: gone"):
        hub.fetch(found, found.files[1], print)
    with pytest.raises(UniverseError, match=f"1 of 2 files are missing: {SECOND}"):
        local(folder, tmp_path)


@pytest.mark.parametrize("written", ["./no-such-folder", "/no/such/folder", "~/no-such-folder"])
def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(tmp_path: Path, written: str) -> None:
    with pytest.raises(UniverseError, match=f"^{written}: no such folder"):
        hub.resolve(HubDataset(written), tmp_path, print)
