"""A flipped bit anywhere in a result is noticed by its reader, by verify, and goes when the result is made again."""

import os
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.contracts.clustering import FEATURES
from compsim_assets.storage.reading import DamagedResult
from compsim_assets.storage.results import Results, content_hash, read_table, seal
from compsim_assets.storage.shards import FeatureShards, write_feature_shards
from compsim_assets.storage.versions import Versions
from compsim_assets_tests.science.strategies import examples
from compsim_assets_tests.storage.versions.rebuilds import publish, rebuild


def flip(path: Path, where: int) -> None:
    """Change one bit in place: hard links of the file change with it."""
    content = bytearray(path.read_bytes())
    content[where % len(content)] ^= 1 << (where % 8)
    with path.open("r+b") as file:
        file.write(content)


@pytest.mark.parametrize(
    "file", ["returns.parquet", "pca/pca.safetensors", "pca/pca.json", "figures/theta_by_year.png"]
)
def test_a_version_knows_its_damaged_files(file: str, tmp_path: Path) -> None:
    publish(tmp_path, 1)
    version = Versions(Results(tmp_path)).current()
    assert version
    assert list(version.damaged()) == []
    flip(version.folder / file, 40)
    ((name, line),) = version.damaged()
    assert line == f"{version.folder / file} ({name}): another content than was published"
    with pytest.raises(DamagedResult, match=f"{Path(file).name} is damaged.*compsim materialize {name} --force"):
        version.require(name)
    (version.folder / file).unlink()
    assert [line.endswith(": is gone") for _, line in version.damaged()] == [True]
    with pytest.raises(DamagedResult, match="is gone"):
        version.require(name)


def test_what_is_made_again_takes_the_place_of_what_was_damaged_in_every_version(tmp_path: Path) -> None:
    results, versions = Results(tmp_path), Versions(Results(tmp_path))
    publish(tmp_path, 1)
    old = {path: path.stat().st_ino for path in versions.all()[0].folder.rglob("*.parquet")}
    publish(tmp_path, 2)
    publish(tmp_path, 1)  # another version of the same bytes as the first
    first, second, third = versions.all()[::-1]
    flip(first.folder / "returns.parquet", 99)
    flip(third.folder / "returns.parquet", 99)
    rebuild(results, 1)
    version, new = versions.publish({})
    assert (version.id, new) == (third.id, False)
    for each in (first, second, third):
        assert list(each.damaged()) == []
    assert os.path.samefile(first.folder / "returns.parquet", third.folder / "returns.parquet")
    assert (first.folder / "returns.parquet").stat().st_ino not in old.values()


@examples(60)
@given(where=st.integers(0, 10**6))
def test_no_flipped_bit_of_a_table_gives_other_values(where: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Refused, or read as it was written: a bit of the seal's own key says nothing."""
    results = Results(tmp_path_factory.mktemp("flipped"))
    path, table = results.table("returns"), pa.table({"number": np.arange(3000), "text": ["a", "b", "c"] * 1000})
    content = results.write_table(path, table)
    flip(path, where)
    refused: AbstractContextManager[object] = pytest.raises(DamagedResult, match=f"^{path} is (damaged|cut or damaged)")
    with suppress(DamagedResult):
        assert content_hash(read_table(path)) == content
        refused = nullcontext()
    with refused:
        read_table(path)


@pytest.fixture
def features(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).random((50, 20), dtype=np.float32)
    write_feature_shards(tmp_path, [(np.arange(50), values)], 20, {}, shard_bytes=20 * 4 * 25, batch_bytes=20 * 4 * 5)
    seal(tmp_path, "features.json")
    assert FEATURES.schema(20).names == ["report_id", "features"]
    return tmp_path


def test_a_shard_is_looked_at_when_it_is_used(features: Path) -> None:
    shards = sorted(features.glob("part-*.arrow"))
    assert len(shards) == 2
    flip(shards[1], shards[1].stat().st_size // 2)
    opened = FeatureShards(features)
    assert opened.rows(np.arange(25)).shape == (25, 20)
    for read in (lambda: list(opened.parts()), lambda: opened.columns(0, 3), lambda: opened.rows(np.array([30]))):
        with pytest.raises(
            DamagedResult, match=r"part-00001.arrow is damaged.*compsim materialize sae_features --force"
        ):
            read()


def test_a_manifest_with_another_number_is_refused(features: Path) -> None:
    path = features / "features.json"
    path.write_text(path.read_text().replace('"n_latents": 20', '"n_latents": 21'))
    with pytest.raises(DamagedResult, match=r"features.json is damaged"):
        FeatureShards(features)
