"""Reading results back: the public API of the package."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.contracts.variants import EMBEDDINGS
from compsim_assets.settings import Settings
from compsim_assets.storage.controls import ControlFeatures, ControlScores
from compsim_assets.storage.embeddings import EmbeddingFolder
from compsim_assets.storage.lineage import name_of
from compsim_assets.storage.pca import Pca
from compsim_assets.storage.results import Results, read_table
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.storage.versions import Version, Versions
from compsim_assets.storage.vintages import VintageFeatures

if TYPE_CHECKING:
    import pandas as pd


WORKING = "working"


@dataclass(frozen=True)
class OpenResults:
    """The results of one version, however many tables are read and whatever is published meanwhile.

    Attributes:
        version: the version; None where nothing was published yet, or the results folder itself was asked for.
        results: where the results lie.
        settings: the present ones, which all that is read must be made with.
    """

    version: Version | None
    results: Results
    settings: Settings

    def read(self, name: str, partition: str | None = None) -> "pd.DataFrame":
        """A materialized asset as a pandas frame; see `read_asset`."""
        self._ask(name, partition)
        named = name_of(name, partition)
        self.results.require(named, self.settings.taking_part())
        if self.version and named in self.version.manifest["results"]:
            self.version.require(named)
        if name in _FOLDERS:
            return _FOLDERS[name](self.results.array_folder(name))
        return read_table(self.results.table(name, partition)).to_pandas()

    def _ask(self, name: str, partition: str | None) -> None:
        modes = self.results.modes_of(name)
        if partition is None and modes:
            raise FileNotFoundError(f"'{name}' has one table per cutoff mode: pass partition={modes!r}")
        if partition is not None and self.results.table(name).exists():
            raise FileNotFoundError(f"'{name}' is one table for all cutoff modes: pass no partition")
        if partition not in (None, *CUTOFF_MODES):
            raise FileNotFoundError(f"there is no cutoff mode {partition!r}: pass 'base' or 'rolling'")


def open_results(
    version: str | None = None, *, source: str | None = None, data: str | Path | None = None
) -> OpenResults:
    """The results that were published last, to read any number of tables that belong together.

    Args:
        version: an earlier version by its name, or "working": the results folder as runs leave it, published or not.
            Where nothing was published yet it is that folder.
        source: "sample", "local" or "huggingface"; COMPSIM_SOURCE by default.
        data: the data folder; COMPSIM_DATA by default.

    Raises:
        UnknownVersion: there is none of that name.
        ValueError: see `Settings.from_environment`.
    """
    given = {"source": source, "data": data and str(data)}
    settings = Settings(**{**dict(Settings.from_environment()), **{k: value for k, value in given.items() if value}})
    results = Results.of(settings)
    versions = Versions(results)
    asked = None if version == WORKING else versions.get(version) if version else versions.current()
    return OpenResults(asked, asked.results if asked else results, settings)


def read_asset(
    name: str,
    partition: str | None = None,
    *,
    version: str | None = None,
    source: str | None = None,
    data: str | Path | None = None,
) -> "pd.DataFrame":
    """A materialized asset as a pandas frame. To read several that belong together: `open_results`.

    Args:
        name: the asset, e.g. "clusters".
        partition: "base" or "rolling" for an asset with a table per cutoff mode.
        version, source, data: see `open_results`.

    Returns:
        The table. `sae_features` gives report_id and features (a float32 array each), `pca` one row per component with
        its explained variance and share, `embeddings` encoder, report_id, year and embedding (a float32 array each),
        `sparse_autoencoder` latent, its bias and its direction (a float32 array each; no row where none was trained),
        `explorer` what its `explorer.parquet` holds: a row per report that has a place on the map.

    Raises:
        FileNotFoundError: not materialized yet, or a partition is needed and not named.
        StaleResult: made from something else than what is there now, or with other settings.
        DamagedResult: its file is empty or cut, or holds another byte than was written.
        UnknownVersion, ValueError: see `open_results`.
    """
    return open_results(version, source=source, data=data).read(name, partition)


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


def _read_sae(folder: Path) -> "pd.DataFrame":
    import pandas as pd
    from safetensors import safe_open

    columns = ("bias", "direction")
    if not (path := folder / "sae.safetensors").exists():
        return pd.DataFrame(columns=["latent", *columns])
    with safe_open(path, framework="np") as file:
        bias, directions = (file.get_tensor(name) for name in ("encoder.bias", "W_dec"))
    return pd.DataFrame(dict(zip(columns, (bias, list(directions)), strict=True))).rename_axis("latent").reset_index()


def _read_explorer(folder: Path) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_parquet(folder / "explorer.parquet")


def _read_vintages(folder: Path) -> "pd.DataFrame":
    import pandas as pd

    vintages = VintageFeatures(folder)
    tables = [
        _read_features(vintages.folder / each.knowledge).assign(knowledge=each.knowledge)
        for each in vintages.vintages[:-1]
    ]
    return pd.concat([pd.DataFrame(columns=["knowledge", "report_id", "features"]), *tables], ignore_index=True)


def _read_control_features(folder: Path) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    controls, names = ControlFeatures(folder), ["control", "seed", "report_id", "features"]
    tables = [pd.DataFrame(columns=names)]
    ids, row = controls.rows()
    for control, matrix in controls.matrices():
        values = matrix.rows(np.arange(matrix.shape[0]))
        made = {"control": control.name, "seed": control.seed, "report_id": ids, "features": [values[at] for at in row]}
        tables.append(pd.DataFrame(made))
    return pd.concat(tables, ignore_index=True)


def _read_control_scores(folder: Path) -> "pd.DataFrame":
    import pandas as pd

    names = ["control", "seed", "report_id", "year", "scores"]
    tables = [pd.DataFrame(columns=names)]
    for control, scores in ControlScores(folder).controls():
        values = control.name, control.seed, scores.report_id, scores.year, list(scores.matrix)
        tables.append(pd.DataFrame(dict(zip(names, values, strict=True))))
    return pd.concat(tables, ignore_index=True)


_FOLDERS: dict[str, Callable[[Path], "pd.DataFrame"]] = {
    "sae_features": _read_features,
    "pca": _read_pca,
    "embeddings": _read_embeddings,
    "explorer": _read_explorer,
    "sparse_autoencoder": _read_sae,
    "vintage_features": _read_vintages,
    "control_features": _read_control_features,
    "control_scores": _read_control_scores,
}
