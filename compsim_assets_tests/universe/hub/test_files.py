"""Files of the hub are downloaded once, verified, downloaded again where they are damaged, and removed on request."""

from dataclasses import replace
from pathlib import Path

from compsim_assets.universe.hub import HubDataset, HubFile, HubRevision
from compsim_assets_tests.universe.hub.client import FILES, FIRST, SECOND, Client, in_cache
from compsim_assets_tests.universe.hub.server import Fault, HubServer

# Fixtures: server, environment, online, offline, unconnected, name, revision.


def test_what_was_fetched_is_not_asked_for_again(server: HubServer, online: Client, revision: HubRevision) -> None:
    for file in revision.files:
        online.get("fetch", revision, file)
    before = len(server.requests)
    paths = [online.get("fetch", revision, file) for file in revision.files]
    assert [path.read_bytes() for path in paths] == [FILES[FIRST], FILES[SECOND]]
    assert len(server.requests) == before


def test_a_file_is_hashed_again_only_when_it_has_changed(
    server: HubServer, online: Client, revision: HubRevision
) -> None:
    """A checksum on record is believed while the file's times stay; a changed file is found out, and replaced."""
    file = revision.files[0]
    path = online.get("fetch", revision, file)
    [note] = [note for note in (revision.cache / "hashes").iterdir() if file.sha256 in note.read_text()]
    note.write_text(note.read_text().replace(file.sha256, "0" * 64))
    answer = online.ask("fetch", revision, file)
    assert f"SHA-256 {'0' * 64}, expected {file.sha256}" in answer.log[0]
    content = bytearray(FILES[FIRST])
    content[100] ^= 1
    path = answer.value
    path.write_bytes(content)
    answer = online.ask("fetch", revision, file)
    assert "removed" in answer.log[0]
    assert answer.value.read_bytes() == FILES[FIRST]


def test_a_download_survives_what_passes(server: HubServer, online: Client, revision: HubRevision) -> None:
    """Of these, the library outlasts the rate limit and the broken connections by itself."""
    file, name = revision.files[0], revision.dataset.dataset
    for fault, logged in (
        (Fault(status=503), "HTTP 503"),
        (Fault(status=429, headers={"Retry-After": "0"}), None),
        (Fault(drop_after=5000), None),
        (Fault(drop_after=0), None),
        (Fault(keep=5000), "5000"),
        (Fault(corrupt=True), f"expected {file.sha256}; removed"),
    ):
        before = server.downloads(name)
        server.misbehave(f"cdn/{name}", fault)
        answer = online.ask("fetch aside", revision, file)
        assert not answer.error
        assert answer.value.read_bytes() == FILES[FIRST]
        assert server.downloads(name) == before + 2
        assert [line for line in answer.log if logged is not None and logged in line] == answer.log
        assert len(answer.log) == (logged is not None)
        online.get("forget", revision, file)


def test_a_file_that_stays_damaged_is_an_error_and_not_left_on_disk(
    server: HubServer, online: Client, revision: HubRevision, environment: dict
) -> None:
    file = revision.files[0]
    server.misbehave(f"cdn/{revision.dataset.dataset}", Fault(corrupt=True), times=None)
    answer = online.ask("fetch", revision, file)
    assert answer.error.startswith(f"{revision.dataset.dataset}: {FIRST}: Damaged: SHA-256 ")
    assert f"expected {file.sha256}; removed (tried 3 times)" in answer.error
    assert len(answer.log) == 2
    assert not list(in_cache(environment, revision).rglob(file.sha256))


def test_files_that_are_gated_after_the_look_up(server: HubServer, online: Client, revision: HubRevision) -> None:
    server.gate(revision.dataset.dataset)
    answer = online.ask("fetch", revision, revision.files[0])
    assert answer.error.startswith(f"{revision.dataset.dataset}: {FIRST}: access is gated")
    assert answer.log == []


def test_forget_frees_the_disk_and_a_later_fetch_downloads_again(
    server: HubServer, online: Client, revision: HubRevision, environment: dict
) -> None:
    file = revision.files[0]
    path = online.get("fetch aside", revision, file)
    assert path.is_relative_to(revision.cache)
    assert not list(in_cache(environment, revision).rglob(file.sha256))
    # What a killed download leaves.
    (path.parents[1] / ".cache" / "half.incomplete").write_bytes(b"half")
    online.get("forget", revision, file)
    assert not [path for path in (revision.cache / "downloads").rglob("*") if path.is_file()]
    assert online.get("fetch aside", revision, file).read_bytes() == FILES[FIRST]
    assert server.downloads(revision.commit) == 2


def test_forget_leaves_what_the_user_has(server: HubServer, online: Client, name: str, tmp_path: Path) -> None:
    server.commit(name, FILES)
    online.get("hf download", name, [FIRST])
    revision = online.get("resolve", HubDataset(name), tmp_path)
    before = server.downloads(name)
    first, second = revision.files
    paths = [online.get("fetch aside", revision, first), online.get("fetch", revision, second)]
    for file in revision.files:
        online.get("forget", revision, file)
    assert all(path.exists() for path in paths)
    assert (before, server.downloads(name)) == (1, 2)


def test_a_checksum_that_the_hub_does_not_know_leaves_the_size(online: Client, revision: HubRevision) -> None:
    unknown = HubFile(FIRST, revision.files[0].size, None)
    assert online.get("fetch", revision, unknown).read_bytes() == FILES[FIRST]
    wrong = online.ask("fetch", revision, replace(unknown, size=7))
    assert f"{len(FILES[FIRST])} bytes, expected 7" in wrong.error
