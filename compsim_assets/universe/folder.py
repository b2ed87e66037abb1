"""Reading a universe from its folder, wherever its tables come from, with errors that name file and row."""

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from compsim_assets.universe.cluster_files import read_cluster_sets
from compsim_assets.universe.factor_files import factor_files, read_factors
from compsim_assets.universe.feature_files import FeatureImport
from compsim_assets.universe.fundamental_files import match_companies, read_fundamentals
from compsim_assets.universe.intake.columns import Names
from compsim_assets.universe.intake.decisions import Decisions, Notes
from compsim_assets.universe.intake.rules import Rules, read_rules
from compsim_assets.universe.intake.sic import sic_codes
from compsim_assets.universe.layout import ID, RETURNS, UniverseError
from compsim_assets.universe.pair_files import PublishedPairs, read_pairs, reports_of_pairs
from compsim_assets.universe.prices.comparison import compare_returns
from compsim_assets.universe.prices.files import Prices, read_prices, tickers_of_permno
from compsim_assets.universe.prices.month_ends import returns_of
from compsim_assets.universe.reports.files import REPORT_COLUMNS, ROW, read_reports
from compsim_assets.universe.reports.months import month_columns, monthly_returns
from compsim_assets.universe.reports.one_per_company import one_per_company
from compsim_assets.universe.reports.texts import without_texts
from compsim_assets.universe.table_files import TableFiles, local_files

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from compsim_assets.settings import Settings


