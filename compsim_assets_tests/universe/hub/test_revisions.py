"""A data set of the hub is looked up as its card says, pinned to a commit, and no token is shown."""

import re
import time
from pathlib import Path

from compsim_assets.universe import hub
from compsim_assets.universe.hub import HubDataset, HubRevision
from compsim_assets_tests.universe.hub.client import FILES, FIRST, SECOND, TOKEN, Client, parquet
from compsim_assets_tests.universe.hub.server import Fault, HubServer

# Fixtures: server, environment, online, offline, unconnected, name, revision.


def test_files_commit_sizes_and_checksums_are_those_of_the_hub(
    server: HubServer, online: Client, name: str, tmp_path: Path
) -> None:
    commit = server.commit(name, {**FILES, "data/test-00000-of-00001.parquet": parquet(5)})
    found = online.get("resolve", HubDataset(name), tmp_path)
    assert found.commit == commit
    assert [file.name for file in found.files] == [FIRST, SECOND]
    assert [file.size for file in found.files] == [len(FILES[FIRST]), len(FILES[SECOND])]
    path = online.get("fetch", found, found.files[0])
    assert path.read_bytes() == FILES[FIRST]
    assert hub.recorded(HubDataset(name), tmp_path) == found
    assert hub.recorded(HubDataset(name, split="test"), tmp_path) is None


def test_the_card_says_which_files_a_configuration_has(
    server: HubServer, online: Client, name: str, tmp_path: Path
) -> None:
    card = b"""---
configs:
- config_name: sparse
  data_files:
  - split: train
    path: ["b/*.parquet", "a/*.parquet"]
  - split: small
    path: a/2.parquet
- config_name: dense
  data_files: c/1.parquet
---
"""
    files = {f"{path}.parquet": parquet(size) for size, path in enumerate(["a/1", "a/2", "b/1", "c/1"])}
    server.commit(name, {**files, "README.md": card})

    def names(config: str, split: str = "train") -> list[str]:
        found = online.get("resolve", HubDataset(name, config=config, split=split), tmp_path)
        return [file.name for file in found.files]

    assert names("sparse") == ["b/1.parquet", "a/1.parquet", "a/2.parquet"]
    assert names("sparse", "small") == ["a/2.parquet"]
    assert names("dense") == ["c/1.parquet"]
    wrong = online.ask("resolve", HubDataset(name, config="spare"), tmp_path).error
    assert wrong.startswith(name)
    assert "'sparse', 'dense'" in wrong
    assert "'sparse', 'dense'" in online.ask("resolve", HubDataset(name), tmp_path).error
    wrong = online.ask("resolve", HubDataset(name, config="sparse", split="tran"), tmp_path).error
    assert wrong.endswith("no split 'tran' in configuration 'sparse', expected one of ['small', 'train']")


def test_a_branch_is_pinned_to_its_commit(
    server: HubServer, online: Client, revision: HubRevision, tmp_path: Path
) -> None:
    name = revision.dataset.dataset
    newer = server.commit(name, {FIRST.replace("2.p", "1.p"): parquet(77)})
    for file in revision.files:
        assert online.get("fetch", revision, file).read_bytes() == FILES[file.name]
    assert online.get("resolve", HubDataset(name), tmp_path).commit == newer
    old = online.get("resolve", HubDataset(name, revision=revision.commit), tmp_path)
    assert (old.commit, old.files) == (revision.commit, revision.files)
    missing = online.ask("resolve", HubDataset(name, revision="tag"), tmp_path).error
    assert missing.startswith(f"{name} (revision tag): ")
    assert "not this revision" in missing


def test_after_the_first_answer_only_the_commit_is_asked_for(
    server: HubServer, online: Client, name: str, tmp_path: Path
) -> None:
    """So a branch that moves meanwhile cannot mix revisions."""
    commit = server.commit(name, FILES)
    before = len(server.requests)
    assert online.get("resolve", HubDataset(name), tmp_path).commit == commit
    asked = [request.path for request in server.requests[before:] if name in request.path]
    assert asked[0].endswith("/revision/main")
    assert all(f"/{commit}" in path for path in asked[1:])
    assert len(asked) > 3


def test_a_look_up_survives_what_passes(server: HubServer, online: Client, name: str, tmp_path: Path) -> None:
    server.commit(name, FILES)
    for part in ("revision/main", "resolve", "tree"):
        server.misbehave(f"{name}/{part}", Fault(status=503))
    assert len(online.get("resolve", HubDataset(name), tmp_path).files) == 2
    server.behave()


