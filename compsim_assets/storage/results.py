"""The results folder: paths by contract, atomic publication, and reading back."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Any

from compsim_assets.partitions import cutoff_modes
from compsim_assets.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_UNIVERSE = b"compsim.universe"
_CONTENT = b"compsim.content"


@dataclass(frozen=True)
class Results:
    """`$COMPSIM_DATA/<source>/`: a file a table, a folder a large array, always the last complete version."""

    folder: Path

    @classmethod
    def of(cls, settings: Settings) -> "Results":
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
        return [m for m in cutoff_modes.get_partition_keys() if self.table(asset, m).exists()]

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

    @contextmanager
    def new_file(self, path: Path) -> Iterator[Path]:
        """A file to write aside; it takes the place of `path` when the block ends without an error."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.scratch(path.stem) as folder:
            aside = folder / path.name
            yield aside
            _sync(aside)
            os.replace(aside, path)
            _sync(path.parent)

    @contextmanager
    def new_folder(self, path: Path) -> Iterator[Path]:
        """A folder to write aside; it takes the place of `path` when the block ends without an error.

        A folder cannot replace another one in one step, a link can: `path` is a link to the version that is
        complete. Readers that have the old version mapped keep it.
        """
        versions = self.folder / ".versions"
        versions.mkdir(parents=True, exist_ok=True)
        with self.scratch(path.name) as scratch:
            aside = scratch / path.name
            aside.mkdir()
            yield aside
            sync_tree(aside)
            version = versions / f"{path.name}-{uuid.uuid4().hex[:12]}"
            # First the link: it keeps other writers from taking the version for a left one.
            link = scratch / "link"
            link.symlink_to(version.relative_to(path.parent), target_is_directory=True)
            os.rename(aside, version)
            _sync(versions)
            if path.is_dir() and not path.is_symlink():  # a copy by a tool that follows links
                os.rename(path, scratch / "copied")
            os.replace(link, path)
            _sync(path.parent)
        for old in versions.glob(f"{path.name}-*"):
            if old.name.rpartition("-")[0] == path.name and not self._is_linked(old, path):
                shutil.rmtree(old, ignore_errors=True)

    def _is_linked(self, version: Path, path: Path) -> bool:
        """Whether `path` is a link to the version, or a link waits in a writer's scratch to take its place."""
        # In this order: a link moves from scratch to `path` in one step.
        for scratch in (self.folder / ".scratch").iterdir():
            with suppress(OSError):
                if Path(os.readlink(scratch / "link")).name == version.name:
                    return True
        return version.resolve() == path.resolve()

    @contextmanager
    def scratch(self, name: str) -> Iterator[Path]:
        """A private folder beside the results, removed at the end; what killed processes left behind goes too."""
        root = self.folder / ".scratch"
        root.mkdir(parents=True, exist_ok=True)
        for left in root.iterdir():
            if _abandoned(left.name):
                shutil.rmtree(left, ignore_errors=True)
        folder = root / f"{os.getpid()}@{gethostname()}-{name}-{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        try:
            yield folder
        finally:
            # The root stays, empty: removing it would race with another writer that has just made it.
            shutil.rmtree(folder, ignore_errors=True)


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
        asset = path.parent.name if path.stem in cutoff_modes.get_partition_keys() else path.stem
        raise FileNotFoundError(f"{path} does not exist: materialize '{asset}' first")
    return pq.read_table(path, columns=columns)


