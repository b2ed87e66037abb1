"""The results folder: paths by contract, what a result holds, what it was made from, and reading back."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.storage.checksums import checksum, checksum_of, verify
from compsim_assets.storage.lineage import Lineage, Note, Notes, StaleResult
from compsim_assets.storage.publish import PublishedFolder
from compsim_assets.storage.reading import DamagedResult, reading
from compsim_assets.storage.sealed import BLANK, KEY, seal_parquet, verify_parquet

if TYPE_CHECKING:
    import pyarrow as pa

    from compsim_assets.settings import Settings

__all__ = ["Results", "StaleResult", "content_hash", "read_manifest", "read_table", "stamps"]

_CONTENT = b"compsim.content"
_GROUP_BYTES = 16 << 20  # of a row group: who asks for a few rows of a large table reads little more
_SEAL = "seal"  # of a manifest: the checksum of what else it says
# Manifests of the large arrays and models, which hold the hash of their content.
MANIFESTS = {
    "sae_features": "features.json", "embeddings": "embeddings.json", "pca": "pca.json", "explorer": "explorer.json",
    "control_features": "control_features.json", "control_scores": "control_scores.json",
    "sparse_autoencoder": "sparse_autoencoder.json", "vintage_features": "vintages.json",
}  # fmt: skip


@dataclass(frozen=True)
class Results(PublishedFolder):
    """`$COMPSIM_DATA/<source>/`: a file per table, a folder per large array, always the last complete version."""

    @classmethod
    def of(cls, settings: "Settings") -> "Results":
        """The results folder of the configured source."""
        return cls(Path(settings.data).expanduser() / settings.source)

    def table(self, asset: str, mode: str | None = None) -> Path:
        """Path of a table: `<asset>.parquet` or `<asset>/<mode>.parquet`."""
        return self.folder / asset / f"{mode}.parquet" if mode else self.folder / f"{asset}.parquet"

    def figure(self, asset: str, mode: str | None = None) -> Path:
        """Path of a figure: `figures/<asset>.png` or `figures/<mode>/<asset>.png`."""
        return self.folder / "figures" / (mode or "") / f"{asset}.png"

    def array_folder(self, asset: str) -> Path:
        """Folder of a large array or model."""
        return self.folder / asset

    def modes_of(self, asset: str) -> list[str]:
        """Cutoff modes of which a table exists."""
        return [m for m in CUTOFF_MODES if self.table(asset, m).exists()]

    def content(self, name: str) -> str:
        """Hash of what a result holds now; empty where there is none, or none that can be read."""
        asset, _, mode = name.partition("/")
        if asset in MANIFESTS:
            return _content_of_folder(self.array_folder(asset), MANIFESTS[asset])
        table, figure = self.table(asset, mode or None), self.figure(asset, mode or None)
        return _content_of_file(table) or _content_of_file(figure)

    def note(self, name: str) -> Note | None:
        """What a result was made from; None where there is no result, or one that left no note."""
        content = self.content(name)
        return Notes(self.folder).read(name, content) if content else None

    def note_path(self, name: str) -> Path:
        """Where the note of a result lies, if it has one."""
        return Notes(self.folder).path(name, self.content(name))

    def write_note(self, name: str, content: str, note: Note) -> None:
        """Leave the note of a result with this content: before it is published."""
        notes = Notes(self.folder)
        with self.new_file(notes.path(name, content)) as aside:
            aside.write_text(Notes.text(note))

    def forget_notes(self, name: str, content: str) -> None:
        """Remove the notes of what the result with this content took the place of."""
        Notes(self.folder).forget_others(name, content)

    @contextmanager
    def noted(self, name: str, content: str, note: Note) -> Iterator[None]:
        """Both, around the publication of a result."""
        self.write_note(name, content, note)
        yield
        self.forget_notes(name, content)

    def lineage(self, settings: Mapping[str, Any] | None = None) -> Lineage:
        """What may be read together; `settings` are the present ones, None asks nothing of them."""
        return Lineage(self.content, self.note, settings)

    def why_unusable(self, name: str, settings: Mapping[str, Any] | None = None) -> str:
        """Why an existing result must not stand beside the present ones; empty where it may."""
        return self.lineage(settings).why_unusable(name)

    def require(self, name: str, settings: Mapping[str, Any] | None = None, lineage: Lineage | None = None) -> None:
        """Refuse a result that is there and was made from something else than what is there now.

        Args:
            name: of the result.
            settings: the present ones.
            lineage: to ask, where many results are looked at.

        Raises:
            StaleResult: says what is different, and what to materialize.
        """
        if self.content(name) and (why := (lineage or self.lineage(settings)).why_unusable(name)):
            asset, _, mode = name.partition("/")
            of_mode = f" of {mode}" if mode else ""
            raise StaleResult(
                f"{name} was {why}: materialize '{asset}'{of_mode} again, and what is behind it: compsim materialize "
                f"'+key:{asset}' makes what is out of date"
            )

    def write_table(self, path: Path, table: "pa.Table", note: Note | None = None, compression: str = "zstd") -> str:
        """Publish a table atomically, stamped with its content's hash, with its note; returns the hash."""
        import pyarrow.parquet as pq

        content = content_hash(table)
        stamped = table.replace_schema_metadata(stamps(content))
        with self.noted(self._name_of(path), content, note or Note()), self.new_file(path) as aside:
            rows = max(1, _GROUP_BYTES * table.num_rows // max(table.nbytes, 1))
            pq.write_table(stamped, aside, rows, compression=compression, write_page_checksum=True)
            seal_parquet(aside)
        return content

    def _name_of(self, path: Path) -> str:
        return path.relative_to(self.folder).with_suffix("").as_posix()


def stamps(content: str) -> dict[bytes, bytes]:
    """Schema metadata of a published table: its content's hash, and room for its seal."""
    return {_CONTENT: content.encode(), KEY: BLANK}


def content_hash(table: "pa.Table") -> str:
    """Hash of a table's columns and values, the same for the same content however it is chunked."""
    from hashlib import sha256

    import pyarrow as pa

    digest = sha256(str(table.schema.remove_metadata()).encode())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema.remove_metadata()) as stream:
        stream.write_table(table.replace_schema_metadata(None).combine_chunks())
    digest.update(sink.getvalue())
    return digest.hexdigest()[:32]


