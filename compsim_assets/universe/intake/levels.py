"""How much a rebuild may differ from what was published before: `levels.toml`, and what a universe's `rebuild.toml`
changes of it.
"""

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from compsim_assets.contracts import TABLES
from compsim_assets.universe.layout import UniverseError

FILE = "rebuild.toml"
FINE, SUSPICIOUS, STOP = GRADES = ("fine", "suspicious", "stop")
_DEFAULTS = Path(__file__).with_name("levels.toml")
_LEVELS = (STOP, SUSPICIOUS)
_ARRAYS = ("sae_features", "pca", "embeddings")


@dataclass(frozen=True)
class Levels:
    """From which size on a change is suspicious, or stops what is to be published."""

    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def grade(self, table: str, measure: str, size: float | None) -> tuple[str, float]:
        """The grade of a change of this size, and the level that it reaches; NaN where it reaches none."""
        if size is None or math.isnan(size):
            return FINE, math.nan
        of_measure = self.given.get(measure, {})
        of_table = of_measure.get(table.partition("/")[0], {})
        for grade in _LEVELS:
            level = _of_direction(of_table.get(grade, of_measure.get(grade, False)), size)
            if level is not False and abs(size) >= level - 1e-12:
                return grade, float(level)
        return FINE, math.nan


def _of_direction(level: Any, size: float) -> Any:
    return level.get("fall" if size < 0 else "rise", False) if isinstance(level, dict) else level


def default_levels() -> Levels:
    """Those of the package."""
    return Levels(tomllib.loads(_DEFAULTS.read_text(encoding="utf-8")))


def read_levels(folder: Path) -> Levels:
    """Those of the package, changed by the folder's `rebuild.toml` where there is one.

    Raises:
        UniverseError: it is no TOML, or names a measure, a table or a level that does not exist; says which.
    """
    path, levels = folder / FILE, {name: dict(keys) for name, keys in default_levels().given.items()}
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return Levels(levels)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise UniverseError(f"{path}: is no TOML: {problem}") from None
    for problem_text in _problems(given, levels):
        raise UniverseError(f"{path}: {problem_text}")
    for measure, keys in given.items():
        for key, value in keys.items():
            of_table = isinstance(value, dict) and key not in _LEVELS
            levels[measure][key] = {**levels[measure].get(key, {}), **value} if of_table else value
    return Levels(levels)


def _problems(given: Mapping[str, Any], measures: Mapping[str, Any]) -> Iterator[str]:
    for measure, keys in given.items():
        if measure not in measures:
            yield f"there is no measure `{measure}`{_near(measure, measures)}, expected one of {', '.join(measures)}"
        elif not isinstance(keys, dict):
            yield f"`{measure}` is {keys!r}, expected a table: [{measure}] with suspicious and stop"
        else:
            yield from _problems_of(measure, keys)


def _problems_of(place: str, keys: Mapping[str, Any], in_table: bool = False) -> Iterator[str]:
    tables = () if in_table else (*TABLES, *_ARRAYS)
    for key, value in keys.items():
        if key in _LEVELS:
            parts = value if isinstance(value, dict) else {"fall": value}
            if not set(parts) <= {"fall", "rise"} or not all(map(_is_level, parts.values())):
                expected = "a number above 0, false, or {fall = .., rise = ..} of such"
                yield f"[{place}] {key} is {value!r}, expected {expected}"
        elif key in tables and isinstance(value, dict):
            yield from _problems_of(f"{place}.{key}", value, in_table=True)
        else:
            expected = "suspicious or stop" + ("" if in_table else ", or a table with these")
            yield f"[{place}] has no `{key}`{_near(key, (*_LEVELS, *tables))}, expected {expected}"


def _is_level(value: Any) -> bool:
    return value is False or (isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf)


def _near(word: str, words: Any) -> str:
    near = get_close_matches(word, list(words), 1, 0.6)
    return f" (did you mean `{near[0]}`?)" if near else ""
