"""All results of one version against those of another: every table, its rows and its headline numbers, graded."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from compsim_assets.comparison.change import MISSING, Change, counted, share
from compsim_assets.comparison.drift import HEADLINES, WHERE_CHANGED, FeatureSums, feature_drift
from compsim_assets.comparison.folders import Folder
from compsim_assets.comparison.rows import RowChanges, Rows, changes, matrix_hashes, rows_of
from compsim_assets.contracts import TABLES
from compsim_assets.storage.embeddings import EmbeddingFolder
from compsim_assets.universe.intake.levels import FINE, STOP, SUSPICIOUS, Levels

LAST, PINNED = "last", "pinned"
FAILED = "failed"
GRADES = (STOP, FAILED, SUSPICIOUS, FINE)  # the worst first
_COLUMNS_NAMED = 4


def compare(
    before: Folder,
    after: Folder,
    names: Sequence[str],
    unusable: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Change]:
    """What changed from one version to the other, result by result.

    Args:
        names: of results, `pca` or `clusters/base`; figures are not compared.
        unusable: results of the new version that must not be read, and why.
        progress: hears how many results are done, of how many.

    A result that cannot be compared, for whatever reason, is a row that says so and nothing else.
    """
    for done, name in enumerate(names, start=1):
        try:
            if why := (unusable or {}).get(name, ""):
                raise ValueError(f"{name} was {why}")
            yield from list(_result(name, before, after))
        except Exception as problem:
            yield failed(name, problem)
        progress(done, len(names))


def failed(name: str, problem: Exception, subject: str = "") -> Change:
    """What cannot be compared, and why."""
    first = next(iter(str(problem).splitlines()), "")
    return Change(name, FAILED, subject, what=f"could not be compared: {first or type(problem).__name__}")


def nothing_before() -> Change:
    """The only row of a first rebuild."""
    return Change("", "version", what="nothing was published before: there is nothing to compare with")


def graded(changed: Iterable[Change], levels: Levels, against: str) -> pd.DataFrame:
    """Rows of `rebuild_report`, in the order in which they come. Against a pinned version nothing stops: it is older
    the longer it is pinned.
    """
    rows: list[dict[str, Any]] = []
    for each in changed:
        grade, level = (each.measure, math.nan) if each.measure == FAILED else _graded(each, levels)
        if against == PINNED and grade == STOP:
            grade = SUSPICIOUS
        rows.append({"against": against, **dataclasses.asdict(each), "level": level, "grade": grade})
    table = TABLES["rebuild_report"]
    # Two companies of one name are one row: the first, which moved more.
    return pd.DataFrame(rows, columns=table.names).drop_duplicates(list(table.key), ignore_index=True)


def _graded(change: Change, levels: Levels) -> tuple[str, float]:
    return levels.grade(change.table, change.measure, change.size) if change.size is not None else (FINE, math.nan)


def worst_first(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All rows, ordered by grade and else as they are."""
    table = pd.concat(parts, ignore_index=True)
    order = table["grade"].map({grade: place for place, grade in enumerate(GRADES)})
    return table.loc[order.sort_values(kind="stable").index].reset_index(drop=True)


def _result(name: str, before: Folder, after: Folder) -> Iterator[Change]:
    asset, is_table = name.partition("/")[0], name.partition("/")[0] in TABLES
    there = [folder.has(name) for folder in (before, after)]
    if there != [True, True]:
        if any(there):
            yield _only_one(name, before if there[0] else after, gone=there[0])
        return
    contents = [folder.results.content(name) for folder in (before, after)]
    same = contents[0] == contents[1] != ""
    if same:
        yield from _unchanged(name, after)
    elif is_table:
        yield from row_changes(name, changes(*_rows(name, before, after)))
    elif asset in _ARRAYS:
        yield from _ARRAYS[asset](name, before, after)
    if asset in HEADLINES and not (same and asset in WHERE_CHANGED):
        yield from HEADLINES[asset](name, before, after)


def _only_one(name: str, folder: Folder, gone: bool) -> Change:
    rows = float(folder.n_rows(name)) if name.partition("/")[0] in TABLES else None
    if gone:
        return Change(name, MISSING, before=rows, change=-1, size=1, what="there was one, and there is none now")
    return Change(name, "new", after=rows, change=1, what="there was none before")


def _unchanged(name: str, after: Folder) -> Iterator[Change]:
    if name.partition("/")[0] in TABLES:
        n = float(after.n_rows(name))
        yield share(name, "rows", n, n, what="unchanged")
    else:
        yield Change(name, "rows", change=0, size=0.0, what="unchanged")


def row_changes(name: str, rows: RowChanges, subject: str = "") -> Iterator[Change]:
    """How many rows there are, and how many are gone, new and others."""
    most = sorted(rows.columns.items(), key=lambda each: (-each[1], each[0]))[:_COLUMNS_NAMED]
    columns = ", ".join(f"{column} {number:,}" for column, number in most)
    yield share(name, "rows", rows.before, rows.after, subject)
    for measure, count, of in (("gone", rows.gone, rows.before), ("added", rows.added, rows.before)):
        yield dataclasses.replace(counted(name, measure, count, of), subject=subject)
    yield dataclasses.replace(counted(name, "changed", rows.changed, rows.both, columns), subject=subject)


def _rows(name: str, before: Folder, after: Folder) -> tuple[Rows, Rows]:
    key = TABLES[name.partition("/")[0]].key
    first, second = (rows_of(folder.batches(name), key) for folder in (before, after))
    return first, second


def _features(name: str, before: Folder, after: Folder) -> Iterator[Change]:
    """Rows, zeros, means and active latents, in one pass over each version's shards."""
    rows, sums = [], []
    for folder in (before, after):
        shards = folder.features()
        summed, hashes = FeatureSums(shards.n_latents), []
        for block in shards.parts():
            summed.block(block)
            hashes.append(matrix_hashes(block))
        rows.append(_of_reports(shards.report_id, np.concatenate(hashes) if hashes else np.empty(0, np.uint64)))
        sums.append(summed.result())
    yield from row_changes(name, changes(*rows))
    yield from feature_drift(name, *sums)


def _of_reports(report_id: np.ndarray, hashes: np.ndarray) -> Rows:
    """Rows of an array whose values have been hashed."""
    return rows_of(
        [pa.record_batch([pa.array(report_id), pa.array(hashes)], names=["report_id", "values"])], ["report_id"]
    )


def _embeddings(name: str, before: Folder, after: Folder) -> Iterator[Change]:
    """Rows of every encoder; one that is there in one version alone has all its rows gone or added."""
    nothing = _of_reports(np.empty(0, np.int64), np.empty(0, np.uint64))
    encoders = [
        {
            each: _of_reports(made.report_id, matrix_hashes(made.matrix))
            for each, made in EmbeddingFolder(folder.path(name))
        }
        for folder in (before, after)
    ]
    for encoder in sorted(encoders[0].keys() | encoders[1].keys()):
        yield from row_changes(name, changes(*(each.get(encoder, nothing) for each in encoders)), encoder)


def _pca(name: str, before: Folder, after: Folder) -> Iterator[Change]:
    yield Change(name, "changed", what="fitted anew")


_ARRAYS: dict[str, Callable[[str, Folder, Folder], Iterator[Change]]] = {
    "sae_features": _features,
    "embeddings": _embeddings,
    "pca": _pca,
}
