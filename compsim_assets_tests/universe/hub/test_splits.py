"""Files that count themselves are all there, or those that are missing are named."""

from pathlib import Path

import pytest

from compsim_assets.universe.hub.splits import check_complete
from compsim_assets.universe.layout import UniverseError


def test_numbered_files_that_are_missing_are_named(tmp_path: Path) -> None:
    shards = [f"train-{number:05}-of-00059.parquet" for number in range(59)]
    for shard in shards:
        (tmp_path / shard).touch()
    check_complete(shards, tmp_path)
    gone = [shards[number] for number in (3, *range(20, 27))]
    for shard in gone:
        (tmp_path / shard).unlink()
    with pytest.raises(UniverseError, match=r"8 of 59 files are missing: train-00003-of-00059.* and 3 more;"):
        check_complete([shard for shard in shards if shard not in gone], tmp_path)
