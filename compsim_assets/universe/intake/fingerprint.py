"""What a universe's files hold, as a short text: the same as long as nothing is changed that an asset may read.

Contents count, not times or the folder's own name. A file's hash is remembered by its size, times and inode, so that an
unchanged universe costs a look at each file. An asset counts every file of the folder, rather than too few; but for the
two that take long, which leave out what they surely do not read.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b, file_digest
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.storage.results import Results

if TYPE_CHECKING:
    from compsim_assets.settings import Settings

# What features and embeddings of reports are not made from, by the first letters of the name in the folder.
_BESIDE_REPORTS = ("prices", "factors", "F-F_", "published_", "cointegrated_pairs", "fuzz_scores", "pca.", "index_")
_NOT_READ = {"sae_features": _BESIDE_REPORTS, "embeddings": (*_BESIDE_REPORTS, "features", "pairs")}
# Of tables on the hub, those that they are made from.
_FROM_HUB = {"sae_features": ("reports", "features"), "embeddings": ("reports",)}
_REMEMBERED = ".inputs.json"


def fingerprint(settings: "Settings", asset: str) -> str:
    """What the files that an asset may read hold now; of data sets on the hub, which files their revision has now.

    Args:
        settings: which universe.
        asset: one that reads it.

    Raises:
        UniverseError: the hub cannot be asked, and nothing of it is here; files that say how texts are read are wrong.

    Cost: a look at each file; a new or changed one is read once.
    """
    digest = blake2b(digest_size=16)
    for part in _parts(settings, asset):
        digest.update(f"{part}\n".encode())
    return digest.hexdigest()


def _parts(settings: "Settings", asset: str) -> Iterator[str]:
    from compsim_assets.universe.opening import open_universe

    if settings.source == "sample":
        from compsim_assets.sample import GENERATOR_VERSION

        yield f"sample {GENERATOR_VERSION}"
        return
    universe = open_universe(settings)
    if settings.source == "huggingface":
        for name in _FROM_HUB.get(asset, ("reports", "features", "pairs")):
            if files := universe.table(name, refresh=True):
                yield f"{name} {files.version}"
        if not settings.universe:
            return
    hashes = _Hashes(Results.of(settings))
    skipped = _NOT_READ.get(asset, ())
    for path in _files(universe.folder):
        name = path.relative_to(universe.folder).as_posix()
        if not name.startswith(skipped or ("\0",)):
            yield f"{name} {hashes.of(path)}"
    if asset in _NOT_READ:
        yield from _models(universe.folder, hashes)
    hashes.remember()


def _models(folder: Path, hashes: "_Hashes") -> Iterator[str]:
    """What the language models and SAEs that the folder's settings name hold, where they are on this machine."""
    from compsim_assets.universe.encoders import encoders_of
    from compsim_assets.universe.extraction import ExtractionSettings

    places = {encoder.model for encoder in encoders_of(folder).settings}
    if (how := folder / "extraction.toml").exists():
        extraction = ExtractionSettings.from_toml(how)
        places |= {extraction.model, extraction.sae}
    for place in sorted(places):
        if place.startswith("package:"):
            with suppress(PackageNotFoundError):
                yield f"{place} {version(place.removeprefix('package:'))}"
        elif os.path.isabs(place):
            yield from (f"{path.relative_to(place)} {hashes.of(path)}" for path in _files(Path(place)))
        else:
            yield place


def _files(folder: Path) -> Iterator[Path]:
    """Files in a folder and below, but hidden ones; links are followed."""
    for root, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(names) if not name.startswith("."))


class _Hashes:
    """Hashes of files' contents, remembered beside the results."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self._path = results.folder / _REMEMBERED
        self._remembered: dict[str, list[Any]] = {}
        with suppress(OSError, ValueError):
            self._remembered = json.loads(self._path.read_text())
        self._new = False

    def of(self, path: Path) -> str:
        """The hash of a file's content."""
        stat = path.stat()
        identity = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        name = str(path.absolute())
        if self._remembered.get(name, [])[:-1] != identity:
            with path.open("rb") as file:
                content = file_digest(file, lambda: blake2b(digest_size=16)).hexdigest()
            self._remembered[name] = [*identity, content]
            self._new = True
        return str(self._remembered[name][-1])

    def remember(self) -> None:
        """Keep what was hashed anew for the next time."""
        if self._new:
            with self._results.new_file(self._path) as aside:
                aside.write_text(json.dumps(self._remembered))
