"""The versions of a results folder: publishing the next, going back to an earlier one, keeping some."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from compsim_assets.contracts import TABLES
from compsim_assets.storage.publish import link, sync
from compsim_assets.storage.results import MANIFESTS, Results
from compsim_assets.storage.versions.parts import PUBLISHED, describe, digest_of, parts, same
from compsim_assets.storage.versions.restore import restore
from compsim_assets.storage.versions.version import MANIFEST, Version


class NotPublished(ValueError):
    """The results as they are now are no version; says why."""


class UnknownVersion(ValueError):
    """There is no version of that name."""


@dataclass(frozen=True)
class Versions:
    """All versions of one results folder."""

    results: Results

    @property
    def root(self) -> Path:
        """Where they lie."""
        return self.results.folder / f".{PUBLISHED}"

    @property
    def link(self) -> Path:
        """The link to the one that readers see."""
        return self.results.folder / PUBLISHED

    def current(self) -> Version | None:
        """The version that readers see; None where nothing was published yet."""
        return self._of(self.link)

    def pinned(self) -> Version | None:
        """The version that every rebuild is compared with and that is never removed."""
        return self._of(self.root / "pinned")

    def _of(self, link: Path) -> Version | None:
        try:
            folder = self.root / Path(os.readlink(link)).name
        except OSError:
            return None
        return Version(folder) if (folder / MANIFEST).is_file() else None

    def all(self) -> list[Version]:
        """Every version, the newest first."""
        folders = self.root.iterdir() if self.root.is_dir() else ()
        whole = (folder for folder in folders if not folder.is_symlink() and (folder / MANIFEST).is_file())
        return [Version(folder) for folder in sorted(whole, reverse=True) if not folder.name.startswith(".")]

    def get(self, name: str) -> Version:
        """A version by its name, or by a beginning of it that no other has.

        Raises:
            UnknownVersion: there is none, or several; names those that there are.
        """
        every = self.all()
        fitting = [version for version in every if version.id.startswith(name)] if name else []
        if len(fitting) != 1:
            there = ", ".join(version.id for version in fitting or every) or "none"
            raise UnknownVersion(
                f"there is {'more than one' if fitting else 'no'} version {name!r}; there are: {there}"
            )
        return fitting[0]

    def publish(self, settings: Mapping[str, Any], run: str = "", again: bool = False) -> tuple[Version, bool]:
        """Let readers see the results as they are now.

        Args:
            settings: the present ones: all results must be made with them.
            run: the run that made the results.
            again: publish also what was withdrawn by going back to an earlier version.

        Returns:
            The version that readers see now, and whether it is new: the same bytes are not published twice.

        Raises:
            NotPublished: something was made from other results than those that are here, or is missing, or was
                withdrawn.

        Cost: a hard link per file, and what is new is read once for its checksum.
        """
        with self._alone():
            last = self.current()
            with self.results.scratch("version") as scratch:
                aside = scratch / "version"
                aside.mkdir()
                described = self._collected(aside, settings, last)
                digest = digest_of(described)
                if last and digest == last.manifest["digest"]:
                    self._mend(aside, described)
                    return last, False
                if not again and (when := self._withdrawn().get(digest)):
                    raise NotPublished(f"the same was withdrawn at {when}: `compsim publish` publishes it all the same")
                made = datetime.now(UTC)
                name = f"{made:%Y%m%dT%H%M%S}{made.microsecond // 1000:03d}Z-{digest[:8]}"
                manifest = {
                    "id": name, "made": made.isoformat(), "run": run, "digest": digest, "settings": dict(settings),
                    "compsim": installed("compsim-assets"), "results": described,
                }  # fmt: skip
                (aside / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))
                sync(aside / MANIFEST)
                os.rename(aside, self.root / name)
                sync(self.root)
            self._point(self.link, Version(self.root / name))
            self._forgive(digest)
            return Version(self.root / name), True

    def _collected(self, aside: Path, settings: Mapping[str, Any], last: Version | None) -> dict[str, Any]:
        """Link all results into a folder; returns what the manifest says of them."""
        files = parts(self.results)
        for name, paths in files.items():
            for path in paths:
                link(self.results.folder / path, aside / path)
            if (note := self.results.note_path(name)).is_file():
                link(note, aside / note.relative_to(self.results.folder))
        # From here on of the links alone: another run may replace what they were made of.
        copy, before = Results(aside), last.manifest["results"] if last else {}
        self._refuse(copy, files, settings, before)
        return {
            name: describe(copy, name, paths, before.get(name, {}), last.folder if last else None)
            for name, paths in files.items()
        }

    def _refuse(self, copy: Results, files: Mapping[str, Any], settings: Mapping[str, Any], before: Any) -> None:
        """No version has results that do not fit each other, or lacks what the last one has."""
        if not files:
            raise NotPublished("there are no results yet: `compsim materialize` makes them")
        lineage = copy.lineage(settings)
        stale = {name: why for name in files if copy.content(name) and (why := lineage.why_unusable(name))}
        # Otherwise an asset that the platform does not make any more would be waited for for good.
        gone = [name for name in before if name not in files and _made_still(name)]
        if stale or gone:
            reasons = [f"{name} was {why}" for name, why in stale.items()] + [f"{name} is missing" for name in gone]
            more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
            raise NotPublished(f"{reasons[0]}{more}: `compsim materialize` makes what is out of date")

    def _mend(self, aside: Path, described: Mapping[str, Any]) -> None:
        """What was made again with the same bytes takes the place of what may have been damaged, in every version."""
        for version in self.all():
            for name, result in version.manifest["results"].items():
                now = described.get(name, {}).get("files", {})
                for path, file in result["files"].items():
                    if now.get(path) == file and not same(aside / path, version.folder / path):
                        link(aside / path, aside / "again")
                        os.replace(aside / "again", version.folder / path)

    def rollback(self, version: Version) -> None:
        """Let readers see an earlier version, and put its results back; what was newer is withdrawn.

        Killed in the middle, readers see that version, and the same call completes the results.
        """
        with self._alone():
            newer = {each.manifest["digest"] for each in self.all() if each.id > version.id}
            when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
            withdrawn = self._withdrawn() | dict.fromkeys(newer, when)
            withdrawn.pop(version.manifest["digest"], None)
            self._write(withdrawn)
            self._point(self.link, version)
            restore(self.results, version, parts(self.results))

    def pin(self, version: Version | None) -> None:
        """Keep a version for good and compare every rebuild with it; None: none."""
        with self._alone():
            if version is None:
                (self.root / "pinned").unlink(missing_ok=True)
            else:
                self._point(self.root / "pinned", version)

    def prune(self, most: int, days: int) -> list[str]:
        """Remove what is beyond the newest `most` or older than `days`; returns the names.

        What readers see, and what is pinned, stays.
        """
        with self._alone():
            every = self.all()
            here = {version.id for version in (self.current(), self.pinned()) if version}
            oldest = datetime.now(UTC) - timedelta(days=days)
            gone = [v for i, v in enumerate(every) if (i >= most or v.made < oldest) and v.id not in here]
            for version in gone:
                with self.results.scratch("gone") as scratch:
                    os.rename(version.folder, scratch / "gone")  # no reader opens half of it
            return [version.id for version in gone]

    def _point(self, link: Path, version: Version) -> None:
        with self.results.scratch(link.name) as scratch:
            (scratch / "link").symlink_to(os.path.relpath(version.folder, link.parent), target_is_directory=True)
            os.replace(scratch / "link", link)
        sync(link.parent)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time changes the versions."""
        from filelock import FileLock

        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / ".lock"):
            yield

    def _withdrawn(self) -> dict[str, str]:
        """When what was withdrawn, by its digest."""
        try:
            return dict(json.loads((self.root / "withdrawn.json").read_text()))
        except (OSError, ValueError):
            return {}

    def _write(self, withdrawn: Mapping[str, str]) -> None:
        with self.results.new_file(self.root / "withdrawn.json") as aside:
            aside.write_text(json.dumps(withdrawn, indent=1, sort_keys=True))

    def _forgive(self, digest: str) -> None:
        withdrawn = self._withdrawn()
        if withdrawn.pop(digest, None):
            self._write(withdrawn)


def _made_still(name: str) -> bool:
    """Whether the platform makes a table or array of this name."""
    asset = name.partition("/")[0]
    return asset in TABLES or asset in MANIFESTS
