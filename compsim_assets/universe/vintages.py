"""Models of their time: which model and SAE had read nothing later than some day, and which report is read by which.

A model of 31 December 2013 is for reports of 2014 on: a report knows its year alone, so the whole year must lie after
what the model knows. Of several such models a report takes the newest.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from itertools import pairwise
from pathlib import PurePath
from typing import Any, NamedTuple

from compsim_assets.universe.layout import UniverseError

_EXAMPLE = "knowledge = 2013-12-31"
# A day in a model's name, as in chrono-bert-v1-20131231 or my-sae-2013-12-31.
_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Vintage:
    """A model and an SAE that have read nothing later than a day; what is empty is as the settings beside it say."""

    knowledge: date
    model: str = ""
    sae: str = ""
    hookpoint: str = ""

    @property
    def changes(self) -> dict[str, Any]:
        """The settings that this vintage has for itself."""
        names = [field.name for field in fields(self) if field.name != "knowledge"]
        return {name: value for name in names if (value := getattr(self, name))}

    @property
    def last_year(self) -> int:
        """The last year of which it may have read everything."""
        return self.knowledge.year - ((self.knowledge.month, self.knowledge.day) != (12, 31))

    def may_read(self, year: int) -> bool:
        """Whether all of the year lies after what the vintage knows."""
        return self.knowledge < date(year, 1, 1)


class Assigned(NamedTuple):
    """Vintages that reports are read by, ascending, each with the years of its reports; and years older than all."""

    years: dict[Vintage, list[int]]
    without: list[int]

    @property
    def newest(self) -> Vintage | None:
        """The vintage of the last reports."""
        return next(reversed(self.years), None)


def vintage_of(vintages: Iterable[Vintage], year: int) -> Vintage | None:
    """The newest vintage that is older than all reports of this year."""
    older = [vintage for vintage in vintages if vintage.may_read(year)]
    return max(older, key=lambda vintage: vintage.knowledge, default=None)


def assign(vintages: Iterable[Vintage], years: Iterable[int], file: str) -> Assigned:
    """Which years' reports each vintage reads.

    Args:
        vintages: at least one. years: of the reports. file: begins the message.

    Raises:
        UniverseError: no report is younger than a vintage; names the first year and what it needs.
    """
    vintages, years = list(vintages), sorted({int(year) for year in years})
    of_year = {year: vintage_of(vintages, year) for year in years}
    used = sorted({vintage for vintage in of_year.values() if vintage}, key=lambda vintage: vintage.knowledge)
    if years and not used:
        oldest = min(vintage.knowledge for vintage in vintages)
        raise UniverseError(
            f"{file}: no report is younger than a vintage: the oldest knows texts up to {oldest}, the reports are of "
            f"{span(years)}; expected one with knowledge = {years[-1] - 1}-12-31 or before"
        )
    by_vintage = {vintage: [year for year in years if of_year[year] == vintage] for vintage in used}
    return Assigned(by_vintage, [year for year in years if of_year[year] is None])


def span(years: Sequence[int]) -> str:
    """Ascending years in words, as 2014 or 2014 to 2016."""
    return f"{years[0]} to {years[-1]}" if years[-1] != years[0] else f"{years[0]}"


def read_vintages(
    tables: Any, file: str, keys: Iterable[str], given: Mapping[str, Any], located: Callable[[str, str], str]
) -> tuple[Vintage, ...]:
    """The vintages of a file of settings, ascending.

    Args:
        tables: what the file has under `vintages`. file: begins the messages.
        keys: which settings a vintage may have for itself. given: those that it need not have.
        located: name of a key and its value -> the folder, package or hub name that it means.

    Raises:
        UniverseError: a key or a date that will not do, a day that contradicts a name, the same twice.
    """
    keys = list(keys)
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise UniverseError(f"{file}: vintages must be tables [[vintages]], each with {_EXAMPLE}, not {tables!r}")
    vintages = [_read(table, f"{file} [[vintages]]", keys, given, located) for table in tables]
    vintages.sort(key=lambda vintage: vintage.knowledge)
    for before, after in pairwise(vintages):
        if before.knowledge == after.knowledge:
            raise UniverseError(f"{file} [[vintages]]: knowledge = {after.knowledge} occurs twice, expected it once")
    seen: dict[tuple[str, ...], date] = {}
    for vintage in vintages:
        whole = tuple(vintage.changes.get(key) or str(given.get(key, "")) for key in keys)
        if (other := seen.setdefault(whole, vintage.knowledge)) != vintage.knowledge:
            raise UniverseError(
                f"{file} [[vintages]]: those of {other} and {vintage.knowledge} are the same {' and '.join(keys)}: "
                "remove the later one, or say what it reads with"
            )
    return tuple(vintages)


def _read(
    table: dict[str, Any], file: str, keys: list[str], given: Mapping[str, Any], located: Callable[[str, str], str]
) -> Vintage:
    for key in table:
        if key not in (*keys, "knowledge"):
            raise UniverseError(f"{file}: unknown key {key!r}; the keys are knowledge, {', '.join(keys)}")
    knowledge = _day(table.get("knowledge"), file)
    where = f"{file} {knowledge}"
    for key in keys:
        value = table.get(key, given.get(key))
        if key in table and (not isinstance(value, str) or not value.strip()):
            raise UniverseError(f"{where}: {key} must be a non-empty string, not {value!r}")
        if value is None:
            raise UniverseError(f"{where}: {key} is missing: neither the vintage nor the file has one")
    changes = {key: table[key] for key in keys if key in table}
    if not changes.keys() & {"model", "sae"}:
        both = " or ".join(key for key in keys if key != "hookpoint")
        raise UniverseError(f"{where}: names no {both} of its own, expected one that has read nothing later")
    _check_names(changes, {key: str(table.get(key, given.get(key))) for key in keys}, knowledge, where)
    return Vintage(knowledge=knowledge, **{key: located(key, value) for key, value in changes.items()})


def _day(value: Any, file: str) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if value is None:
        raise UniverseError(f"{file}: knowledge is missing: the last day of what the model has read, as {_EXAMPLE}")
    if isinstance(value, int) and 1900 <= value <= 2100:
        raise UniverseError(
            f"{file}: knowledge = {value} could be the first or the last day of the year, expected a date: "
            f"knowledge = {value}-12-31 for a model that has read texts of all of {value}"
        )
    text = str(value)[:10]
    try:
        example = f"knowledge = {date.fromisoformat(text)}"
    except ValueError:
        example = _EXAMPLE
    raise UniverseError(f"{file}: knowledge must be a date, not {value!r}: write {example}, without quotes and time")


def _check_names(changes: Mapping[str, str], names: Mapping[str, str], knowledge: date, where: str) -> None:
    """Hold days in names against the day that is given: a model's name knows best what it has read."""
    days = {key: day for key in ("model", "sae") if (day := day_in(names.get(key, "")))}
    for key, day in days.items():
        if day > knowledge:
            raise UniverseError(
                f"{where}: {key} = {names[key]!r} is by its name of {day}: it has read later texts; write "
                f"knowledge = {day}, or name a vintage of {knowledge} or before"
            )
    mine = [day for key, day in days.items() if key in changes]
    if mine and max(mine) < knowledge:
        named = " and ".join(repr(changes[key]) for key in days if key in changes)
        raise UniverseError(
            f"{where}: {named}, by the name of {max(mine)}, would wait for reports of {knowledge.year + 1}; write "
            f"knowledge = {max(mine)}, or name the vintage of {knowledge}"
        )


def day_in(name: str) -> date | None:
    """The latest day that the last part of a name carries; None where it carries none."""
    days = []
    for year, _, month, day in _DAY.findall(PurePath(name).name):
        try:
            days.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return max(days, default=None)


def chronobert_toml(first: int = 1999, last: int = 2024) -> str:
    """An extraction.toml of ChronoBERT's models, one per year (arXiv 2502.21206); an SAE of each is trained.

    Args:
        first, last: years of the models, 1999 to 2024 are published.
    """
    tables = [
        f'[[vintages]]\nknowledge = {year}-12-31\nmodel = "manelalab/chrono-bert-v1-{year}1231"\n'
        for year in range(first, last + 1)
    ]
    return "\n".join([_CHRONOBERT, *tables])


_CHRONOBERT = """\
# ChronoBERT (arXiv 2502.21206, MIT): one ModernBERT per year, pretrained on texts up to its day. A year's reports are
# judged with the newest model that is older than they are. Remove the tables of years that you have no reports after:
# each one that is used costs an SAE and the earlier texts read once more.
hookpoint = "layers.14"                # of 22: the module whose output the SAEs read
max_tokens = 1024                      # longer descriptions are cut

[train]                                # no SAEs are published: one per model, on texts that are as old as it is
"""
