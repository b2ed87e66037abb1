"""Pieces of pickles put together by hand, and how a refusal is seen."""

from pathlib import Path

import pytest

from compsim_assets.universe.layout import UniverseError
from compsim_assets.universe.published.pickles import load_pickle


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def name(module: str, member: str) -> bytes:
    return text(module) + text(member) + b"\x93"


ARRAY = name("numpy._core.multiarray", "_reconstruct")
DTYPE = name("numpy", "dtype")
NDARRAY = name("numpy", "ndarray")


def refused(path: Path, data: bytes | None = None) -> str:
    """The message with which a file, of these bytes where they are given, is refused."""
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UniverseError) as caught:
        load_pickle(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message
