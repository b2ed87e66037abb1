"""Copies of a version elsewhere: a folder, or an object store by fsspec. What is there is whole once its manifest is.

Object stores know no renaming, and publish what was written before an error: so the manifest goes last, and all that is
there is read back and compared with it. Nothing is ever removed.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from compsim_assets.storage.checksums import BLOCK, checksum, checksum_of, checksum_of_open
from compsim_assets.storage.versions.version import MANIFEST, Version

_SAY_EVERY = 5.0  # seconds
# They have no folders to make, and asked for one some make a bucket.
_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "r2", "tos"}
_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID")


class ExportError(RuntimeError):
    """The copy is not whole; says why, without secrets."""


@dataclass
class Exported:
    """What was done.

    Attributes:
        where: the copy, for a person.
        files: of the version, and its manifest.
        sent: how many of them were not there yet.
        bytes: of all files.
    """

    where: str
    files: int = 0
    sent: int = 0
    bytes: int = 0


def export_version(version: Version, target: str, say: Callable[[str], object]) -> Exported:
    """Copy a version to `target/<its id>/`; what is there and right is not sent again.

    Cost: every file is read here once, and once from there.

    Args:
        target: a folder, or a URL that fsspec knows; credentials come from where its library looks for them.
        say: takes a line from time to time.

    Raises:
        ExportError: a file here is damaged, the target cannot be used, or holds something else than was sent.
    """
    if damaged := [line for _, line in version.damaged()]:
        raise ExportError(f"version {version.id} is damaged: {'; '.join(damaged)}")
    with _explained(target):
        fs, root = _opened(target)
        folder = f"{root.rstrip('/')}/{version.id}"
        exported = Exported(f"{_without_password(target).rstrip('/')}/{version.id}")
        files = [file for result in version.manifest["results"].values() for file in result["files"].items()]
        told = time.monotonic()
        for position, (path, file) in enumerate(sorted(files)):
            _put(fs, version.folder / path, f"{folder}/{path}", file["size"], file["xxh3"], exported)
            if time.monotonic() - told > _SAY_EVERY:
                told = time.monotonic()
                say(f"{position + 1:,} of {len(files):,} files")
        manifest = version.folder / MANIFEST
        size = manifest.stat().st_size
        _put(fs, manifest, f"{folder}/{MANIFEST}", size, checksum(manifest), exported)
    return exported


def _opened(target: str) -> tuple[Any, str]:
    """The file system of a target, which remembers nothing of what it saw, and the path in it."""
    from fsspec.core import url_to_fs

    if "://" not in target:
        target = str(Path(target).expanduser().absolute())
    fs, root = url_to_fs(target, skip_instance_cache=True, use_listings_cache=False)
    return fs, str(root)


def _put(fs: Any, here: Path, there: str, size: int, xxh3: str, exported: Exported) -> None:
    """Send a file, unless it is there; then make sure that it is."""
    if not _is_there(fs, there, size, xxh3):
        if not _OBJECT_STORES & set([fs.protocol] if isinstance(fs.protocol, str) else fs.protocol):
            fs.makedirs(there.rpartition("/")[0], exist_ok=True)
        fs.put_file(str(here), there)
        exported.sent += 1
        if not _is_there(fs, there, size, xxh3):
            raise ExportError(f"{there} does not hold what was sent: another program writes there, or its disk is full")
    exported.files += 1
    exported.bytes += size


def _is_there(fs: Any, path: str, size: int, xxh3: str) -> bool:
    """Whether a file is there with this content: it is read."""
    try:
        if fs.info(path)["size"] != size:
            return False
        if size == 0:
            return xxh3 == checksum_of(b"")
        with fs.open(path, "rb", block_size=BLOCK) as file:
            return checksum_of_open(file) == xxh3
    except FileNotFoundError:
        return False


@contextmanager
def _explained(target: str) -> Iterator[None]:
    """Turn whatever a file system's library raises into one message that says what to do."""
    shown = _without_password(target)
    try:
        yield
    except ExportError:
        raise
    except ImportError as problem:
        extra = ": pip install 'compsim-assets[s3]'" if target.startswith("s3") else f" ({problem})"
        raise ExportError(f"{shown} needs a library that is not installed{extra}") from None
    except Exception as problem:  # of libraries that each have errors of their own
        name, text = type(problem).__name__, _redacted(str(problem), target)
        if "Credential" in name or "Token" in name:
            text = f"{text}. For s3:// set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        raise ExportError(f"{shown}: {text or name}. Run the same command again: what is there is kept") from None


def _without_password(target: str) -> str:
    parts = urlsplit(target)
    return target.replace(f"{parts.netloc.rpartition('@')[0]}@", "", 1) if "@" in parts.netloc else target


def _redacted(text: str, target: str) -> str:
    """A message without secrets, whichever library wrote them into it."""
    secrets = [os.environ.get(name, "") for name in _SECRETS] + [urlsplit(target).password or ""]
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return " ".join(text.split())
