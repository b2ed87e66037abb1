"""One version: a folder of results that never changes, and what its manifest says of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from compsim_assets.storage.checksums import checksum, verify
from compsim_assets.storage.reading import DamagedResult, reading
from compsim_assets.storage.results import Results

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Version:
    """A whole set of results.

    Attributes:
        folder: where it lies.
    """

    folder: Path

    @property
    def id(self) -> str:
        """Its name: when it was made, in UTC, and the beginning of what it holds; later ones sort last."""
        return self.folder.name

    @property
    def results(self) -> Results:
        """Its results, to be read as those of any results folder."""
        return Results(self.folder)

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """id, made, run, digest, settings, compsim, and results: by name content, rows, files (size, xxh3), note.

        Raises:
            DamagedResult: it cannot be read.
        """
        path = self.folder / MANIFEST
        with reading(path, "version"):
            described: dict[str, Any] = json.loads(path.read_text())
            if described["id"] != self.id:
                raise KeyError("id")
        return described

    @property
    def made(self) -> datetime:
        """When it was made, in UTC."""
        return datetime.fromisoformat(self.manifest["made"])

    @property
    def size(self) -> int:
        """Bytes of all files; those that other versions hold too are on the disk once."""
        return sum(file["size"] for _, file in self._files())

    def _files(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for result in self.manifest["results"].values():
            yield from result["files"].items()

    def require(self, name: str) -> None:
        """Refuse a result whose bytes are not those that were published.

        Cost: its files are read once, at the speed of memory where they are in the file cache.

        Raises:
            FileNotFoundError: this version has no such result.
            DamagedResult: names the file.
        """
        if name not in self.manifest["results"]:
            raise FileNotFoundError(f"version {self.id} has no {name}: materialize '{name.partition('/')[0]}' first")
        for path, file in self.manifest["results"][name]["files"].items():
            try:
                verify(self.folder / path, file["xxh3"], name.partition("/")[0])
            except FileNotFoundError:
                raise DamagedResult.of(self.folder / path, "is gone", name.partition("/")[0]) from None

    def damaged(self) -> Iterator[tuple[str, str]]:
        """Each file that does not hold what was published: its result, and a line for a person."""
        for name, result in self.manifest["results"].items():
            for path, file in result["files"].items():
                if problem := _problem(self.folder / path, file):
                    yield name, f"{self.folder / path} ({name}): {problem}"


def _problem(path: Path, file: Mapping[str, Any]) -> str:
    try:
        size = path.stat().st_size
        if size != file["size"]:
            return f"{size:,} bytes, published were {file['size']:,}"
        return "" if checksum(path) == file["xxh3"] else "another content than was published"
    except FileNotFoundError:
        return "is gone"
    except OSError as problem:
        return f"cannot be read ({problem.strerror})"
