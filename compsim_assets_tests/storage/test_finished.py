"""Finished parts of a step: found by what they were made of, whole or not at all, gone once they are published."""

from pathlib import Path

import numpy as np
import pytest

from compsim_assets.storage.finished import FinishedParts
from compsim_assets.storage.results import Results

ARRAYS = {"scores": np.arange(12, dtype=np.float32).reshape(4, 3), "theta": np.float64(-2.5), "year": np.int64(2003)}


def test_a_part_comes_back_as_it_was(results: Results) -> None:
    parts = FinishedParts(results, "walk_forward")
    assert parts.find("a") is None
    parts.keep("a", ARRAYS)
    again = parts.find("a")
    assert again is not None
    assert list(again) == list(ARRAYS)
    for name, values in ARRAYS.items():
        assert again[name].dtype == values.dtype
        assert again[name].tobytes() == values.tobytes()
    assert parts.find("b") is None
    assert FinishedParts(results, "other").find("a") is None


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_part_that_is_cut_was_never_finished(results: Results, share: float) -> None:
    parts = FinishedParts(results, "walk_forward")
    parts.keep("a", ARRAYS)
    (path,) = (results.folder / ".finished" / "walk_forward").iterdir()
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    assert parts.find("a") is None


def test_a_part_with_another_byte_was_never_finished(results: Results) -> None:
    parts = FinishedParts(results, "walk_forward")
    parts.keep("a", ARRAYS)
    (path,) = (results.folder / ".finished" / "walk_forward").iterdir()
    whole = path.read_bytes()
    place = whole.index(ARRAYS["scores"].tobytes())
    path.write_bytes(whole[:place] + b"\x07" + whole[place + 1 :])
    assert parts.find("a") is None


def test_nothing_stays_of_a_write_that_failed(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = FinishedParts(results, "walk_forward")

    def full(aside: Path, **arrays: np.ndarray) -> None:
        aside.write_bytes(b"PK\x03\x04")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="no space left"):
        parts.keep("a", ARRAYS)
    assert parts.find("a") is None
    assert not list((results.folder / ".finished" / "walk_forward").glob("*"))


def test_what_is_published_is_removed_of_this_step_alone(results: Results) -> None:
    parts, other = (FinishedParts(results, step) for step in ("walk_forward", "other"))
    for key in ("a", "b"):
        parts.keep(key, ARRAYS)
    other.keep("a", ARRAYS)
    parts.clear()
    parts.clear()
    assert parts.find("a") is parts.find("b") is None
    assert other.find("a") is not None
