"""The folder as a result: published in one step, part of a version, put back whole; damage in its data is noticed."""

from pathlib import Path

import pytest

from compsim_assets.explore.page.build import DATA, MANIFEST, write_page
from compsim_assets.storage.lineage import Note
from compsim_assets.storage.results import Results, seal
from compsim_assets.storage.versions import Versions
from compsim_assets_tests.explore.page.generated import generated

NAME = "explorer"


def make(results: Results, seed: int) -> str:
    """Publish a page of generated tables, as the IO manager does; its content."""
    with results.new_folder(results.array_folder(NAME)) as aside:
        write_page(aside, generated(companies=12, years=2, latents=20, seed=seed))
        content = seal(aside, MANIFEST)
        results.write_note(NAME, content, Note())
    results.forget_notes(NAME, content)
    return content


def files(folder: Path) -> dict[str, bytes]:
    """Every file below, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "sample")


def test_a_page_is_a_result_with_its_content(results: Results) -> None:
    content = make(results, 0)
    assert results.content(NAME) == content
    assert make(results, 0) == content
    assert make(results, 1) != content


def test_a_version_holds_the_page_and_gives_it_back_whole(results: Results) -> None:
    make(results, 0)
    first = files(results.array_folder(NAME))
    versions = Versions(results)
    versions.publish({})
    version = versions.current()
    assert version
    assert f"{NAME}/{DATA}/main.js" in version.manifest["results"][NAME]["files"]
    make(results, 1)
    assert files(results.array_folder(NAME)) != first
    versions.rollback(version)
    assert files(results.array_folder(NAME)) == first
    assert files(version.results.array_folder(NAME)) == first


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_damaged_part_of_the_data_is_no_result(results: Results, harm: str) -> None:
    make(results, 0)
    part = results.array_folder(NAME).resolve() / DATA / "year-2001.js"
    if harm == "cut":
        part.write_bytes(part.read_bytes()[:-9])
    else:
        part.unlink()
    assert results.content(NAME) == ""


def test_another_byte_in_a_version_is_noticed(results: Results) -> None:
    make(results, 0)
    versions = Versions(results)
    versions.publish({})
    version = versions.current()
    assert version
    assert list(version.damaged()) == []
    path = version.folder / NAME / DATA / "year-2001.js"
    other = path.read_bytes().replace(b"0", b"1", 1)
    path.unlink()
    path.write_bytes(other)
    assert any("year-2001.js" in str(each) for each in version.damaged())