def read_asset(
    name: str,
    partition: str | None = None,
    *,
    source: str | None = None,
    data: str | Path | None = None,
) -> "pd.DataFrame":
    """A materialized asset as a pandas frame.

    Args:
        name: the asset, e.g. "clusters".
        partition: "base" or "rolling" for an asset with a version per cutoff mode.
        source: "sample", "local" or "huggingface"; COMPSIM_SOURCE by default.
        data: the data folder; COMPSIM_DATA by default.

    Returns:
        The table. `sae_features` gives report_id and features (a float32 array each), `pca` one row a component with
        its explained variance and share, `embeddings` encoder, report_id, year and embedding (a float32 array each).

    Raises:
        FileNotFoundError: not materialized yet, or a partition is needed and not named.
    """
    settings = Settings.from_environment()
    results = Results(Path(data or settings.data).expanduser() / (source or settings.source))
    if name == "sae_features":
        return _read_features(results)
    if name == "pca":
        return _read_pca(results)
    if name == "embeddings":
        return _read_embeddings(results)
    if partition is None and results.modes_of(name):
        raise FileNotFoundError(f"'{name}' has one table per cutoff mode: pass partition={results.modes_of(name)!r}")
    if partition is not None and results.table(name).exists():
        raise FileNotFoundError(f"'{name}' is one table for all cutoff modes: pass no partition")
    if partition not in (None, *cutoff_modes.get_partition_keys()):
        raise FileNotFoundError(f"there is no cutoff mode {partition!r}: pass 'base' or 'rolling'")
    return read_table(results.table(name, partition)).to_pandas()


def _read_features(results: Results) -> "pd.DataFrame":
    import pandas as pd

    from compsim_assets.storage.shards import FeatureShards

    folder = results.array_folder("sae_features")
    if not folder.exists():
        raise FileNotFoundError(f"{folder} does not exist: materialize 'sae_features' first")
    shards = FeatureShards(folder)
    rows = [row for part in shards.parts() for row in part]
    return pd.DataFrame({"report_id": shards.report_id, "features": rows})


def _read_pca(results: Results) -> "pd.DataFrame":
    import pandas as pd

    variance = load_pca(results, ["explained_variance", "explained_variance_ratio"])
    return pd.DataFrame({"component": range(len(variance["explained_variance"])), **variance})


def _read_embeddings(results: Results) -> "pd.DataFrame":
    import pandas as pd

    from compsim_assets.universe.encoders import read_embeddings

    columns = ["encoder", "report_id", "year", "embedding"]
    tables = [
        pd.DataFrame({"report_id": found.report_id, "year": found.year, "embedding": list(found.matrix)}).assign(
            encoder=encoder
        )
        for encoder, found in read_embeddings(results).items()
    ]
    return pd.concat([pd.DataFrame(columns=columns), *tables], ignore_index=True)[columns]


def load_pca(results: Results, names: list[str]) -> dict[str, Any]:
    """Arrays of the fitted PCA by name: mean, scale, components, explained_variance, explained_variance_ratio.

    Raises:
        FileNotFoundError: the PCA, or (made with `components: none`) its components, do not exist.
    """
    from safetensors import safe_open

    path = results.array_folder("pca") / "pca.safetensors"
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: materialize 'pca' first")
    with safe_open(str(path), framework="numpy") as tensors:
        if missing := set(names) - set(tensors.keys()):
            raise FileNotFoundError(
                f"{path} has no {', '.join(sorted(missing))}: materialize 'pca' with components = all"
            )
        return {name: tensors.get_tensor(name) for name in names}


def read_manifest(folder: Path, name: str) -> dict[str, Any]:
    """The JSON description of a large array or model."""
    return json.loads((folder / name).read_text())


def _stamp(path: Path, key: bytes) -> str:
    import pyarrow.parquet as pq

    return (pq.read_schema(path).metadata or {}).get(key, b"").decode()


def sync_tree(path: Path) -> None:
    """Bring a file, or a folder and all in it, from the system's memory to the disk."""
    for inside in path.rglob("*") if path.is_dir() else ():
        _sync(inside)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _abandoned(scratch: str) -> bool:
    """True for a scratch folder of this host whose process is gone; other hosts may share the data folder."""
    pid, at, rest = scratch.partition("@")
    if not at or not rest.startswith(f"{gethostname()}-"):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
