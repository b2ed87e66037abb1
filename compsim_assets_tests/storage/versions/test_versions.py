"""What is published stays as it is, whole; what does not fit is not published; one can go back."""

import errno
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compsim_assets.storage.results import Results
from compsim_assets.storage.versions import NotPublished, UnknownVersion, Version, Versions
from compsim_assets_tests.storage.versions.rebuilds import NAMES, make, numbers, publish, rebuild


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "sample")


@pytest.fixture
def versions(results: Results) -> Versions:
    return Versions(results)


def current(versions: Versions) -> Version:
    version = versions.current()
    assert version
    return version


def test_before_the_first_there_is_none(versions: Versions) -> None:
    assert versions.current() is versions.pinned() is None
    assert versions.all() == []
    with pytest.raises(NotPublished, match="there are no results yet: `compsim materialize` makes them"):
        versions.publish({})
    with pytest.raises(UnknownVersion, match="there is no version 'x'; there are: none"):
        versions.get("x")


def test_a_version_stays_as_it_was_while_results_change(results: Results, versions: Versions) -> None:
    first = publish(results.folder, 1)
    for name in NAMES:
        make(results, name, 2)
        assert numbers(current(versions).results) == {1}
        assert numbers(Results(results.folder / "published")) == {1}
    rebuild(results, 2)
    second, new = versions.publish({}, run="a run")
    assert new
    assert numbers(current(versions).results) == {2}
    assert numbers(versions.get(first).results) == {1}
    assert [version.id for version in versions.all()] == [second.id, first]
    assert second.manifest["run"] == "a run"


def test_a_manifest_says_what_made_what(results: Results, versions: Versions) -> None:
    publish(results.folder, 7)
    manifest = current(versions).manifest
    assert sorted(manifest["results"]) == sorted(NAMES)
    clusters = manifest["results"]["clusters/base"]
    assert clusters["rows"] == 1000
    assert clusters["content"] == results.content("clusters/base")
    assert clusters["note"]["inputs"] == {name: results.content(name) for name in ("returns", "pca")}
    assert set(manifest["results"]["pca"]["files"]) == {"pca/pca.json", "pca/pca.safetensors"}
    assert abs(current(versions).made - datetime.now(UTC)) < timedelta(minutes=1)


def test_files_take_room_once_and_an_unchanged_one_is_not_read_again(
    results: Results, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(results.folder, 1)
    make(results, "theta_by_year", 5, "clusters/base", "clusters/rolling")
    read = []
    module = "compsim_assets.storage.versions.parts"
    monkeypatch.setattr(f"{module}.checksum", lambda path: read.append(path.name) or "sum")
    second, _ = versions.publish({})
    assert read == ["theta_by_year.png"]
    assert os.path.samefile(second.folder / "returns.parquet", results.table("returns"))


def test_the_same_is_not_published_twice(results: Results, versions: Versions) -> None:
    first = publish(results.folder, 1)
    rebuild(results, 1)
    version, new = versions.publish({})
    assert (version.id, new) == (first, False)
    assert len(versions.all()) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda r: make(r, "returns", 2),
            "clusters/base was made from other returns than the present ones .and 2 more",
        ),
        (lambda r: make(r, "pca", 2), "clusters/base was made from other pca"),
        (lambda r: r.table("returns").unlink(), "clusters/base was made from other returns"),
        (
            lambda r: r.note_path("returns").unlink(),
            "clusters/base was made from returns, which was made by something that",
        ),
    ],
)
def test_what_does_not_fit_is_not_published(change: Any, why: str, results: Results, versions: Versions) -> None:
    first = publish(results.folder, 1)
    change(results)
    with pytest.raises(NotPublished, match=f"{why}.*`compsim materialize` makes what is out of date"):
        versions.publish({})
    assert current(versions).id == first
    assert [path.name for path in versions.root.glob(".*") if path.name != ".lock"] == []


