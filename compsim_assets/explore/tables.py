"""Rows of the tables of one version: those that are asked for, and no others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from compsim_assets.explore.questions import Unanswerable
from compsim_assets.storage.lineage import Lineage, name_of
from compsim_assets.storage.pca import Pca
from compsim_assets.storage.reading import reading
from compsim_assets.storage.results import Results
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.sealed import verify_parquet
from compsim_assets.storage.shards import FeatureShards

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from compsim_assets.storage.versions import Version

Filters = Sequence[tuple[str, str, Any]]


class _Opened(Protocol):
    """What `compsim_assets.read.open_results` gives."""

    @property
    def version(self) -> "Version | None": ...
    @property
    def results(self) -> Results: ...
    @property
    def settings(self) -> Any: ...


@dataclass(frozen=True)
class Tables:
    """The tables of one version.

    Attributes:
        results: where they lie.
        settings: the present ones that results depend on: what was made with others is refused.
        synthetic: whether the universe is generated.
        version: the version's name; empty for the results folder as runs leave it.
    """

    results: Results
    settings: Mapping[str, Any] = field(default_factory=dict)
    synthetic: bool = False
    version: str = ""

    @classmethod
    def of(cls, opened: _Opened) -> "Tables":
        """Those of an opened version."""
        settings = opened.settings
        version = opened.version.id if opened.version else ""
        return cls(opened.results, settings.taking_part(), settings.synthetic, version)

    @cached_property
    def lineage(self) -> Lineage:
        """What may be read together, each result looked at once."""
        return self.results.lineage(self.settings)

    def has(self, name: str, mode: str | None = None) -> bool:
        """Whether there is such a table; another one than the present kind is there, too."""
        return self.results.table(name, mode).exists()

    def read(
        self, name: str, columns: Sequence[str] | None = None, filters: Filters = (), mode: str | None = None
    ) -> "pd.DataFrame":
        """The rows that fit all filters (column, operator, value).

        Cost: the row groups whose statistics allow such rows, of these columns and of those that are filtered by.
        Their pages' checksums are looked at, and the footer's; those of a table of up to 64 MB as a whole.

        Raises:
            FileNotFoundError: it is not there; says how to make it.
            StaleResult, DamagedResult: see `Results.require` and `verify_parquet`.
        """
        import pyarrow.parquet as pq

        path = self._path(name, mode)
        with reading(path, name):
            verify_parquet(path, name)
            table = pq.read_table(
                path,
                columns=None if columns is None else list(columns),
                filters=list(filters) or None,
                memory_map=True,
                page_checksum_verification=True,
            )
        return table.to_pandas()

    def count(self, name: str) -> int:
        """Rows of a table; none where it is not there."""
        import pyarrow.parquet as pq

        if not self.has(name):
            return 0
        with reading(path := self._path(name), name):
            return int(pq.read_metadata(path).num_rows)

    def _path(self, name: str, mode: str | None = None) -> "Path":
        path = self.results.table(name, mode)
        if not path.exists():
            raise FileNotFoundError(self._missing(name, mode))
        self.results.require(name_of(name, mode), lineage=self.lineage)
        return path

    def _missing(self, name: str, mode: str | None) -> str:
        of_mode, option = (f" of {mode}", f" --mode {mode}") if mode else ("", "")
        of_version = f" in version {self.version}" if self.version else ""
        # A version lies in a folder of versions in the results folder.
        if self.version and Results(self.results.folder.parents[1]).table(name, mode).exists():
            return f"'{name}'{of_mode} is made, and not{of_version}: `compsim publish` lets readers see it"
        return f"there is no '{name}'{of_mode} yet{of_version}: `compsim materialize {name}{option}` makes it"

    def features(self) -> FeatureShards:
        """The SAE features, mapped.

        A file beyond 64 MB is not read as a whole for its checksum: who reads rows of it sees whether they fit the
        reports' scores.
        """
        self._require_array("sae_features")
        return FeatureShards(self.results.array_folder("sae_features"), verified=False)

    def pca(self) -> Pca:
        """The principal axes, not read yet."""
        self._require_array("pca")
        return Pca.of(self.results)

    def scores(self) -> ScoreTable:
        """The reports' scores, not read yet."""
        return ScoreTable(self._path("pca_scores"))

    def _require_array(self, name: str) -> None:
        if not self.results.content(name) and not self.results.array_folder(name).exists():
            raise FileNotFoundError(self._missing(name, None))
        self.results.require(name, lineage=self.lineage)

    @cached_property
    def pairs_alone(self) -> bool:
        """Whether companies are compared by published pairs: then there are no features, and no reasons."""
        return self.count("pca_scores") == 0 and self.count("published_pairs") > 0

    def one(self, name: str, filters: Filters, what: str, mode: str | None = None) -> "pd.Series":
        """The only row that fits.

        Raises:
            Unanswerable: there is none; `what` says what was asked for.
        """
        rows = self.read(name, filters=filters, mode=mode)
        if rows.empty:
            raise Unanswerable(what)
        return rows.iloc[0]
