"""Parquet files that carry their own checksum.

Parquet has checksums of pages. They do not cover page headers and the footer, which in a small table is most of the
file: one flipped bit there can give another column, type or value. So the footer's metadata has an entry for two
checksums, of the whole file and of the footer, each with that entry blank. Any reader opens such a file.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from compsim_assets.storage.reading import DamagedResult

KEY = b"compsim.seal"
BLANK = b"0" * 64
WHOLE_BYTES = 64 << 20  # larger files are checked by their footer and, as they are read, by their pages
_BLOCK = 16 << 20
_TAIL = 8  # the footer's length in 4 bytes, and PAR1
_BEFORE_VALUE = 2  # bytes that Thrift puts between a key and its value of 64 bytes


def seal_parquet(path: Path) -> None:
    """Fill in the checksums of a file whose schema metadata has `KEY: BLANK`."""
    with path.open("r+b") as file:
        footer, at = _footer(file)
        inside = footer.index(KEY) + len(KEY) + _BEFORE_VALUE
        if footer[inside : inside + len(BLANK)] != BLANK:
            raise ValueError(f"{path} is sealed, or its metadata has another form than was expected")
        value = (_of_file(file, at + inside) + _of_footer(footer, inside)).encode()
        file.seek(at + inside)
        file.write(value)


def verify_parquet(path: Path, asset: str) -> None:
    """Refuse a sealed file that holds another byte than was written; a file without a seal is taken as it is.

    Cost: a file of up to 64 MB is read once per process, of a larger one the footer.

    Raises:
        DamagedResult: names the file and what to materialize.
    """
    stat = path.stat()
    if not _is_whole(path, stat.st_ino, stat.st_mtime_ns, stat.st_size):
        raise DamagedResult.of(path, "is damaged: its checksum is not that of what was written", asset)


@lru_cache(maxsize=4096)
def _is_whole(path: Path, *_version: int) -> bool:
    with path.open("rb") as file:
        footer, at = _footer(file)
        key = footer.find(KEY)
        if key < 0:
            return True
        inside = key + len(KEY) + _BEFORE_VALUE
        value = footer[inside : inside + len(BLANK)].decode("latin-1")
        if value[32:] != _of_footer(footer, inside):
            return False
        return os.fstat(file.fileno()).st_size > WHOLE_BYTES or value[:32] == _of_file(file, at + inside)


def _footer(file: BinaryIO) -> tuple[bytes, int]:
    """The footer with what ends the file, and where it starts; empty for a file that is no Parquet."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _TAIL))
    tail = file.read()
    start = size - _TAIL - int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or start < 0:
        return b"", size
    file.seek(start)
    return file.read(), start


def _of_footer(footer: bytes, inside: int) -> str:
    from xxhash import xxh3_128

    return xxh3_128(footer[:inside] + BLANK + footer[inside + len(BLANK) :]).hexdigest()


def _of_file(file: BinaryIO, at: int) -> str:
    """Of all bytes, but for those of the entry itself."""
    from xxhash import xxh3_128

    digest = xxh3_128()
    file.seek(0)
    while (here := file.tell()) < at:
        digest.update(file.read(min(_BLOCK, at - here)))
    digest.update(BLANK)
    file.seek(at + len(BLANK))
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()
