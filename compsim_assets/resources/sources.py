"""Reading a universe: the folder of contracts.md, wherever it comes from, with errors that name file and row."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ID = "__index_level_0__"
RETURNS = "logged_monthly_returns_matrix"
_REPORT_COLUMNS = (ID, "cik", "company_name", "year", "ticker", "sic_code", "section_1", RETURNS)


class UniverseError(ValueError):
    """Input that cannot be used; the message names file, row and what was expected."""


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
            frames.append(pd.read_parquet(path, columns=[c for c in _REPORT_COLUMNS if c in present]))
        if not frames:
            raise UniverseError(f"{self.folder}: no reports.parquet and no reports/*.parquet")
        frame = pd.concat(frames, ignore_index=True)
        for column in _REPORT_COLUMNS:
            if column not in frame:
                frame[column] = None
        frame["year"] = self._years(frame["year"])
        self._check_ids(frame[ID])
        return frame

    def _years(self, year: "pd.Series") -> "pd.Series":
        import pandas as pd

        number = pd.to_numeric(year, errors="coerce")
        wrong = number.isna() | (number % 1 != 0)
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise UniverseError(f"{self.folder}/reports: row {row}: year {year.iloc[row]!r}, expected a year like 2019 or '2019'")
        return number.astype("int64")

    def _check_ids(self, ids: "pd.Series") -> None:
        wrong = ids.isna() | ids.duplicated(keep="first")
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise UniverseError(
                f"{self.folder}/reports: row {row}: {ID} {ids.iloc[row]!r} is null or occurs before, expected unique ids"
            )

    def feature_blocks(self, known_ids: "np.ndarray") -> "FeatureImport | None":
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
        frame = pd.concat([pd.read_parquet(path, columns=[ID, "input_ids"]) for path in paths])
        return frame.set_index(ID).loc[report_ids, ["input_ids"]].reset_index(drop=True)

    def fuzz_score_files(self) -> list[Path]:
        """delphi score files, flat or under scores/fuzz/."""
        root = self.folder / "fuzz_scores"
        return sorted(path for path in root.rglob("*_latent*") if path.suffix in (".txt", ".json"))

    def prices(self) -> "pd.DataFrame | None":
        """ticker, date, adj_close; None where the universe has none."""
        import pandas as pd

        path = self.folder / "prices.parquet"
        if not path.exists():
            return None
        frame = pd.read_parquet(path)
        if missing := {"ticker", "date", "adj_close"} - set(frame.columns):
            raise UniverseError(f"{path}: missing columns {sorted(missing)}, expected ticker, date, adj_close")
        return frame[["ticker", "date", "adj_close"]]

    def published_clusters(self) -> dict[str, "pd.DataFrame"]:
        """Cluster sets to evaluate beside ours: method -> year, cluster_id, report_id."""
        import pandas as pd

        found = {}
        for path in sorted((self.folder / "published_clusters").glob("*.parquet")):
            frame = pd.read_parquet(path)
            if missing := {"year", "cluster_id", ID} - set(frame.columns):
                raise UniverseError(f"{path}: missing columns {sorted(missing)}")
            frame = frame[["year", "cluster_id", ID]].rename(columns={ID: "report_id"})
            frame["year"] = self._years(frame["year"])
            frame["cluster_id"] = frame["cluster_id"].astype("string")
            found[path.stem] = frame
        return found

    def _parquet(self, name: str) -> list[Path]:
        single = self.folder / f"{name}.parquet"
        return [single] if single.exists() else sorted((self.folder / name).glob("*.parquet"))


class FeatureImport:
    """Streams a universe's feature files; `dropped` counts what was left out, by reason, once streamed."""

    def __init__(self, paths: list[Path], known_ids: "np.ndarray", batch_rows: int = 256) -> None:
        self.paths, self.batch_rows = paths, batch_rows
        self.known = set(known_ids.tolist())
        self.dropped: Counter[str] = Counter()
        self.n_latents = self._usual_length()

    def __iter__(self) -> Iterator[tuple["np.ndarray", "np.ndarray"]]:
        """(report ids, (b, D) float32 features) of usable rows.

        Raises:
            UniverseError: an id that occurs twice.
        """
        import numpy as np

        seen: set[int] = set()
        for path, ids, lists in self._batches():
            kept_ids, kept = [], []
            for report, values in zip(ids, lists, strict=True):
                reason = self._reason_to_drop(report, values)
                if reason:
                    self.dropped[reason] += 1
                elif report in seen:
                    raise UniverseError(f"{path}: {ID} {report} occurs twice, expected one row of features a report")
                else:
                    seen.add(report)
                    kept_ids.append(report)
                    kept.append(values)
            if kept:
                yield np.array(kept_ids, dtype=np.int64), np.stack(kept)
        if missing := len(self.known - seen):
            self.dropped["report without features"] = missing

    def _reason_to_drop(self, report: int, values: "np.ndarray") -> str | None:
        import numpy as np

        if report not in self.known:
            return "features without a report"
        if len(values) != self.n_latents:
            return f"length is not {self.n_latents}"
        return None if np.isfinite(values).all() else "not finite"

    def _batches(self) -> Iterator[tuple[Path, list[int], list["np.ndarray"]]]:
        import pyarrow.parquet as pq

        for path in self.paths:
            file = pq.ParquetFile(path)
            if missing := {ID, "features"} - set(file.schema_arrow.names):
                raise UniverseError(f"{path}: missing columns {sorted(missing)}, expected {ID} and features")
            for batch in file.iter_batches(self.batch_rows, columns=[ID, "features"]):
                yield path, batch.column(ID).to_pylist(), [_flat(item) for item in batch.column("features")]

    def _usual_length(self) -> int:
        for _, _, lists in self._batches():
            return Counter(len(values) for values in lists).most_common(1)[0][0]
        raise UniverseError(f"{self.paths[0]}: no rows")


def _flat(item: Any) -> "np.ndarray":
    """Features of one report as float32, whether the list is flat or one level nested; empty for a null."""
    import numpy as np

    values = item.values
    if values is None:
        return np.empty(0, dtype=np.float32)
    while hasattr(values, "flatten") and values.type.num_fields:
        values = values.flatten()
    return values.to_numpy(zero_copy_only=False).astype(np.float32)


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
        raise UniverseError("COMPSIM_SOURCE=local needs COMPSIM_UNIVERSE: the folder that holds reports.parquet")
    folder = Path(settings.universe).expanduser().resolve()
    if not folder.is_dir():
        raise UniverseError(f"COMPSIM_UNIVERSE: {folder} is not a folder, expected one that holds reports.parquet")
    return Universe(folder)


def _sample_folder(settings: Settings) -> Path:
    from compsim_assets.resources.results import Results
    from compsim_assets.sample import GENERATOR_VERSION, generate

    results = Results.of(settings)
    folder = results.array_folder("universe")
    marker = folder / "VERSION"
    if not marker.exists() or marker.read_text() != str(GENERATOR_VERSION):
        with results.new_folder(folder) as aside:
            generate(aside)
            (aside / "VERSION").write_text(str(GENERATOR_VERSION))
    return folder
