"""Reading results back: the public API of the package."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.contracts.variants import EMBEDDINGS
from compsim_assets.settings import Settings
from compsim_assets.storage.embeddings import EmbeddingFolder
from compsim_assets.storage.lineage import name_of
from compsim_assets.storage.pca import Pca
from compsim_assets.storage.results import Results, read_table
from compsim_assets.storage.shards import FeatureShards

if TYPE_CHECKING:
    import pandas as pd


def read_asset(
    name: str, partition: str | None = None, *, source: str | None = None, data: str | Path | None = None
) -> "pd.DataFrame":
    """A materialized asset as a pandas frame.

    Args:
        name: the asset, e.g. "clusters".
        partition: "base" or "rolling" for an asset with a version per cutoff mode.
        source: "sample", "local" or "huggingface"; COMPSIM_SOURCE by default.
        data: the data folder; COMPSIM_DATA by default.

    Returns:
        The table. `sae_features` gives report_id and features (a float32 array each), `pca` one row per component with
        its explained variance and share, `embeddings` encoder, report_id, year and embedding (a float32 array each).

    Raises:
        FileNotFoundError: not materialized yet, or a partition is needed and not named.
        StaleResult: made from something else than what is there now, or with other settings.
        DamagedResult: its file is empty or cut.
        ValueError: see `Settings.from_environment`.
    """
    given = {"source": source, "data": data and str(data)}
    settings = Settings(**{**dict(Settings.from_environment()), **{k: value for k, value in given.items() if value}})
    results = Results.of(settings)
    if partition is None and results.modes_of(name):
        raise FileNotFoundError(f"'{name}' has one table per cutoff mode: pass partition={results.modes_of(name)!r}")
    if partition is not None and results.table(name).exists():
        raise FileNotFoundError(f"'{name}' is one table for all cutoff modes: pass no partition")
    if partition not in (None, *CUTOFF_MODES):
        raise FileNotFoundError(f"there is no cutoff mode {partition!r}: pass 'base' or 'rolling'")
    results.require(name_of(name, partition), settings.taking_part())
    if name in _FOLDERS:
        return _FOLDERS[name](results.array_folder(name))
    return read_table(results.table(name, partition)).to_pandas()


def _read_features(folder: Path) -> "pd.DataFrame":
    import pandas as pd

    shards = FeatureShards(folder)
    rows = [row for part in shards.parts() for row in part]
    return pd.DataFrame({"report_id": shards.report_id, "features": rows})


def _read_pca(folder: Path) -> "pd.DataFrame":
    import pandas as pd

    variance = Pca(folder).arrays(["explained_variance", "explained_variance_ratio"])
    return pd.DataFrame({"component": range(len(variance["explained_variance"])), **variance})


def _read_embeddings(folder: Path) -> "pd.DataFrame":
    import pandas as pd

    columns = ["encoder", *EMBEDDINGS.names]
    tables = [
        pd.DataFrame(dict(zip(columns, (encoder, each.report_id, each.year, list(each.matrix)), strict=True)))
        for encoder, each in EmbeddingFolder(folder)
    ]
    return pd.concat([pd.DataFrame(columns=columns), *tables], ignore_index=True)


_FOLDERS: dict[str, Callable[[Path], "pd.DataFrame"]] = {
    "sae_features": _read_features,
    "pca": _read_pca,
    "embeddings": _read_embeddings,
}
