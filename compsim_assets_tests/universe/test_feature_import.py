"""An import of features goes file by file; what is finished is kept for the next try, whatever ended the first one."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.storage.results import Results
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.universe import feature_import
from compsim_assets.universe.feature_import import finish_import, import_features
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets_tests.universes import write_features

NONE = np.array([], dtype=np.int64)
KNOWN = np.arange(1, 7)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Three files of two reports each."""
    return [
        write_features(tmp_path, [2 * i + 1, 2 * i + 2], [[i, 1.0], [i, 2.0]], f"features/{i}.parquet")
        for i in range(3)
    ]


def run(
    folder: Path, out: str = "out", known: np.ndarray = KNOWN, without: np.ndarray = NONE
) -> tuple[FeatureShards, list[str]]:
    """Import into a new folder: what came, and the log."""
    found, log = Universe(folder).features(known, without), []
    assert found is not None
    (folder / out).mkdir()
    import_features(found, Results(folder / "data"), folder / out, {}, log.append)
    return FeatureShards(folder / out), log


def finish(folder: Path, known: np.ndarray = KNOWN, without: np.ndarray = NONE) -> None:
    found = Universe(folder).features(known, without)
    assert found is not None
    finish_import(found, Results(folder / "data"))


def staged(folder: Path) -> list[Path]:
    """Finished parts, of all versions."""
    return sorted((folder / "data" / ".imports").glob("*/[0-9]*"))


def broken(path: Path) -> Callable[[], None]:
    """Make a file one that cannot be decoded, size and time unchanged; gives the way back."""
    content, times = path.read_bytes(), (path.stat().st_atime_ns, path.stat().st_mtime_ns)

    def write(changed: bytes) -> None:
        path.write_bytes(changed)
        os.utime(path, ns=times)

    write(content[:4] + b"\xff" * 40 + content[44:])
    return lambda: write(content)


def test_finished_parts_are_used_again_and_their_files_are_not_read(tmp_path: Path, paths: list[Path]) -> None:
    mend = broken(paths[2])
    with pytest.raises(UniverseError, match=rf"^{paths[2]}: damaged \(.+\): get it again$"):
        run(tmp_path, "first")
    assert [part.name for part in staged(tmp_path)] == ["00000", "00001"]
    mend()
    broken(paths[0])
    broken(paths[1])
    shards, log = run(tmp_path)
    assert shards.report_id.tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(shards.columns(0, 1).ravel(), [0, 0, 1, 1, 2, 2])
    assert log == ["features: file 3 of 3, 2 reports; dropped none"]
    assert list((tmp_path / "data" / ".scratch").iterdir()) == []
    finish(tmp_path)
    assert not (tmp_path / "data" / ".imports").exists()
    assert FeatureShards(tmp_path / "out").report_id.tolist() == [1, 2, 3, 4, 5, 6]


def publish(folder: Path, known: np.ndarray = KNOWN, without: np.ndarray = NONE) -> None:
    """What `run` brought is now the published version."""
    results = Results(folder / "data")
    with results.new_folder(results.array_folder("sae_features")) as aside:
        shutil.copytree(folder / "out", aside, dirs_exist_ok=True)
    finish(folder, known, without)


def test_published_features_of_the_same_files_and_reports_are_kept_and_no_file_is_read(
    tmp_path: Path, paths: list[Path]
) -> None:
    run(tmp_path)
    publish(tmp_path)
    for path in paths:
        broken(path)
    shards, log = run(tmp_path, "again")
    assert log == ["features: the same files and reports as at the last import, which is kept"]
    first, again = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("out", "again"))
    assert first == again
    assert shards.shape == (6, 2)


@pytest.mark.parametrize("changed", [{"known": np.arange(1, 8)}, {"without": np.array([3])}])
def test_published_features_of_other_reports_are_not_kept(
    tmp_path: Path, paths: list[Path], changed: dict[str, Any]
) -> None:
    run(tmp_path)
    publish(tmp_path)
    shards, log = run(tmp_path, "again", **changed)
    assert len(log) == 3
    assert (3 in shards.report_id) == ("without" not in changed)


def test_an_import_in_two_tries_has_the_bytes_of_one_in_one_go(tmp_path: Path, paths: list[Path]) -> None:
    run(tmp_path, "whole")
    finish(tmp_path)
    mend = broken(paths[1])
    with pytest.raises(UniverseError, match="damaged"):
        run(tmp_path, "first")
    mend()
    run(tmp_path)
    whole, resumed = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("whole", "out")
    )
    assert resumed == whole


def change_file(folder: Path) -> dict[str, Any]:
    write_features(folder, [5, 6], [[7.0, 1.0], [7.0, 2.0]], "features/2.parquet")
    return {}