def test_a_look_up_outlasts_the_librarys_own_tries(
    server: HubServer, online: Client, name: str, tmp_path: Path
) -> None:
    """The library asks for a file seven times; then `datasets` says that there is none."""
    server.commit(name, FILES)
    server.misbehave(f"{name}/resolve", Fault(status=503), times=8)
    answer = online.ask("resolve", HubDataset(name), tmp_path)
    assert len(answer.value.files) == 2
    assert any("; waiting" in line for line in answer.log)


def test_the_hub_says_how_long_to_wait(server: HubServer, online: Client, name: str, tmp_path: Path) -> None:
    """By its rate limit; the wait is a second longer, as the library's own waits are."""
    server.commit(name, FILES)
    limit = Fault(status=429, headers={"RateLimit": '"api";r=0;t=0'})
    server.misbehave(f"{name}/revision/main", limit)
    start = time.monotonic()
    [line] = online.ask("resolve", HubDataset(name), tmp_path).log
    assert time.monotonic() - start > 1
    assert re.search(r"HTTP 429 from .*; waiting 1\.0 s, then try 2 of 3", line)


def test_a_hub_that_fails_is_an_error_and_nothing_old_is_used(
    server: HubServer, online: Client, revision: HubRevision, tmp_path: Path
) -> None:
    name = revision.dataset.dataset
    server.misbehave(f"{name}/revision/main", Fault(status=500), times=None)
    answer = online.ask("resolve", revision.dataset, tmp_path)
    assert answer.error.startswith(f"{name} (revision main): HTTP 500 from http://127.0.0.1:")
    assert answer.error.endswith("(tried 3 times)")
    assert len(answer.log) == 2


def test_the_token_is_sent_to_the_hub_and_shown_to_nobody(
    server: HubServer, online: Client, revision: HubRevision, tmp_path: Path
) -> None:
    """The client looks for it in everything that is logged, raised or printed; here the hub repeats it."""
    name = revision.dataset.dataset
    online.get("fetch", revision, revision.files[1])
    asked = [request for request in server.requests if name in request.path]
    to_hub = {r.headers.get("authorization") for r in asked if r.path.startswith("/api/datasets")}
    to_others = {r.headers.get("authorization") for r in asked if r.path.startswith("/cdn/")}
    assert to_hub == {f"Bearer {TOKEN}"}
    assert to_others == {None}
    shouting = {"X-Error-Message": f"bad {TOKEN} here"}
    server.misbehave(f"{name}/revision/main", Fault(status=500, headers=shouting), times=None)
    answer = online.ask("resolve", revision.dataset, tmp_path)
    server.behave()
    assert "bad *** here" in answer.error
    assert "not now, ***" in answer.error
    assert "bad *** here" in answer.log[0]
    for part in (f"{name}/resolve", f"{name}/tree"):
        server.misbehave(part, Fault(status=500, headers=shouting), times=2)
    online.get("resolve", revision.dataset, tmp_path)
    server.misbehave(f"cdn/{name}", Fault(status=500, headers=shouting), times=None)
    answer = online.ask("fetch", revision, revision.files[0])
    assert "bad *** here" in answer.error
    assert "signature=secret" not in answer.printed


def test_what_cannot_be_had_says_what_to_do(server: HubServer, online: Client, name: str, tmp_path: Path) -> None:
    missing = online.ask("resolve", HubDataset("owner/no-such-data"), tmp_path)
    assert missing.error.startswith("owner/no-such-data (revision main): ")
    assert "no such data set, or it is private" in missing.error
    assert "HF_TOKEN" in missing.error
    assert missing.log == []
    server.commit(name, FILES)
    server.gate(name)
    gated = online.ask("resolve", HubDataset(name), tmp_path)
    assert "gated" in gated.error
    assert "HF_TOKEN" in gated.error
    refused = {"X-Error-Message": "Invalid credentials in Authorization header"}
    server.misbehave(f"{name}/revision/main", Fault(status=401, headers=refused))
    assert "refuses access (HTTP 401)" in online.ask("resolve", HubDataset(name), tmp_path).error
    nonsense = online.ask("resolve", HubDataset("no/such/data"), tmp_path).error
    assert "Repo id must be" in nonsense


def test_a_data_set_without_parquet_files_is_refused(
    server: HubServer, online: Client, name: str, tmp_path: Path
) -> None:
    for files, reason in (
        ({"data/train.csv": b"a,b\n1,2\n"}, "has data/train.csv, expected Parquet files"),
        ({"here.py": b"x"}, "data files"),
    ):
        server.commit(name, files)
        error = online.ask("resolve", HubDataset(name), tmp_path).error
        assert error.startswith(f"{name}: ")
        assert reason in error
