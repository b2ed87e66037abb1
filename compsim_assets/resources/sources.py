"""Reading a universe: the folder of contracts.md, wherever it comes from, with errors that name file and row."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.resources.feature_files import FeatureImport
from compsim_assets.resources.layout import ID, RETURNS, UniverseError
from compsim_assets.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_REPORT_COLUMNS = (
    ID, "cik", "company_name", "year", "ticker", "sic_code", "section_1", RETURNS,
)  # fmt: skip


@dataclass(frozen=True)
class Universe:
    """A local universe: reports, and whatever else its folder holds."""

    folder: Path

    def reports(self) -> "pd.DataFrame":
        """All reports as they are in the files: id, names, year (integer), texts; one row each, ids unique.

        Raises:
            UniverseError: no reports file, a missing column, a year that is not a whole number, ids that are null or
                occur twice.
        """
        import pandas as pd
        import pyarrow.parquet as pq

        frames = []
        for path in self._parquet("reports"):
            present = set(pq.read_schema(path).names)
            for needed in (ID, "year"):
                if needed not in present:
                    raise UniverseError(f"{path}: no column '{needed}', found {sorted(present)}")
            frames.append(_read(path, [c for c in _REPORT_COLUMNS if c in present]))
        if not frames:
            raise UniverseError(f"{self.folder}: no reports.parquet and no reports/*.parquet")
        frame = pd.concat(frames, ignore_index=True)
        for column in _REPORT_COLUMNS:
            if column not in frame:
                frame[column] = None
        frame["year"] = _years(frame["year"], self.report_place)
        self._check_ids(frame[ID])
        return frame

    def report_place(self, row: int) -> str:
        """File, and row in it, of a position in `reports()`: for error messages."""
        import pyarrow.parquet as pq

        for path in self._parquet("reports"):
            n_rows = pq.read_metadata(path).num_rows
            if row < n_rows:
                return f"{path}: row {row}"
            row -= n_rows
        raise IndexError(row)

    def _check_ids(self, ids: "pd.Series") -> None:
        wrong = ids.isna() | ids.duplicated(keep="first")
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise UniverseError(
                f"{self.report_place(row)}: {ID} {ids.iloc[row]} is null or occurs before, expected unique ids"
            )

    def monthly_returns(self, reports: "pd.DataFrame") -> "np.ndarray":
        """(n, 12) log returns from flat or nested lists; NaN for a missing month, twelve of them for a missing list.

        Raises:
            UniverseError: a list that does not hold twelve values.
        """
        import numpy as np

        matrix = np.full((len(reports), 12), np.nan)
        for row, value in enumerate(reports[RETURNS].to_list()):
            if value is None or np.isscalar(value):
                continue
            months = [np.asarray(item, dtype=float).ravel() for item in value]
            flat = np.concatenate(months) if months else np.empty(0)
            if len(flat) != 12:
                raise UniverseError(
                    f"{self.report_place(row)}: {RETURNS} has {len(flat)} values, "
                    "expected 12 monthly log returns"
                )
            matrix[row] = flat
        return np.where(np.isfinite(matrix), matrix, np.nan)

    def feature_blocks(self, known_ids: "np.ndarray") -> FeatureImport | None:
        """The universe's own features, to be streamed; None where it has none."""
        paths = self._parquet("features")
        return FeatureImport(paths, known_ids) if paths else None

    def token_ids(self, report_ids: "np.ndarray") -> "pd.DataFrame | None":
        """Column `input_ids` of these reports, where the universe has token ids and no texts; else None."""
        import pandas as pd
        import pyarrow.parquet as pq

        paths = self._parquet("reports")
        names = set(pq.read_schema(paths[0]).names)
        if "section_1" in names or "input_ids" not in names:
            return None
        frame = pd.concat([_read(path, [ID, "input_ids"]) for path in paths])
        return frame.set_index(ID).loc[report_ids, ["input_ids"]].reset_index(drop=True)

    def fuzz_score_files(self) -> list[Path]:
        """delphi score files, flat or under scores/fuzz/ (beside which delphi keeps other scores)."""
        root = self.folder / "fuzz_scores"
        found = [*root.glob("*_latent*"), *(root / "scores" / "fuzz").glob("*_latent*")]
        return sorted(path for path in found if path.suffix in (".txt", ".json"))

    def prices(self) -> "pd.DataFrame | None":
        """ticker, date, adj_close; None where the universe has none."""
        path = self.folder / "prices.parquet"
        if not path.exists():
            return None
        frame = _read(path)
        if missing := {"ticker", "date", "adj_close"} - set(frame.columns):
            raise UniverseError(
                f"{path}: missing columns {sorted(missing)}, expected ticker, date, adj_close"
            )
        return frame[["ticker", "date", "adj_close"]]

    def published_clusters(self) -> dict[str, "pd.DataFrame"]:
        """Cluster sets to evaluate beside ours: method -> year, cluster_id, report_id."""
        found = {}
        for path in sorted((self.folder / "published_clusters").glob("*.parquet")):
            frame = _read(path)
            if missing := {"year", "cluster_id", ID} - set(frame.columns):
                raise UniverseError(f"{path}: missing columns {sorted(missing)}")
            frame = frame[["year", "cluster_id", ID]].rename(columns={ID: "report_id"})
            frame["year"] = _years(frame["year"], partial("{}: row {}".format, path))
            frame["cluster_id"] = frame["cluster_id"].astype("string")
            found[path.stem] = frame
        return found

    def _parquet(self, name: str) -> list[Path]:
        single = self.folder / f"{name}.parquet"
        return [single] if single.exists() else sorted((self.folder / name).glob("*.parquet"))


def _read(path: Path, columns: list[str] | None = None) -> "pd.DataFrame":
    """A file's columns as columns, also where pandas wrote one as its index, as it does `__index_level_0__`."""
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=columns).to_pandas(ignore_metadata=True)


def _years(year: "pd.Series", place: Callable[[int], str]) -> "pd.Series":
    import pandas as pd

    number = pd.to_numeric(year, errors="coerce")
    wrong = number.isna() | (number % 1 != 0)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise UniverseError(
            f"{place(row)}: year {year.iloc[row]!r}, expected a year like 2019 or '2019'"
        )
    return number.astype("int64")


def open_universe(settings: Settings) -> Universe:
    """The configured universe; the embedded sample is generated on first use.

    Raises:
        UniverseError: a local folder that is not given or does not exist, or a source that is not available yet.
    """
    if settings.source == "sample":
        return Universe(_sample_folder(settings))
    if settings.source == "huggingface":
        raise UniverseError(
            "COMPSIM_SOURCE=huggingface is not available in this version: download the data set's parquet files into a "
            "folder with the layout of a local universe and use COMPSIM_SOURCE=local"
        )
    if not settings.universe:
        raise UniverseError(
            "COMPSIM_SOURCE=local needs COMPSIM_UNIVERSE: the folder that holds reports.parquet"
        )
    folder = Path(settings.universe).expanduser().resolve()
    if not folder.is_dir():
        raise UniverseError(
            f"COMPSIM_UNIVERSE: {folder} is not a folder, expected one that holds reports.parquet"
        )
    return Universe(folder)


def _sample_folder(settings: Settings) -> Path:
    from compsim_assets.resources.results import Results
    from compsim_assets.sample import generate, is_current

    results = Results.of(settings)
    folder = results.array_folder("universe")
    if not is_current(folder):
        with results.new_folder(folder) as aside:
            generate(aside)
    return folder
