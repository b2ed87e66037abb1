"""What changed? The results of this run, held against those that readers see, before they take their place."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from compsim_assets import checks
from compsim_assets.assets.common import (
    COMPARISON,
    EVERY_MODE,
    MODES,
    DataFrame,
    lazily,
    progress,
    table_options,
    universe_of,
)
from compsim_assets.contracts import TABLES, reasons
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import Lazy, ResultsFolder, step_reads
from compsim_assets.storage.lineage import name_of
from compsim_assets.storage.results import MANIFESTS, Results
from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    from compsim_assets.comparison.change import Change
    from compsim_assets.storage.versions import Version
    from compsim_assets.universe.intake.levels import Levels

_REPORT = "rebuild_report"
_NAMED = 3  # of what could not be compared, in the log
_BY_MODE = (
    "cutoffs", "clusters", "cluster_features", "cluster_feature_summary", "interpretability_curve",
    "strong_feature_proportion", "cluster_profiles",
)  # fmt: skip
# Of what explains peers, rows by pair, report and window are many and follow from the rest.
_COMPARED = {"peers", "themes", "latent_themes", "latents", "cluster_profiles"}
_FOLLOWS = {"explorer", *(table.name for table in reasons.TABLES)} - _COMPARED
_ONCE = tuple(name for name in (*TABLES, *MANIFESTS) if name not in (*_BY_MODE, *_FOLLOWS, _REPORT))


@dg.asset(
    ins={**lazily(*_ONCE), **lazily(*_BY_MODE, mapping=EVERY_MODE)},
    check_specs=[
        checks.spec(_REPORT, checks.nothing_stops_publication, blocking=True),
        checks.spec(_REPORT, checks.nothing_is_suspicious),
        checks.spec(_REPORT, checks.everything_was_compared),
    ],
    **table_options(_REPORT, "rebuild", "pandas", "markdown", stage=COMPARISON),
)
def rebuild_report(context: dg.AssetExecutionContext, settings: Settings, folder: ResultsFolder, **results: Lazy):
    """What changed since the last publication, and since the pinned version, table by table: rows added, gone and
    changed, headline numbers with their old values, the companies whose cluster or peers changed most, and drift of
    features, PCA, cutoffs and MeanCorr.

    Every change is held against the levels of `rebuild.toml`. One that reaches a stop level fails the run, and nothing
    is published. What cannot be compared is named and stops nothing. Written as a page, too: `rebuild_report.md` and
    `rebuild_report.html` beside the table.
    """
    from compsim_assets.comparison.page import crossed

    comparison = _Comparison(context, settings, folder.results)
    table = comparison.table()
    stops = crossed(table)
    if stops:
        step_reads(context.run_id, str(context.op_handle))[f"@{_REPORT}"] = checks.STOPPED
    yield dg.Output(table, metadata=comparison.pages(table))
    yield from checks.judge(context, _REPORT, checks.nothing_is_suspicious, table)
    yield from checks.judge(context, _REPORT, checks.everything_was_compared, table)
    if (yield from checks.judge(context, _REPORT, checks.nothing_stops_publication, table)):
        raise dg.Failure(
            "\n".join(
                [
                    "nothing is published, since this changed too much:",
                    *stops,
                    f"Read {folder.results.folder / _REPORT}.html. If it should be so, `compsim publish` publishes it; "
                    "a rebuild.toml in the universe's folder changes the levels",
                ]
            )
        )


class _Comparison:
    """One run's comparison: what it is with, its rows, and its page. Nothing in it fails the run."""

    def __init__(self, context: dg.AssetExecutionContext, settings: Settings, results: Results) -> None:
        self._context, self._settings, self._results = context, settings, results
        self._universe = universe_of(context, settings)
        self._versions: dict[str, str] = {}  # in words, by what they are called in the column `against`
        self._ids = set[str]()

    def table(self) -> DataFrame:
        """The rows of `rebuild_report`."""
        from compsim_assets.comparison.report import LAST, PINNED, failed, graded, nothing_before, worst_first
        from compsim_assets.storage.versions import Versions

        levels, problems = self._levels()
        names, unusable = self._names()
        versions, parts = Versions(self._results), []
        for against, find in ((LAST, versions.current), (PINNED, versions.pinned)):
            changed = list(problems) if against == LAST else []
            try:
                if (version := find()) and version.id not in self._ids:
                    changed += self._changes(against, version, names, unusable)
                elif against == LAST:
                    changed.append(nothing_before())
            except Exception as problem:  # a version that cannot be read
                changed.append(failed("", problem))
            parts.append(graded(changed, levels, against))
        table = worst_first(parts)
        failures = table[table["grade"] == "failed"].to_dict("records")
        lines = [" ".join(filter(None, (row["table"], row["subject"], row["what"]))) for row in failures[:_NAMED]]
        if more := len(failures) - len(lines):
            lines.append(f"and {more} more")
        if lines:
            self._context.log.warning("\n".join(lines))
        return table

    def _changes(
        self, against: str, version: "Version", names: list[str], unusable: Mapping[str, str]
    ) -> "Iterator[Change]":
        from compsim_assets.comparison.folders import Folder
        from compsim_assets.comparison.report import compare

        self._versions[against] = f"Published {version.made:%Y-%m-%d %H:%M} UTC as {version.id}."
        self._ids.add(version.id)
        say = progress(self._context, f"held against the {against} version")
        return compare(Folder(version.results), Folder(self._results), names, unusable, say)

    def _levels(self) -> "tuple[Levels, list[Change]]":
        """The levels that count, and what is wrong with the universe's own."""
        from compsim_assets.comparison.report import failed
        from compsim_assets.universe.intake.levels import FILE, default_levels, read_levels

        try:
            return read_levels(self._universe.folder), []
        except (UniverseError, OSError) as problem:
            return default_levels(), [failed("", problem, FILE)]

    def _names(self) -> tuple[list[str], dict[str, str]]:
        """The results that are compared, and which of them do not fit what is there now.

        Those of cutoff modes are noted as read here: no other way tells which modes took part.
        """
        of_modes = [name_of(asset, mode) for asset in _BY_MODE for mode in MODES]
        lineage, unusable = self._results.lineage(self._settings.taking_part()), {}
        reads = step_reads(self._context.run_id, str(self._context.op_handle))
        for name in (*_ONCE, *of_modes):
            if not (content := self._results.content(name)):
                continue
            if why := lineage.why_unusable(name):
                unusable[name] = why
            elif name in of_modes:
                reads[name] = content
        return [*_ONCE, *of_modes], unusable

    def pages(self, table: DataFrame) -> dict[str, Any]:
        """Write the page; the same as metadata, with how many rows have which grade."""
        from compsim_assets.comparison.page import html_page, markdown_page

        universe = self._settings.data_name
        short, results = markdown_page(table, self._versions, universe, most=15), self._results
        pages = {
            "md": markdown_page(table, self._versions, universe),
            "html": html_page(table, self._versions, universe),
        }
        metadata: dict[str, Any] = {"page": dg.MetadataValue.md(short)}
        for kind, page in pages.items():
            path = results.folder / f"{_REPORT}.{kind}"
            with results.new_file(path) as aside:
                aside.write_text(page, encoding="utf-8")
            metadata[path.name] = dg.MetadataValue.path(str(path))
        compared = {f"compared_with_{against}": version for against, version in self._versions.items()}
        counts = table["grade"].value_counts()
        return {**metadata, **compared, **{str(grade): int(n) for grade, n in counts.items()}}
