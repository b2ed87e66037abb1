"""The whole intake at once: every file of a universe read as a run would read it, and what was decided on each."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.universe.encoders import encoders_of
from compsim_assets.universe.extraction import ExtractionSettings, ModelSettings
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.intake.columns import say_columns
from compsim_assets.universe.intake.decisions import REFUSED, Decision
from compsim_assets.universe.intake.levels import FILE as LEVELS
from compsim_assets.universe.intake.levels import read_levels
from compsim_assets.universe.intake.long_texts import say_long_texts
from compsim_assets.universe.intake.rules import FILE
from compsim_assets.universe.inventory import say_missing, say_unread
from compsim_assets.universe.judging.labels import read_labels
from compsim_assets.universe.judging.settings import FILE as JUDGE
from compsim_assets.universe.judging.settings import JudgeSettings
from compsim_assets.universe.layout import ID, UniverseError
from compsim_assets.universe.reports.factor_months import compare_months
from compsim_assets.universe.score_files import read_scores
from compsim_assets.universe.vintages import assign, span

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from compsim_assets.universe.prices.files import Prices


def check_folder(folder: str | Path) -> list[Decision]:
    """What a run would make of this folder, before any run.

    Raises:
        UniverseError: it is no folder.
    """
    path = Path(folder).expanduser().resolve()
    if not path.is_dir():
        raise UniverseError(f"{path} is not a folder, expected one that holds reports.parquet or reports.csv")
    return examine(Universe(path))


def examine(universe: Universe) -> list[Decision]:
    """All decisions on a universe's files; those that are refused come with grade `refused`.

    Features are looked at without being read whole: their columns, ids and the first rows. Everything else is read as
    a run reads it.

    Cost: that of reading the files. Memory: one file's content at a time, reports without their features.
    """
    with _refusals(universe, FILE):
        universe.rules  # noqa: B018  a table or key that does not exist is refused here
        _examine_tables(universe)
        _examine_folder(universe)
    return list(universe.decisions)


@contextmanager
def _refusals(universe: Universe, name: str) -> Iterator[None]:
    """Turn the error of a reader into a row, so that the other files are looked at, too."""
    try:
        yield
    except (UniverseError, FileNotFoundError) as problem:
        file, text = name, str(problem)
        if text.startswith(f"{universe.folder}/"):
            path, _, text = text.partition(": ")
            file = Path(path).relative_to(universe.folder).as_posix()
        universe.decisions.add(Decision(file, name, REFUSED, text, 1))


def _examine_tables(universe: Universe) -> None:
    reports = matrix = prices = None
    for name in ("reports", "features", "pairs") if not universe.as_published else ():
        with _refusals(universe, name):
            _say_files(universe, name)
    with _refusals(universe, "reports"):
        reports = universe.reports(refresh=True)
        _say_reports(universe, reports)
    if reports is not None and universe.has("reports"):
        with _refusals(universe, "returns"):
            matrix = universe.monthly_returns(reports)
    with _refusals(universe, "prices"):
        prices = universe.prices()
    if reports is not None and matrix is not None and prices is not None:
        with _refusals(universe, "prices"):
            _examine_prices(universe, reports, matrix, prices)
    if reports is not None and not universe.as_published:
        with _refusals(universe, "features"):
            _examine_features(universe, reports)
    if reports is not None:
        with _refusals(universe, "pairs"):
            _examine_pairs(universe, reports)
        with _refusals(universe, "published_clusters"):
            _examine_clusters(universe, reports)
    with _refusals(universe, "factors"):
        factors = universe.factors()
        if factors is not None and reports is not None and matrix is not None:
            compare_months(factors, reports["year"].to_numpy(), matrix, universe.notes("factors"))
    with _refusals(universe, "fundamentals"):
        universe.fundamentals(reports)


def _say_files(universe: Universe, name: str) -> None:
    """How each file of a table is written, and which of its columns are not read."""
    files = universe.table(name)
    if files is None:
        return
    for number in range(len(files)):
        with files.open(number) as file:
            notes = universe.decisions.of(file.name)
            if name != "reports":  # whose reader says it itself
                say_columns(notes, name, file.columns, file.names)
            if file.csv is not None and file.csv.delimiter != ",":
                notes.assumed(name, f"values are separated by {file.csv.delimiter!r}", 1)
            if file.index:
                what = "report ids stand in what pandas says of the file, as start and step"
                notes.assumed(name, what, file.n_rows(), ", ".join(file.index))


def _say_reports(universe: Universe, reports: "pd.DataFrame") -> None:
    from compsim_assets.science.companies import company_of

    n_companies = company_of(reports.rename(columns={ID: "report_id"})).nunique()
    years = reports["year"]
    what = f"{len(reports):,} reports of {n_companies:,} companies, {years.min()} to {years.max()}"
    universe.notes("reports").fine("reports", what, len(reports))
    needs = {"sic_code": "no SIC groups", "ticker": "no pairs trading", "section_1": "no text to read"}
    for column, without in needs.items():
        if missing := int(reports[column].isna().sum()):
            what = f"{missing:,} of {len(reports):,} reports have no {column}: {without} for them"
            universe.notes("reports").missing(column, what, missing)


def _examine_prices(universe: Universe, reports: "pd.DataFrame", matrix: "np.ndarray", prices: "Prices") -> None:
    """Prices against the reports' tickers and returns, and splits that nobody adjusted for."""
    import numpy as np

    from compsim_assets.science.trading.price_panel import price_panel
    from compsim_assets.science.trading.splits import likely_splits
    from compsim_assets.universe.prices.comparison import compare_returns
    from compsim_assets.universe.prices.month_ends import returns_of

    notes = universe.notes("prices")
    tickers = set(reports["ticker"].dropna())
    without = sorted(tickers - set(prices.tickers))
    if tickers and len(without) == len(tickers):
        raise UniverseError(
            f"{universe.folder}: no ticker of the reports ({', '.join(without[:3])}, ..) is in the prices "
            f"({', '.join(prices.tickers[:3])}, ..), expected the same tickers in both"
        )
    if without:
        notes.missing("ticker", "tickers of reports without a price", len(without), ", ".join(without[:5]))
    if others := sorted(set(prices.tickers) - tickers):
        notes.fine("ticker", "tickers with prices and without a report", len(others), ", ".join(others[:5]))
    if np.isfinite(matrix).any():
        compare_returns(reports, matrix, prices, notes)
    elif universe.lacks_returns():
        matrix[:] = returns_of(reports, prices, universe.notes("reports"))
    panel = price_panel(prices.tickers, prices.code, prices.day, prices.close)
    splits = likely_splits(panel)
    if len(splits):
        first = splits.iloc[0]
        notes.suspicious(
            "adj_close", "overnight changes by a small whole number, as splits that nobody adjusted for", len(splits),
            f"{first['ticker']} on {first['day']:%Y-%m-%d}: ratio {first['ratio']:g}", "give adjusted closes",
        )  # fmt: skip


