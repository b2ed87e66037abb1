"""Checksums of files: what is read is what was written. xxh3 is as fast as memory; it guards against accidents."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from compsim_assets.storage.reading import DamagedResult

BLOCK = 16 << 20


def checksum(path: Path) -> str:
    """128 bits of a file's bytes, in hexadecimal. Memory for one block."""
    with path.open("rb", buffering=0) as file:
        return checksum_of_open(file)


def checksum_of_open(file: Any) -> str:
    """The same of what is left to read of an open binary file, wherever it lies; it needs `readinto`."""
    from xxhash import xxh3_128

    digest, block = xxh3_128(), bytearray(BLOCK)
    view = memoryview(block)
    while size := file.readinto(block):
        digest.update(view[:size])
    return digest.hexdigest()


def checksum_of(content: bytes) -> str:
    """The same of what is in memory."""
    from xxhash import xxh3_128

    return xxh3_128(content).hexdigest()


def verify(path: Path, expected: str, asset: str) -> None:
    """Refuse a file that does not hold what was written. A file that stays as it is is read once per process.

    Raises:
        FileNotFoundError: it is gone.
        DamagedResult: another byte than was written; names the file and what to materialize.
    """
    stat = path.stat()
    if _checked(path, stat.st_ino, stat.st_mtime_ns, stat.st_size) != expected:
        raise DamagedResult.of(path, "is damaged: its checksum is not that of what was written", asset)


@lru_cache(maxsize=4096)
def _checked(path: Path, *_version: int) -> str:
    return checksum(path)
