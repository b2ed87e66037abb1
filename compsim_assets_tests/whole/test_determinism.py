"""The same inputs and settings give the same bytes, in a fresh data folder and a fresh history."""

import hashlib
import os
from pathlib import Path

import pytest

from compsim_assets_tests.runs import Rebuilt, tiny_sample

pytestmark = pytest.mark.waits(40)  # the longest of those that only compute


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every result file, by its path; links are followed, what is hidden is left out."""
    found = {}
    for root, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in [name for name in files if not name.startswith(".")]:
            path = Path(root) / name
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(folder))] = content
    return found


def test_two_rebuilds_have_the_same_bytes(rebuilt: Rebuilt, tmp_path: Path) -> None:
    """In this process, where the first rebuild had torchrun start one."""
    again = Rebuilt(tmp_path)
    with tiny_sample():
        again.rebuild()
    first, second = digests(rebuilt.results.folder), digests(again.results.folder)
    assert set(second) == set(first)
    assert [path for path in second if first[path] != second[path]] == []
    kinds = {Path(path).suffix for path in second}
    assert kinds == {".parquet", ".png", ".arrow", ".json", ".safetensors", ".txt", ".md", ".html", ".js", ".css", ""}
    assert len(second) > 70