def _examine_features(universe: Universe, reports: "pd.DataFrame") -> None:
    """The columns and ids of feature files, and the length of the first rows."""
    import numpy as np

    ids = reports[ID].to_numpy()
    source = universe.features(ids, np.empty(0, dtype=np.int64))
    if source is None:
        if (universe.folder / "extraction.toml").exists():
            extraction = ExtractionSettings.from_toml(universe.folder / "extraction.toml")
            _say_extraction(universe, reports)
            say_long_texts(universe.decisions.of("extraction.toml"), reports["section_1"], extraction)
            if extraction.vintages:
                _say_vintages(universe, extraction, reports)
        return
    notes, n_latents = universe.notes("features"), source.usual_length()
    with_features: set[int] = set()
    for number, name in enumerate(source.files.names):
        for report in source.ids(number):
            if report in with_features and report in source.report_ids:
                raise UniverseError(f"{name}: {ID} {report} occurs twice, expected one row of features per report")
            with_features.add(report)
        for why, count in source.first_rows(number, n_latents).items():
            if why:
                universe.decisions.of(name).left_out("features", f"among the first rows: {why}", count)
    notes.fine("features", f"{len(with_features):,} rows of {n_latents:,} latents", len(with_features))
    if unknown := with_features - set(ids.tolist()):
        notes.left_out("features", "features of no report", len(unknown), f"{ID} {min(map(str, unknown))}")
    if without := set(ids.tolist()) - with_features:
        notes.missing("features", "reports without features are in no cluster", len(without), f"{ID} {min(without)}")


def _say_extraction(universe: Universe, reports: "pd.DataFrame") -> None:
    notes, n_texts = universe.decisions.of("extraction.toml"), int(reports["section_1"].notna().sum())
    if n_texts or universe.token_ids(reports[ID].to_numpy()[:1]) is not None:
        notes.fine("features", "features are extracted from texts", n_texts or len(reports))
    else:
        notes.missing("features", "no report has a text: there is nothing to extract features from", len(reports))