def add_file(folder: Path) -> dict[str, Any]:
    write_features(folder, [], [], "features/3.parquet")
    return {}


CHANGES = {
    "a file": change_file,
    "one more file": add_file,
    "another report": lambda folder: {"known": np.arange(1, 8)},
    "a report without a SIC code": lambda folder: {"without": np.array([3])},
}


@pytest.mark.parametrize("what", CHANGES)
def test_an_import_of_something_else_starts_anew_and_removes_the_old_parts(
    tmp_path: Path, paths: list[Path], what: str
) -> None:
    run(tmp_path, "first")
    old = staged(tmp_path)
    assert len(old) == 3
    changed = CHANGES[what](tmp_path)
    shards, log = run(tmp_path, **changed)
    assert not any(part.exists() for part in old)
    assert len(log) == len(staged(tmp_path)) == (4 if what == "one more file" else 3)
    wanted = [1, 2, 4, 5, 6] if "without" in changed else [1, 2, 3, 4, 5, 6]
    assert shards.report_id.tolist() == wanted
    assert shards.columns(0, 1)[-1, 0] == (7.0 if what == "a file" else 2.0)


def test_a_plan_without_parts_is_kept(tmp_path: Path, paths: list[Path]) -> None:
    """The number of latents is not found again: the first file may be gone from the cache by then."""
    broken(paths[1])
    with pytest.raises(UniverseError, match="damaged"):
        run(tmp_path, "first")
    (plan,) = (tmp_path / "data" / ".imports").glob("*/plan.json")
    plan.write_text('{"n_latents": 3}')
    with pytest.raises(UniverseError, match="damaged"):
        run(tmp_path, "again")
    assert plan.read_text() == '{"n_latents": 3}'


@pytest.mark.parametrize("removed_by", ["the end", "another import"])
def test_a_kill_while_parts_are_removed_leaves_none_that_is_taken_for_a_finished_one(
    tmp_path: Path, paths: list[Path], removed_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = run(tmp_path, "whole")

    def die(folder: Path, ignore_errors: bool = False) -> None:
        for path in folder.rglob("part-*.arrow"):
            path.unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", die)
        remove = {
            "the end": lambda: finish(tmp_path),
            "another import": lambda: run(tmp_path, "other", known=np.arange(1, 8)),
        }[removed_by]
        with pytest.raises(KeyboardInterrupt):
            remove()
    again, _ = run(tmp_path)
    assert again.report_id.tolist() == whole.report_id.tolist()
    assert staged(tmp_path) != []


def test_no_usable_row_at_all(tmp_path: Path, paths: list[Path]) -> None:
    said = r"^{}: no usable features, dropped {{'features without a report': 6, 'report without features': 2}}$"
    with pytest.raises(UniverseError, match=said.format(paths[0])):
        run(tmp_path, known=np.array([77, 78]))


def test_a_report_in_two_files_is_named_also_by_a_later_try(tmp_path: Path, paths: list[Path]) -> None:
    path = write_features(tmp_path, [9, 2], [[0.0, 1.0], [0.0, 2.0]], "features/3.parquet")
    for out in ("first", "second"):
        with pytest.raises(UniverseError, match=f"^{paths[0]} and {path}: {ID} 2 occurs twice"):
            run(tmp_path, out, known=np.arange(1, 10))
        assert list((tmp_path / out).iterdir()) == []


@pytest.mark.parametrize("linked", [True, False])
def test_parts_are_linked_or_copied_where_the_file_system_has_no_links(
    tmp_path: Path, paths: list[Path], linked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    if not linked:
        monkeypatch.setattr(feature_import.os, "link", refuse)
    shards, _ = run(tmp_path)
    assert shards.report_id.tolist() == [1, 2, 3, 4, 5, 6]
    links = {path.stat().st_nlink for path in (tmp_path / "out").glob("*.arrow")}
    assert links == ({2} if linked else {1})


@pytest.mark.parametrize(
    ("column", "values", "found", "expected"),
    [
        ("features", [1.0, 2.0], "double", "lists of floats"),
        ("features", [["1"], ["2"]], "list<(item|element): string>", "lists of floats"),
        (ID, [[1], [2]], "list<(item|element): int64>", "whole numbers"),
    ],
)
def test_a_column_of_another_type_is_named(
    tmp_path: Path, column: str, values: list, found: str, expected: str
) -> None:
    path = write_features(tmp_path, [1, 2], [[1.0], [2.0]])
    columns = {**pq.read_table(path).to_pydict(), column: values}
    pq.write_table(pa.table(columns), path)
    with pytest.raises(UniverseError, match=f"^{path}: column {column} has {found}, expected {expected}$"):
        run(tmp_path)
