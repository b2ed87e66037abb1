"""Without the network, files on record and files in the user's hub cache are used, and nothing else."""

import re
from dataclasses import replace
from pathlib import Path

from compsim_assets.universe.hub import HubDataset, HubRevision
from compsim_assets_tests.universe.hub.client import FAST, FILES, FIRST, SECOND, Client, parquet
from compsim_assets_tests.universe.hub.server import HubServer

# Fixtures: server, environment, online, offline, unconnected, name, revision.


def test_offline_the_files_on_record_are_used(
    server: HubServer, online: Client, offline: Client, revision: HubRevision, tmp_path: Path
) -> None:
    online.get("fetch", revision, revision.files[0])
    server.commit(revision.dataset.dataset, {SECOND: parquet(3)})
    before = len(server.requests)
    answer = offline.ask("resolve", revision.dataset, tmp_path)
    assert answer.value == revision
    assert re.search(rf"offline: files as of 20\S+, commit {revision.commit}", answer.log[0])
    assert offline.get("fetch", revision, revision.files[0]).read_bytes() == FILES[FIRST]
    missing = offline.ask("fetch", revision, revision.files[1]).error
    assert missing.startswith(f"{revision.dataset.dataset}: {SECOND}: not in the hub cache")
    assert len(server.requests) == before


def test_offline_a_damaged_file_is_named(online: Client, offline: Client, revision: HubRevision) -> None:
    path = online.get("fetch", revision, revision.files[0])
    path.write_bytes(path.read_bytes()[:-1])
    error = offline.ask("fetch", revision, revision.files[0]).error
    assert f"{len(FILES[FIRST]) - 1} bytes, expected {len(FILES[FIRST])}" in error
    assert path.exists()


def test_offline_a_snapshot_of_the_user_is_used(
    server: HubServer, online: Client, offline: Client, name: str, tmp_path: Path, environment: dict
) -> None:
    """Large files may be kept in a store that all data sets share, under a hash of another kind."""
    commit = server.commit(name, FILES)
    folder = Path(online.get("hf download", name, None))
    blob = (folder / FIRST).resolve()
    shared = Path(environment["HF_HOME"]) / "hub" / "blobs" / "ab" / ("ab" * 32)
    shared.parent.mkdir(parents=True)
    blob.rename(shared)
    blob.symlink_to(shared)
    answer = offline.ask("resolve", HubDataset(name), tmp_path)
    assert answer.value.commit == commit
    online_files = online.get("resolve", HubDataset(name), tmp_path / "another").files
    assert answer.value.files == online_files
    assert "offline: files of the snapshot" in answer.log[0]
    got = [offline.get("fetch", answer.value, file).read_bytes() for file in answer.value.files]
    assert got == [FILES[FIRST], FILES[SECOND]]


def test_offline_an_incomplete_snapshot_is_refused_and_names_what_is_missing(
    server: HubServer, online: Client, offline: Client, name: str, tmp_path: Path
) -> None:
    """`hf download` keeps the list of all files; those of other splits are not missed."""
    first, second = "train/0.parquet", "train/1.parquet"
    server.commit(name, {first: parquet(5), second: parquet(6), "test/0.parquet": parquet(7)})
    online.get("hf download", name, [first])
    error = offline.ask("resolve", HubDataset(name), tmp_path).error
    assert f"1 of 2 files are missing: {second};" in error
    online.get("hf download", name, ["train/*"])
    assert [file.name for file in offline.get("resolve", HubDataset(name), tmp_path).files] == [first, second]


def test_offline_without_anything_says_what_to_do(
    server: HubServer, offline: Client, name: str, tmp_path: Path
) -> None:
    server.commit(name, FILES)
    error = offline.ask("resolve", HubDataset(name), tmp_path).error
    assert f"{name}: HF_HUB_OFFLINE is set; revision main was never looked up here" in error
    assert f"hf download --repo-type dataset --revision main {name}" in error


def test_without_a_connection_it_is_as_offline(
    online: Client, unconnected: Client, revision: HubRevision, tmp_path: Path
) -> None:
    online.get("fetch", revision, revision.files[0])
    answer = unconnected.ask("resolve", revision.dataset, tmp_path)
    assert answer.value == revision
    assert re.search(r"offline: files as of .* \(no connection, .*ConnectError", answer.log[-1])
    assert len(answer.log) == FAST.tries
    assert unconnected.get("fetch", revision, revision.files[0]).read_bytes() == FILES[FIRST]
    error = unconnected.ask("resolve", replace(revision.dataset, split="test"), tmp_path).error
    assert "ConnectError" in error
    assert "was never looked up here" in error


def test_offline_after_a_failed_update_the_last_complete_files_are_used(
    server: HubServer, online: Client, offline: Client, revision: HubRevision, tmp_path: Path
) -> None:
    dataset = revision.dataset
    for file in revision.files:
        online.get("fetch", revision, file)
    newer = server.commit(dataset.dataset, {**FILES, FIRST: parquet(3), SECOND: parquet(4)})
    updated = online.get("resolve", dataset, tmp_path)
    online.get("fetch", updated, updated.files[0])
    # Another look-up of the same does not forget what was complete, nor does one of a commit that follows.
    online.get("resolve", dataset, tmp_path)
    assert offline.get("resolve aside", dataset, tmp_path).commit == newer
    answer = offline.ask("resolve", dataset, tmp_path)
    assert answer.value == revision
    [line] = answer.log
    assert f"offline: 1 of 2 files of commit {newer} are missing; the last complete files are used" in line
    assert f"older commit {revision.commit}" in line
    got = [offline.get("fetch", answer.value, file).read_bytes() for file in answer.value.files]
    assert got == [FILES[FIRST], FILES[SECOND]]
    updated = online.get("resolve", dataset, tmp_path)
    assert updated.commit == newer
    online.get("fetch", updated, updated.files[1])
    assert offline.get("resolve", dataset, tmp_path) == updated


def test_offline_after_a_failed_download_the_users_last_complete_snapshot_is_used(
    server: HubServer, online: Client, offline: Client, name: str, tmp_path: Path
) -> None:
    """`hf download` moves the branch to the new commit before its files are there."""
    older = server.commit(name, FILES)
    online.get("hf download", name, None)
    newer = server.commit(name, {**FILES, FIRST: parquet(3), SECOND: parquet(4)})
    online.get("hf download", name, [SECOND])
    answer = offline.ask("resolve", HubDataset(name), tmp_path)
    assert answer.value.commit == older
    [line] = answer.log
    assert newer in line
    assert f"1 of 2 files are missing: {FIRST};" in line
    assert f"older commit {older}" in line
    assert offline.get("fetch", answer.value, answer.value.files[0]).read_bytes() == FILES[FIRST]