def _say_vintages(universe: Universe, extraction: ExtractionSettings, reports: "pd.DataFrame") -> None:
    notes = universe.decisions.of(extraction.file)
    assigned = assign(extraction.vintages, reports["year"], extraction.file)
    counts = reports["year"].value_counts()
    for vintage, years in assigned.years.items():
        what = f"reports of {span(years)} are judged with the vintage of {vintage.knowledge}"
        notes.fine("vintages", what, int(counts[years].sum()), vintage.model)
    if without := assigned.without:
        what = f"reports of {span(without)} are older than every vintage: not judged by walk-forward"
        notes.left_out("vintages", what, int(counts[without].sum()))


def _examine_pairs(universe: Universe, reports: "pd.DataFrame") -> None:
    ordered = reports.sort_values(ID)
    pairs = universe.pairs(ordered[ID].to_numpy(), ordered["year"].to_numpy())
    if pairs is None:
        return
    universe.notes("pairs").fine("pairs", f"{len(pairs.year):,} pairs of reports", len(pairs.year))
    for why, count in pairs.dropped.items():
        say = universe.notes("pairs").left_out if len(pairs.year) else universe.notes("pairs").suspicious
        say("pairs", why, count)


def _examine_clusters(universe: Universe, reports: "pd.DataFrame") -> None:
    from compsim_assets.science.correlation.groups import match_groups

    named = reports[[ID, "year"]].rename(columns={ID: "report_id"})
    for method, clusters in universe.published_clusters().items():
        notes = universe.decisions.of(f"published_clusters/{method}")
        matched = match_groups(clusters, named)
        n_groups = matched.groupby(["year", "cluster_id"]).ngroups
        notes.fine(method, f"{len(matched):,} reports in {n_groups:,} groups", len(matched))
        if dropped := len(clusters) - len(matched):
            say = notes.left_out if len(matched) else notes.suspicious
            say(method, "rows of reports that are not in this universe, or of another year", dropped)


def _examine_folder(universe: Universe) -> None:
    from compsim_assets.universe.published import read_pca

    if not universe.folder.is_dir():
        return
    folder, used = universe.folder, set[Path]()
    with _refusals(universe, "extraction.toml"):
        for settings in _settings_of(folder):
            named = [Path(value) for key in ("model", "sae") if (value := settings.get(key))]
            used |= {each for path in named if path.is_absolute() for each in (path, *path.parents)}
            if settings.get("train") and not universe.has("features"):
                universe.decisions.of("extraction.toml").fine("sparse_autoencoder", "an SAE is trained on the texts", 1)
    with _refusals(universe, LEVELS):
        read_levels(folder)
        if (folder / LEVELS).exists():
            universe.decisions.of(LEVELS).fine("rebuild_report", "levels of what a rebuild may change", 1)
    with _refusals(universe, "fuzz_scores"):
        if files := universe.fuzz_score_files():
            read_scores(files, universe.decisions.of("fuzz_scores"))
            universe.decisions.of("fuzz_scores").fine("fuzz_scores", f"{len(files):,} score files", len(files))
    with _refusals(universe, "fuzz_scores"):
        if labels := len(read_labels(folder / "fuzz_scores")):
            universe.decisions.of("fuzz_scores").fine("judged_latents", f"{labels:,} labels of a judge", labels)
    with _refusals(universe, JUDGE):
        if (folder / JUDGE).exists():
            judge = JudgeSettings.from_toml(folder / JUDGE)
            universe.decisions.of(JUDGE).fine(
                "judge", f"judge of latents: {judge.model} at {judge.address.hostname}", 1
            )
    with _refusals(universe, "pca"):
        if (path := universe.published_pca()) is not None:
            read_pca(path)
            universe.decisions.of(path).fine("pca", "a published PCA is used instead of fitting one", 1)
    for name in ("published_strong_features", "cointegrated_pairs"):
        with _refusals(universe, name):
            if sets := getattr(universe, name)():
                universe.decisions.of(name).fine(name, f"published files: {', '.join(sets)}", len(sets))
    with _refusals(universe, "index_cik_ticker_map.json"):
        if (tickers := universe.tickers()) is not None:
            universe.decisions.of("index_cik_ticker_map.json").fine("ticker", "tickers of report ids", len(tickers))
    has_features = universe.has("features") or (folder / "extraction.toml").exists()
    say_missing(folder, universe.decisions, has_features, universe.has("pairs"))
    say_unread(folder, universe.decisions, {path.resolve() for path in used})


def _settings_of(folder: Path) -> Iterator[dict[str, Any]]:
    """Of every model that the folder names, those of vintages included."""
    extraction = folder / "extraction.toml"
    every: list[ModelSettings] = [ExtractionSettings.from_toml(extraction)] if extraction.exists() else []
    for settings in (*every, *encoders_of(folder).settings):
        yield settings.to_dict()
        yield from (settings.of(vintage).to_dict() for vintage in settings.vintages)
