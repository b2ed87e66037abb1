"""Features of earlier years by each vintage: a folder of shards per vintage, and which years each one reads.

The last vintage's are `sae_features`, so its folder is not among them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

from compsim_assets.storage.publish import link, sync_tree
from compsim_assets.storage.reading import DamagedResult
from compsim_assets.storage.results import Results, StaleResult, read_manifest, seal, verify_sealed
from compsim_assets.storage.shards import MANIFEST as SHARDS
from compsim_assets.storage.shards import FeatureShards

FOLDER, MANIFEST = "vintage_features", "vintages.json"
_STAGING = ".vintages"


@dataclass(frozen=True)
class VintageYears:
    """A vintage: the day of what it knows, its model and SAE; and the years that are judged with it, ascending."""

    knowledge: str
    model: str
    sae: str
    years: list[int]


class VintageFeatures:
    """Which vintage reads which years, and the features that the earlier ones give.

    Raises:
        FileNotFoundError: not materialized yet.
        DamagedResult: a file is empty, cut or missing.
    """

    def __init__(self, folder: Path) -> None:
        # A new version may be published meanwhile: the link is followed once, for all of one version.
        self.folder = folder.resolve()
        self.manifest = read_manifest(self.folder, MANIFEST)
        self.vintages = [VintageYears(**each) for each in self.manifest["vintages"]]

    @property
    def without(self) -> list[int]:
        """Years that are older than every vintage."""
        return [int(year) for year in self.manifest["without"]]

    def shards(self, newest: FeatureShards) -> Iterator[tuple[VintageYears | None, FeatureShards]]:
        """Each vintage and the features by it, all years up to its last one; without vintages those of one model.

        Args:
            newest: features by the last vintage.

        Raises:
            StaleResult: they are by another one.
        """
        if not self.vintages:
            yield None, newest
            return
        *earlier, last = self.vintages
        for vintage in earlier:
            yield vintage, FeatureShards(self.folder / vintage.knowledge, asset=FOLDER)
        if newest.manifest.get("knowledge") != last.knowledge:
            read = newest.manifest.get("knowledge") or "none"
            raise StaleResult(
                f"sae_features was read by the vintage {read}, and {FOLDER} expects {last.knowledge}: materialize "
                f"'sae_features' and '{FOLDER}' again"
            )
        yield last, newest


def write_vintages(folder: Path, vintages: list[VintageYears], without: list[int], note: str) -> None:
    """Write the manifest, last: the folders of all vintages but the last one are there."""
    described = {"vintages": [asdict(vintage) for vintage in vintages], "without": without, "note": note}
    digest = blake2b(json.dumps(described).encode(), digest_size=16)
    for vintage in vintages[:-1]:
        digest.update(read_manifest(folder / vintage.knowledge, SHARDS, FOLDER)["content"].encode())
    (folder / MANIFEST).write_text(json.dumps({**described, "content": digest.hexdigest()}, indent=2))


@dataclass(frozen=True)
class VintageStore:
    """Finished vintages: those of the published version, and those that a killed run left, each by its key.

    A key names everything that decides a vintage's bytes. What a run finishes lies beside the results until all are
    published.
    """

    results: Results

    def find(self, knowledge: str, key: str) -> Path | None:
        """The folder of a vintage that is whole and of this key."""
        for folder in (self.results.array_folder(FOLDER).resolve() / knowledge, self._staging / knowledge):
            if _is_whole(folder, key):
                return folder
        return None

    @staticmethod
    def take(folder: Path, target: Path) -> None:
        """Bring a finished vintage into another folder: the same files."""
        for path in sorted(folder.iterdir()):
            link(path, target / path.name)

    def keep(self, knowledge: str, make: Callable[[Path], None]) -> Path:
        """Make a vintage and keep it: `make` fills a folder, whose manifest says its key."""
        with self.results.scratch(f"vintage-{knowledge}") as scratch:
            aside = scratch / knowledge
            aside.mkdir()
            make(aside)
            _seal_shards(aside)
            sync_tree(aside)
            target = self._staging / knowledge
            self._staging.mkdir(exist_ok=True)
            if target.exists():
                target.rename(scratch / "replaced")
            aside.rename(target)
            sync_tree(self._staging)
        return target

    def clear(self) -> None:
        """Remove what lies beside the results: it is published, or of no use any more."""
        # In one step: a folder that a kill leaves half removed would be taken for a whole one.
        with self.results.scratch("vintages") as scratch:
            if self._staging.exists():
                self._staging.rename(scratch / "removed")

    @property
    def _staging(self) -> Path:
        return self.results.folder / _STAGING


def _seal_shards(folder: Path) -> None:
    """Checksums of a vintage's shards in their own manifest: whoever reads them asks there."""
    described = read_manifest(folder, SHARDS, FOLDER)
    assert "xxh3" not in described, "a linked manifest is never written to"
    seal(folder, SHARDS)


def _is_whole(folder: Path, key: str) -> bool:
    if not folder.is_dir():
        return False
    try:
        manifest = read_manifest(folder, SHARDS, FOLDER)
        for shard in folder.glob("part-*.arrow"):
            verify_sealed(shard, manifest, FOLDER)
        FeatureShards(folder, asset=FOLDER)
    except (FileNotFoundError, DamagedResult):
        return False
    return bool(manifest.get("key") == key)