@dataclass(frozen=True)
class Universe:
    """A universe in a folder: reports or pairs of them, and whatever else the folder holds."""

    folder: Path
    # Whether all rows stay as they were published, several reports of a company in one year included.
    as_published: ClassVar[bool] = False

    @cached_property
    def decisions(self) -> Decisions:
        """What was decided on the files that have been read."""
        return Decisions(self.folder)

    @cached_property
    def rules(self) -> Rules:
        """What the folder's universe.toml says.

        Raises:
            UniverseError: see `read_rules`.
        """
        return read_rules(self.folder)

    def notes(self, name: str) -> Notes:
        """Where to say what is decided on a table: on its file, or on all of its files."""
        files = self.table(name)
        return self.decisions.of(files.names[0] if files is not None and len(files) == 1 else name)

    def spelling(self, name: str) -> Names:
        """How the columns of a table may be named."""
        return Names(name, self.rules.of(name)["columns"], strict=True)

    def table(self, name: str, refresh: bool = False) -> TableFiles | None:
        """The files of `reports`, `features` or `pairs`; None where the universe has none.

        `refresh` asks where they come from which version is the newest; else the version last used is used again.
        """
        return local_files(self.folder, name, self.spelling(name))

    def has(self, name: str) -> bool:
        """Whether the universe has `reports`, `features` or `pairs`, without asking anybody for them."""
        return self.table(name) is not None

    def without_reports(self) -> UniverseError:
        """The error of a universe that has neither reports nor pairs of them."""
        return UniverseError(f"{self.folder}: no reports.parquet and no reports/*.parquet, and no pairs either")

    def revision(self, name: str) -> str:
        """Where a table comes from and at which version, where somebody keeps versions of it; else empty."""
        return ""

    def reports(self, refresh: bool = False) -> "pd.DataFrame":
        """All reports: id, names, year (integer), texts; one row each, ids unique. Of a universe with nothing but
        pairs, the ids and years that its pairs speak of.

        Raises:
            UniverseError: no file of reports or pairs, or see `read_reports` and `reports_of_pairs`.
        """
        files = self.table("reports", refresh)
        if files is not None:
            notes, digits = self.notes("reports"), self.rules.of("reports")["sic_digits"]
            every = read_reports(files, notes)
            every["sic_code"] = sic_codes(every["sic_code"], digits, self.as_published, files.place, notes)
            if not self.as_published:
                without_texts(every, files.place, notes)
            rule = self.rules.of("reports")["several"] or ("all" if self.as_published else "latest")
            return one_per_company(every, rule, files.place, notes, self.rules.of("reports")["date_format"])
        pairs = self.table("pairs", refresh)
        if pairs is None:
            raise self.without_reports()
        return reports_of_pairs(pairs).reindex(columns=REPORT_COLUMNS)

    def report_place(self, reports: "pd.DataFrame", row: int) -> str:
        """File, and row in it, of a row of `reports()`: for error messages."""
        files = self.table("reports")
        if files is None or ROW not in reports:
            return f"{self.folder}: report {row}"
        return files.place(int(reports[ROW].iloc[row]))

    def monthly_returns(self, reports: "pd.DataFrame") -> "np.ndarray":
        """(n, 12) log returns, see `months.monthly_returns`."""
        rules, notes = self.rules.of("returns"), self.notes("reports")
        return monthly_returns(reports, partial(self.report_place, reports), rules, notes)

    def features(
        self,
        known_ids: "np.ndarray",
        without_sic_code: "np.ndarray",
        refresh: bool = False,
        without_text: "np.ndarray | None" = None,
    ) -> FeatureImport | None:
        """The universe's own features, to be imported: see `FeatureImport`; None where it has none."""
        files = self.table("features", refresh)
        return None if files is None else FeatureImport(files, known_ids, without_sic_code, without_text)

    def pairs(self, report_id: "np.ndarray", report_year: "np.ndarray", refresh: bool = False) -> PublishedPairs | None:
        """The universe's published pairs of these reports (ids ascending); None where it has none."""
        files = self.table("pairs", refresh)
        return read_pairs(files, report_id, report_year) if files is not None else None

    def token_ids(self, report_ids: "np.ndarray") -> "pd.DataFrame | None":
        """Column `input_ids` of these reports, where the universe has token ids and no texts; else None."""
        import pandas as pd

        files = self.table("reports")
        if files is None:
            return None
        names = files.present(0)
        if "section_1" in names or "input_ids" not in names:
            return None
        frame = pd.concat([files.read(i, [ID, "input_ids"]) for i in range(len(files))])
        return frame.set_index(ID).loc[report_ids, ["input_ids"]].reset_index(drop=True)

    def fuzz_score_files(self) -> list[Path]:
        """delphi score files, flat or under scores/fuzz/ (beside which delphi keeps other scores)."""
        root = self.folder / "fuzz_scores"
        paths = [*root.glob("*_latent*"), *(root / "scores" / "fuzz").glob("*_latent*")]
        return sorted(path for path in paths if path.suffix in (".txt", ".json"))

    def prices(self) -> "Prices | None":
        """All prices, see `read_prices`; None where the universe has none."""
        files = local_files(self.folder, "prices", self.spelling("prices"))
        if files is None:
            return None
        notes = self.decisions.of(files.names[0] if len(files) == 1 else "prices")
        return read_prices(files, self.rules.of("prices")["date_format"], notes, self._tickers_of_permno)

    def _tickers_of_permno(self) -> dict[str, str]:
        return tickers_of_permno(self.reports()) if self.has("reports") else {}

    def lacks_returns(self) -> bool:
        """Whether there are reports, and no file of them has returns."""
        files = self.table("reports")
        columns = [files.present(number) for number in range(len(files))] if files is not None else [[RETURNS]]
        return not any(RETURNS in names or month_columns(names) for names in columns)

    def returns_from_prices(self, reports: "pd.DataFrame") -> "np.ndarray | None":
        """(n, 12) log returns of month-end closes, see `returns_of`; None where the files of reports have returns, or
        the universe has no prices.
        """
        if not self.lacks_returns():
            return None
        prices = self.prices()
        return None if prices is None else returns_of(reports, prices, self.notes("reports"))

    def against_prices(self, reports: "pd.DataFrame", matrix: "np.ndarray") -> list[str]:
        """How returns contradict the prices that lie beside them, see `compare_returns`; empty where they do not."""
        try:
            prices = self.prices()
        except UniverseError:
            return []  # what cannot be read is refused where prices are needed
        return [] if prices is None else compare_returns(reports, matrix, prices, self.notes("reports"))

    def factors(self) -> "pd.DataFrame | None":
        """Common return factors by month, see `read_factors`; None where the universe has none."""
        paths = factor_files(self.folder, self.decisions)
        return read_factors(paths, self.rules.of("factors"), self.decisions) if paths else None

    def fundamentals(self, reports: "pd.DataFrame | None" = None) -> "pd.DataFrame | None":
        """Accounting metrics of companies by year, see `read_fundamentals`; None where the universe has none.

        Args:
            reports: whose companies they are held against, see `match_companies`.
        """
        files = local_files(self.folder, "fundamentals", self.spelling("fundamentals"))
        if files is None:
            return None
        notes = self.decisions.of(files.names[0] if len(files) == 1 else "fundamentals")
        table = read_fundamentals(files, notes)
        if reports is not None:
            match_companies(table, reports.rename(columns={ID: "report_id"}), notes)
        return table

    def published_clusters(self) -> dict[str, "pd.DataFrame"]:
        """Cluster sets to evaluate beside ours, method -> year, cluster_id, report_id: see `read_cluster_sets`."""
        return read_cluster_sets(self.folder / "published_clusters", self.rules, self.decisions, self.reports)

    def published_strong_features(self) -> "dict[str, pd.DataFrame]":
        """Strong features as the paper's authors published theirs: `published_strong_features/<SET>.pkl`."""
        from compsim_assets.universe.published import read_strong_features

        paths = sorted((self.folder / "published_strong_features").glob("*.pkl"))
        return {path.stem: read_strong_features(path) for path in paths}

    def cointegrated_pairs(self) -> "dict[str, pd.DataFrame]":
        """Cointegrated pairs as published: `cointegrated_pairs/<METHOD>.csv`, or under the published file names."""
        from compsim_assets.universe.published import read_cointegrated_pairs

        paths = sorted((self.folder / "cointegrated_pairs").glob("*.csv"))
        return {p.stem.removeprefix("cointegrated_pairs_"): read_cointegrated_pairs(p) for p in paths}

    def tickers(self) -> "pd.DataFrame | None":
        """`index_cik_ticker_map.json`: report_id, cik, ticker, tickers; None where the universe has none."""
        from compsim_assets.universe.published import read_tickers

        path = self.folder / "index_cik_ticker_map.json"
        return read_tickers(path) if path.exists() else None

    def published_pca(self) -> Path | None:
        """A published PCA to use instead of fitting one: `pca.safetensors` or `pca.pkl`; None without."""
        paths = [path for name in ("pca.safetensors", "pca.pkl") if (path := self.folder / name).exists()]
        if len(paths) > 1:
            raise UniverseError(f"{self.folder}: pca.safetensors and pca.pkl, expected one of them")
        return paths[0] if paths else None


def folder_of(settings: "Settings") -> Path:
    """The folder that COMPSIM_UNIVERSE names.

    Raises:
        UniverseError: it is no folder.
    """
    folder = Path(settings.universe).expanduser().resolve()
    if not folder.is_dir():
        raise UniverseError(f"COMPSIM_UNIVERSE: {folder} is not a folder, expected one that holds reports.parquet")
    return folder