def read_table(path: Path, columns: list[str] | None = None) -> "pa.Table":
    """A published table.

    Raises:
        FileNotFoundError: says which asset to materialize.
        DamagedResult: the file is empty, cut, or holds another byte than was written.
    """
    import pyarrow.parquet as pq

    asset = path.parent.name if path.stem in CUTOFF_MODES else path.stem
    with reading(path, asset):
        verify_parquet(path, asset)
        return pq.read_table(path, columns=columns, page_checksum_verification=True)


def read_manifest(folder: Path, name: str, asset: str = "") -> dict[str, Any]:
    """The JSON description of a large array or model, by the name of its file; of one inside another asset's folder,
    that asset is what to materialize.

    Raises:
        FileNotFoundError: says which asset to materialize.
        DamagedResult: the file is empty or cut.
    """
    asset = asset or next(each for each, manifest in MANIFESTS.items() if manifest == name)
    with reading(folder / name, asset):
        described: dict[str, Any] = json.loads((folder / name).read_text())
        if described.pop(_SEAL, None) not in (None, _seal_of(described)):
            raise DamagedResult.of(folder / name, "is damaged: its checksum is not that of what was written", asset)
        return described


def _content_of_folder(folder: Path, manifest: str) -> str:
    try:
        described = read_manifest(folder, manifest)
    except (OSError, ValueError):
        return ""
    if any(_size(folder / file) != size for file, size in described.get("files", {}).items()):
        return ""
    # Without a hash it is not of our making: something, which left no note.
    return str(described.get("content") or _hash(json.dumps(described).encode()))


def seal(folder: Path, manifest: str) -> str:
    """Say in a folder's manifest how large its other files are, and their checksums, so that a cut or damaged one is
    noticed; returns the content.
    """
    described = read_manifest(folder, manifest)
    every = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    files = {name: path for name, path in every.items() if name != manifest}
    described["files"] = {name: _size(path) for name, path in files.items()}
    described["xxh3"] = {name: checksum(path) for name, path in files.items()}
    (folder / manifest).write_text(json.dumps(described | {_SEAL: _seal_of(described)}, indent=2))
    return str(described["content"])


def verify_sealed(path: Path, manifest: Mapping[str, Any], asset: str) -> None:
    """Refuse a file of a folder that does not hold what its manifest says; one that is not sealed is taken as it is.

    Raises:
        DamagedResult: see `verify`.
    """
    if expected := manifest.get("xxh3", {}).get(path.name):
        verify(path, expected, asset)


def _seal_of(described: Mapping[str, Any]) -> str:
    return checksum_of(json.dumps(described, sort_keys=True).encode())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _content_of_file(path: Path) -> str:
    try:
        stat = path.stat()
    except OSError:
        return ""
    return _stamp(path, stat.st_mtime_ns, stat.st_size, stat.st_ino)


@lru_cache(maxsize=1024)
def _stamp(path: Path, *_version: int) -> str:
    """The content hash in a table's metadata; of a figure, or a table of another maker, that of its bytes. Empty for a
    damaged table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix == ".parquet":
        try:
            stamp = (pq.read_schema(path).metadata or {}).get(_CONTENT)
        except (OSError, pa.ArrowException):
            return ""
        if stamp:
            return stamp.decode()
    return _hash(path.read_bytes())


def _hash(content: bytes) -> str:
    from hashlib import blake2b

    return blake2b(content, digest_size=16).hexdigest()
