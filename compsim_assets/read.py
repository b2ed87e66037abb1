"""Reading results back: the public API of the package."""

from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.contracts.variants import EMBEDDINGS
from compsim_assets.settings import Settings
from compsim_assets.storage.embeddings import read_embeddings
from compsim_assets.storage.pca import load_pca
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
    if partition not in (None, *CUTOFF_MODES):
        raise FileNotFoundError(f"there is no cutoff mode {partition!r}: pass 'base' or 'rolling'")
    return read_table(results.table(name, partition)).to_pandas()


def _read_features(results: Results) -> "pd.DataFrame":
    import pandas as pd

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

    columns = ["encoder", *EMBEDDINGS.names]
    tables = [
        pd.DataFrame(dict(zip(columns, (encoder, each.report_id, each.year, list(each.matrix)), strict=True)))
        for encoder, each in read_embeddings(results).items()
    ]
    return pd.concat([pd.DataFrame(columns=columns), *tables], ignore_index=True)