def test_what_the_last_version_has_must_be_there(results: Results, versions: Versions) -> None:
    make(results, "returns", 1)
    make(results, "dendrograms", 1)
    versions.publish({})
    results.table("dendrograms").unlink()
    with pytest.raises(NotPublished, match="dendrograms is missing: `compsim materialize`"):
        versions.publish({})


def test_results_of_other_settings_are_not_published(results: Results, versions: Versions) -> None:
    make(results, "returns", 1)
    path = results.note_path("returns")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"settings": {"similarity": "pairs"}}))
    with pytest.raises(NotPublished, match="returns was made with similarity = pairs, and it is auto now"):
        versions.publish({"similarity": "auto"})
    assert versions.publish({"similarity": "pairs"})[1]


def test_going_back_puts_results_back_and_withdraws_what_was_newer(results: Results, versions: Versions) -> None:
    first = publish(results.folder, 1)
    make(results, "dendrograms", 2)
    second = publish(results.folder, 2)
    versions.rollback(versions.get(first))
    assert current(versions).id == first
    assert numbers(results) == {1}
    assert not results.table("dendrograms").exists()
    assert results.why_unusable("theta_by_year") == ""
    make(results, "dendrograms", 2)
    rebuild(results, 2)
    with pytest.raises(NotPublished, match=r"withdrawn at .* UTC: `compsim publish` publishes it all the same"):
        versions.publish({})
    assert current(versions).id == first
    third, new = versions.publish({}, again=True)
    assert new
    assert third.id not in (first, second)
    assert numbers(current(versions).results) == {2}
    rebuild(results, 1)
    assert versions.publish({})[1]


def test_a_version_is_named_by_the_beginning_of_its_name(results: Results, versions: Versions) -> None:
    first, second = publish(results.folder, 1), publish(results.folder, 2)
    assert versions.get(second).id == second
    assert versions.get(first[:-1]).id == first
    with pytest.raises(UnknownVersion, match=f"more than one version '{first[:2]}'; there are: {second}, {first}"):
        versions.get(first[:2])
    with pytest.raises(UnknownVersion, match="there is no version ''"):
        versions.get("")


def test_few_are_kept_but_what_is_read_and_what_is_pinned(results: Results, versions: Versions) -> None:
    names = [publish(results.folder, number) for number in range(1, 6)]
    versions.pin(versions.get(names[0]))
    versions.rollback(versions.get(names[1]))
    assert versions.prune(2, 100) == [names[2]]
    assert [version.id for version in versions.all()] == [names[4], names[3], names[1], names[0]]
    for version in versions.all():
        path = version.folder / "manifest.json"
        old = json.loads(path.read_text()) | {"made": "2020-01-01T00:00:00+00:00"}
        path.write_text(json.dumps(old))
    assert sorted(versions.prune(10, 100)) == names[3:]
    versions.pin(None)
    assert versions.prune(1, 100) == [names[0]]
    assert numbers(current(versions).results) == {2}


@pytest.mark.parametrize("problem", [errno.EPERM, errno.EXDEV])
def test_without_hard_links_files_are_copied(
    problem: int, results: Results, versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(problem, os.strerror(problem))

    monkeypatch.setattr(os, "link", refuse)
    publish(results.folder, 1)
    second = publish(results.folder, 2)
    assert not os.path.samefile(current(versions).folder / "returns.parquet", results.table("returns"))
    versions.rollback(versions.all()[1])
    assert numbers(current(versions).results) == numbers(results) == {1}
    assert list(versions.get(second).damaged()) == []


def test_a_full_disk_publishes_nothing(results: Results, versions: Versions, monkeypatch: pytest.MonkeyPatch) -> None:
    first = publish(results.folder, 1)
    rebuild(results, 2)

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", refuse)
        with pytest.raises(OSError, match="No space left"):
            versions.publish({})
    assert current(versions).id == first
    assert versions.publish({})[1]
    assert numbers(current(versions).results) == {2}
