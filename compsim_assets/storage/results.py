"""The results folder: paths by contract, tables stamped with what they were made from, and reading back."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.storage.publish import PublishedFolder

if TYPE_CHECKING:
    import pyarrow as pa

    from compsim_assets.settings import Settings

_UNIVERSE = b"compsim.universe"
_CONTENT = b"compsim.content"


class StaleResult(ValueError):
    """A result that was made from other descriptions than the present ones."""


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

    def write_table(self, path: Path, table: "pa.Table") -> str:
        """Publish a table atomically, stamped with its content hash and its universe; returns the hash."""
        import pyarrow.parquet as pq

        content = content_hash(table)
        universe = content if path == self.table("descriptions") else self.universe_stamp()
        stamped = table.replace_schema_metadata(stamps(content, universe))
        with self.new_file(path) as aside:
            pq.write_table(stamped, aside, compression="zstd")
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
