"""The results folder: paths by contract, tables stamped with what they were made from, and reading back."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.storage.lineage import MADE_FROM, sources_of
from compsim_assets.storage.publish import PublishedFolder

if TYPE_CHECKING:
    import pyarrow as pa

    from compsim_assets.settings import Settings

_UNIVERSE = b"compsim.universe"
_CONTENT = b"compsim.content"
# Manifests of the large arrays, which hold the hash of their content.
_MANIFESTS = {"sae_features": "features.json", "embeddings": "embeddings.json"}


class StaleResult(ValueError):
    """A result that was made from other descriptions, or other features, than the present ones."""


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

    def universe_stamp(self) -> str:
        """Content hash of the present descriptions: which universe results belong to; empty before there is one."""
        path = self.table("descriptions")
        return _stamp(path, _CONTENT) if path.exists() else ""

    def belongs_to_universe(self, path: Path) -> bool:
        """False for a table made from other descriptions than the present ones."""
        return _stamp(path, _UNIVERSE) == self.universe_stamp()

    def made_from(self, path: Path) -> dict[str, str]:
        """Content of everything that a table at this path depends on, as it is now; see `lineage`."""
        features = self._manifest("sae_features")
        by_features = features.get("n_reports", 0) > 0
        return {name: self._content_of(name) for name in sources_of(self._asset_of(path), by_features)}

    def stale_sources(self, path: Path) -> list[str]:
        """What a table was made from that is another one now, or was itself made from something that is.

        Nothing for a table without a note of what it was made from. All of it for one that its note does not speak of:
        its writer was killed between the two.
        """
        note = self._note(path)
        if not note.exists():
            return []
        noted = json.loads(note.read_text())
        present = self.made_from(path)
        if noted["content"] != _stamp(path, _CONTENT):
            return list(present)
        tables = {name: self.table(name) for name in present if name in MADE_FROM}
        return [
            name
            for name, content in present.items()
            if noted["made_from"].get(name) != content
            or (name in tables and tables[name].exists() and self.stale_sources(tables[name]))
        ]

    def why_unusable(self, path: Path) -> str:
        """Why an existing table must not stand beside the present ones; empty where it may."""
        if not self.belongs_to_universe(path):
            return "made from other descriptions than the present ones"
        stale = self.stale_sources(path)
        return f"made from other {' and '.join(stale)} than the present ones" if stale else ""

    def fresh_table(self, asset: str, mode: str | None = None) -> Path:
        """Path of a table that was made from the present features, pairs and returns, if it is there.

        Raises:
            StaleResult: it was made from others.
        """
        path = self.table(asset, mode)
        if path.exists() and (stale := self.stale_sources(path)):
            raise StaleResult(
                f"{path} was made from other {' and '.join(stale)} than the present ones: materialize '{asset}'"
                f"{f' of {mode}' if mode else ''} again"
            )
        return path

    def _asset_of(self, path: Path) -> str:
        return path.relative_to(self.folder).with_suffix("").parts[0]

    def _note(self, path: Path) -> Path:
        return self.folder / ".made_from" / path.relative_to(self.folder).with_suffix(".json")

    def _manifest(self, name: str) -> dict[str, Any]:
        folder = self.array_folder(name)
        return read_manifest(folder, _MANIFESTS[name]) if (folder / _MANIFESTS[name]).exists() else {}

    def _content_of(self, name: str) -> str:
        if name in _MANIFESTS:
            return str(self._manifest(name).get("content", ""))
        path = self.table(name)
        return _stamp(path, _CONTENT) if path.exists() else ""

    def write_table(self, path: Path, table: "pa.Table") -> str:
        """Publish a table atomically, stamped with its content hash and its universe; returns the hash.

        What it was made from is noted beside it, after it: a table that its note does not speak of is not trusted.
        """
        import pyarrow.parquet as pq

        content = content_hash(table)
        universe = content if path == self.table("descriptions") else self.universe_stamp()
        stamped = table.replace_schema_metadata(stamps(content, universe))
        with self.new_file(path) as aside:
            pq.write_table(stamped, aside, compression="zstd")
        if self._asset_of(path) in MADE_FROM:
            with self.new_file(self._note(path)) as aside:
                aside.write_text(json.dumps({"content": content, "made_from": self.made_from(path)}, indent=2))
        return content


def stamps(content: str, universe: str) -> dict[bytes, bytes]:
    """Schema metadata of a published table: its content's hash and its universe's."""
    return {_CONTENT: content.encode(), _UNIVERSE: universe.encode()}


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
    """
    import pyarrow.parquet as pq

    if not path.exists():
        asset = path.parent.name if path.stem in CUTOFF_MODES else path.stem
        raise FileNotFoundError(f"{path} does not exist: materialize '{asset}' first")
    return pq.read_table(path, columns=columns)


def read_manifest(folder: Path, name: str) -> dict[str, Any]:
    """The JSON description of a large array or model."""
    return json.loads((folder / name).read_text())


def _stamp(path: Path, key: bytes) -> str:
    import pyarrow.parquet as pq

    return (pq.read_schema(path).metadata or {}).get(key, b"").decode()
