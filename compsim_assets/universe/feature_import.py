"""Import of a universe's features, one file at a time: a killed import goes on with the first unfinished file."""

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from compsim_assets.storage.publish import link, sync_tree
from compsim_assets.storage.reading import DamagedResult
from compsim_assets.storage.results import Results, read_manifest, verify_sealed
from compsim_assets.storage.shards import MANIFEST, write_feature_shards
from compsim_assets.universe.feature_files import FeatureImport
from compsim_assets.universe.layout import ID, UniverseError

_PLAN = "plan.json"
# Change it when the same files would give other bytes.
_FORMAT = "2"


@dataclass(frozen=True)
class ImportedFeatures:
    """What an import brought: reports with features, latents, rows left out by reason, and a hash of the content."""

    n_reports: int
    n_latents: int
    dropped: Counter[str]
    content: str


def import_features(
    source: FeatureImport, results: Results, folder: Path, manifest: dict[str, Any], log: Callable[[str], None]
) -> ImportedFeatures:
    """Bring all files' usable rows into `folder` as feature shards, in the files' order.

    Each file becomes a finished part in a staging folder beside the results. A later call with the same files and
    reports takes the finished parts as they are and does not fetch their files again; the parts of other versions are
    removed. `finish_import` removes the staging folder once the result is published. Where the features published last
    were imported from the same files for the same reports, they are taken and no file is fetched at all.

    Raises:
        UniverseError: no usable row, a report whose features occur twice, a file that cannot be read.

    Memory: one batch of rows and the report ids. Disk: the features once (parts are linked, not copied), and one source
    file.
    """
    key = _key(source)
    if (published := _published(results, key, log)) is not None:
        log("features: the same files and reports as at the last import, which is kept")
        return _take(published, folder, manifest)
    staging = _staging(key, results)
    n_latents = _planned_length(source, staging, results)
    parts = [staging / f"{number:05d}" for number in range(len(source.files))]
    for number, part in enumerate(parts):
        if not part.exists():
            _make_part(source, results, number, n_latents, part)
            described = _manifest(part)
            log(
                f"features: file {number + 1} of {len(parts)}, {described['n_reports']:,} reports; "
                f"dropped {described['dropped'] or 'none'}"
            )
        source.files.release(number)
    manifests = [_manifest(part) for part in parts]
    dropped = sum((Counter(described["dropped"]) for described in manifests), Counter())
    seen = _check_ids(source, parts)
    if missing := len(source.eligible - seen):
        dropped["report without features"] = missing
    if not seen:
        raise UniverseError(f"{source.files.names[0]}: no usable features, dropped {dict(dropped)}")
    content = blake2b("".join(m["content"] for m in manifests).encode(), digest_size=16).hexdigest()
    for number, part in enumerate(parts):
        for shard in sorted(part.glob("part-*.arrow")):
            link(shard, folder / f"part-{number:05d}-{shard.stem.removeprefix('part-')}.arrow")
    made = ImportedFeatures(len(seen), n_latents, dropped, content)
    (folder / MANIFEST).write_text(json.dumps({**manifest, **vars(made)}, indent=2))
    return made


def finish_import(source: FeatureImport, results: Results) -> None:
    """Note which import the published features are from, and remove its parts."""
    published = results.array_folder("sae_features").resolve().name
    with results.new_file(_note(results)) as aside:
        aside.write_text(json.dumps({"import": _key(source), "published": published}))
    _remove(_root(results), results)


def _manifest(folder: Path) -> dict[str, Any]:
    return read_manifest(folder, MANIFEST)


def _root(results: Results) -> Path:
    return results.folder / ".imports"


def _note(results: Results) -> Path:
    # Beside the results and not in them: it knows the times of files, and results depend on content alone.
    return results.folder / ".imported" / "features.json"


def _published(results: Results, key: str, log: Callable[[str], None]) -> Path | None:
    """The features published last, where they were imported under the same key and hold what was written."""
    folder = results.array_folder("sae_features").resolve()
    if not _note(results).exists() or not folder.exists():
        return None
    noted = json.loads(_note(results).read_text())
    if noted != {"import": key, "published": folder.name}:
        return None
    try:
        manifest = _manifest(folder)
        for shard in folder.glob("part-*.arrow"):
            verify_sealed(shard, manifest, "sae_features")
    except DamagedResult as problem:
        log(f"features: imported again, for {problem}")
        return None
    return folder


def _take(published: Path, folder: Path, manifest: dict[str, Any]) -> ImportedFeatures:
    """Bring published features into another folder, with a manifest of their own."""
    for shard in sorted(published.glob("part-*.arrow")):
        link(shard, folder / shard.name)
    described = {**_manifest(published), **manifest}
    (folder / MANIFEST).write_text(json.dumps(described, indent=2))
    fields = (field.name for field in dataclasses.fields(ImportedFeatures))
    made = ImportedFeatures(**{name: described[name] for name in fields})
    return dataclasses.replace(made, dropped=Counter(made.dropped))


def _key(source: FeatureImport) -> str:
    """A name for everything that decides an import's bytes."""
    digest = blake2b(_FORMAT.encode(), digest_size=16)
    for text in (source.files.version, *source.files.names, sorted(source.files.spelling.given.items())):
        digest.update(repr(text).encode())
    for ids in (source.report_ids, source.without_sic_code, source.without_text):
        digest.update(repr(sorted(ids)).encode())
    return digest.hexdigest()


def _staging(key: str, results: Results) -> Path:
    """The folder of this import's parts; those of other imports are removed."""
    staging = _root(results) / key
    staging.mkdir(parents=True, exist_ok=True)
    for other in _root(results).iterdir():
        if other != staging:
            _remove(other, results)
    return staging


def _remove(folder: Path, results: Results) -> None:
    """In one step: a part that a kill leaves half removed would be taken for a finished one."""
    with results.scratch("imports") as scratch, suppress(FileNotFoundError):
        os.rename(folder, scratch / "removed")


def _planned_length(source: FeatureImport, staging: Path, results: Results) -> int:
    """The number of latents, found once: a later try may have no first file any more."""
    plan = staging / _PLAN
    if not plan.exists():
        n_latents = source.usual_length()
        with results.new_file(plan) as aside:
            aside.write_text(json.dumps({"n_latents": n_latents}))
    return int(json.loads(plan.read_text())["n_latents"])


def _make_part(source: FeatureImport, results: Results, number: int, n_latents: int, part: Path) -> None:
    dropped: Counter[str] = Counter()
    described = {"dropped": dropped, "file": source.files.names[number]}
    with results.scratch("features") as scratch:
        aside = scratch / "part"
        aside.mkdir()
        # The counter is written after the last block: what it holds then is the file's own.
        write_feature_shards(aside, source.blocks(number, n_latents, dropped), n_latents, described)
        sync_tree(aside)
        os.rename(aside, part)
        sync_tree(part.parent)


def _check_ids(source: FeatureImport, parts: list[Path]) -> set[int]:
    """All reports with features.

    Raises:
        UniverseError: a report that occurs twice; names the files.
    """
    from compsim_assets.storage.shards import FeatureShards

    seen: dict[int, int] = {}
    for number, part in enumerate(parts):
        for report in FeatureShards(part).report_id.tolist():
            if report in seen:
                names = " and ".join(sorted({source.files.names[seen[report]], source.files.names[number]}))
                raise UniverseError(f"{names}: {ID} {report} occurs twice, expected one row of features per report")
            seen[report] = number
    return set(seen)
