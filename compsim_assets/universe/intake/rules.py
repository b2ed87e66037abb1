"""What a universe says about its own files: universe.toml."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compsim_assets.universe.layout import UniverseError

FILE = "universe.toml"


@dataclass(frozen=True)
class Key:
    """A key of universe.toml.

    default: what holds without it; "" where the file itself decides. choices: what it may be, where that is a list.
    what: its meaning, for `compsim init` and for readers.
    """

    name: str
    default: Any
    what: str
    choices: tuple[str, ...] = ()


_COLUMNS = Key("columns", {}, 'names of columns, where the files have others: {ours = "theirs"}')
_DATE_FORMAT = Key(
    "date_format", "", 'how dates are written, for dates that read two ways: "%d/%m/%Y" (day first), "%m/%d/%Y"'
)
_KIND = Key("kind", "", "what returns are: natural logarithms or simple returns; default log", ("log", "simple"))
_UNIT = Key("unit", "", "0.01 (fraction) or 1.0 (percent) for one per cent; default: what their size says", (
    "fraction", "percent",
))  # fmt: skip

KEYS: Mapping[str, tuple[Key, ...]] = {
    "reports": (
        _COLUMNS,
        Key(
            "several",
            "",
            "which of several reports of a company in one year is taken: the latest filed, the first, the one with the "
            "longest text; `refuse` stops, `all` keeps them; default latest",
            ("latest", "first", "longest", "refuse", "all"),
        ),
        _DATE_FORMAT,
        Key("sic_digits", "", "digits of the SIC codes: 2 and 3 are groups; default: as many as the longest has", (
            "2", "3", "4",
        )),
    ),
    "returns": (_KIND, _UNIT),
    "features": (_COLUMNS,),
    "prices": (_COLUMNS, _DATE_FORMAT),
    "factors": (_COLUMNS, _UNIT, _DATE_FORMAT),
    "fundamentals": (_COLUMNS,),
    "pairs": (_COLUMNS,),
    "pca": (
        Key("features", "", "what a published PCA was fitted on; default: what its own mean says", (
            "standardised", "raw",
        )),
    ),
    "published_clusters": (
        _COLUMNS,
        Key("groups", "nearest", "how pair lists such as TNIC become groups: every company with its nearest peer, or "
            "all pairs with a score of at least `cut`", ("nearest", "cut")),
        Key("cut", 0.0, "least score of a pair, for groups = \"cut\""),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Rules:
    """The keys of universe.toml by table; what it does not say has its default."""

    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, table: str) -> dict[str, Any]:
        """All keys of one table."""
        return {key.name: self.given.get(table, {}).get(key.name, key.default) for key in KEYS[table]}

    def says(self, table: str, key: str) -> bool:
        """Whether universe.toml itself has the key."""
        return key in self.given.get(table, {})


def read_rules(folder: Path) -> Rules:
    """The folder's universe.toml; defaults without one.

    Raises:
        UniverseError: no TOML, a table or key that does not exist (the nearest one is named), a value it cannot have.
    """
    path = folder / FILE
    if not path.exists():
        return Rules()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as problem:
        raise UniverseError(f"{path}: not TOML ({problem})") from None
    for table, keys in tables.items():
        if table not in KEYS or not isinstance(keys, dict):
            raise UniverseError(f"{path}: [{table}] is no table of {FILE}{nearest(table, KEYS)}")
        for name, value in keys.items():
            _check(path, table, name, value)
    return Rules(
        {table: {name: _plain(table, name, value) for name, value in keys.items()} for table, keys in tables.items()}
    )


def nearest(name: str, names: Any) -> str:
    """The sentence that names the nearest of some names, else all of them."""
    close = difflib.get_close_matches(name, list(names), 1)
    return f": did you mean {close[0]}?" if close else f", expected one of {', '.join(names)}"


def _plain(table: str, name: str, value: Any) -> Any:
    key = next(key for key in KEYS[table] if key.name == name)
    return str(value) if key.choices else value


def _check(path: Path, table: str, name: str, value: Any) -> None:
    keys = {key.name: key for key in KEYS[table]}
    if name not in keys:
        raise UniverseError(f"{path}: [{table}] {name} is no key{nearest(name, keys)}")
    key = keys[name]
    if key.choices and str(value) not in key.choices:
        raise UniverseError(f"{path}: [{table}] {name} is {value!r}, expected {' or '.join(key.choices)}")
    if key.choices:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = number if isinstance(key.default, float) else isinstance(value, type(key.default))
    if not fits or (name == "columns" and not all(isinstance(theirs, str) for theirs in value.values())):
        expected = {str: "text", float: "a number"}.get(type(key.default), '{ours = "theirs"}')
        raise UniverseError(f"{path}: [{table}] {name} is {value!r}, expected {expected}")
