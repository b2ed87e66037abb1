"""Publication: a file or a folder takes the place of the last version in one step, or not at all."""

import os
from pathlib import Path
from socket import gethostname

import numpy as np
import pytest

from compsim_assets.storage import publish as module
from compsim_assets.storage.results import Results
from compsim_assets.storage.shards import FeatureShards, write_feature_shards


def test_an_error_while_writing_leaves_the_previous_version(results: Results) -> None:
    path, folder = results.figure("curve"), results.array_folder("pca")
    with results.new_file(path) as aside:
        aside.write_text("old")
    with results.new_folder(folder) as made:
        (made / "a").write_text("old")

    def write_until_full(made: Path) -> None:
        made.write_text("new")
        raise OSError("full")

    with pytest.raises(OSError, match="full"), results.new_file(path) as aside:
        write_until_full(aside)
    with pytest.raises(OSError, match="full"), results.new_folder(folder) as made:
        write_until_full(made / "a")
    assert path.read_text() == "old"
    assert (folder / "a").read_text() == "old"
    assert list((results.folder / ".scratch").iterdir()) == []
    assert len(list((results.folder / ".versions").iterdir())) == 1


def test_a_file_that_was_not_written_is_not_published(results: Results) -> None:
    with pytest.raises(FileNotFoundError), results.new_file(results.figure("curve")):
        pass
    assert not results.figure("curve").exists()


def test_folders_of_other_assets_stay(results: Results) -> None:
    for name in ("pca", "pca_old", "old-pca", "sae_features"):
        with results.new_folder(results.array_folder(name)) as made:
            (made / "name").write_text(name)
    with results.new_folder(results.array_folder("pca")) as made:
        (made / "name").write_text("again")
    read = {p.name: (p / "name").read_text() for p in results.folder.iterdir() if p.is_symlink()}
    assert read == {"pca": "again", "pca_old": "pca_old", "old-pca": "old-pca", "sae_features": "sae_features"}
    assert len(list((results.folder / ".versions").iterdir())) == 4


def test_the_data_folder_can_be_moved(results: Results, tmp_path: Path) -> None:
    with results.new_folder(results.array_folder("pca")) as made:
        (made / "a").write_text("here")
    moved = results.folder.rename(tmp_path / "elsewhere")
    assert (moved / "pca" / "a").read_text() == "here"


def test_a_folder_that_was_copied_without_its_link_is_replaced(results: Results) -> None:
    path = results.array_folder("pca")
    path.mkdir(parents=True)
    (path / "a").write_text("copied")
    with results.new_folder(path) as made:
        (made / "a").write_text("new")
    assert (path / "a").read_text() == "new"
    assert list((results.folder / ".scratch").iterdir()) == []


def test_a_reader_keeps_the_version_it_has_mapped(results: Results) -> None:
    path = results.array_folder("sae_features")

    def publish(value: float) -> None:
        with results.new_folder(path) as made:
            block = (np.arange(3), np.full((3, 4), value, np.float32))
            write_feature_shards(made, [block], 4, {})

    publish(1.0)
    shards = FeatureShards(path)
    publish(2.0)
    assert (shards.columns(0, 4) == 1.0).all()
    assert (FeatureShards(path).columns(0, 4) == 2.0).all()


@pytest.mark.parametrize(
    ("name", "stays"),
    [
        (f"999999999@{gethostname()}-clusters-abc", False),
        ("999999999@another.host-clusters-abc", True),
        (f"{os.getpid()}@{gethostname()}-clusters-abc", True),
        ("somebody's notes", True),
    ],
    ids=["dead", "another host", "alive", "not ours"],
)
def test_only_scratch_of_dead_processes_of_this_host_goes(results: Results, name: str, stays: bool) -> None:
    left = results.folder / ".scratch" / name
    (left / "deep").mkdir(parents=True)
    with results.scratch("ours"):
        assert left.exists() is stays


def test_scratch_of_another_users_process_stays(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(pid: int, number: int) -> None:
        raise PermissionError

    left = results.folder / ".scratch" / f"1@{gethostname()}-clusters-abc"
    left.mkdir(parents=True)
    monkeypatch.setattr(module.os, "kill", refused)
    with results.scratch("ours"):
        assert left.exists()
