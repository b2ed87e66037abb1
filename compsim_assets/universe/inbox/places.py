"""Where a file of the inbox belongs in the universe's folder, by its name."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from compsim_assets.universe.csv_files import SUFFIXES
from compsim_assets.universe.layout import UniverseError

_TABLE_SUFFIXES = (".parquet", *SUFFIXES)
_PARTED = ("reports", "features", "pairs", "prices", "fundamentals")  # tables that may be a folder of files
_TABLES = (*_PARTED, "factors")
_SINGLES = {"pca.safetensors": ("pca.pkl",), "pca.pkl": ("pca.safetensors",), "index_cik_ticker_map.json": ()}
# Folders of files that each stand for themselves, and what such a file may be called.
_FOLDERS = {
    "fuzz_scores": re.compile(r".*_latent.*\.(txt|json)"),
    "fuzz_scores/scores/fuzz": re.compile(r".*_latent.*\.(txt|json)"),
    "published_clusters": re.compile(r"[^_].*\.(parquet|csv|csv\.gz|pkl|txt|txt\.gz)"),
    "published_strong_features": re.compile(r".*\.pkl"),
    "cointegrated_pairs": re.compile(r".*\.csv"),
}
_USUAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+,&()-]*", re.ASCII)
FOLDERS = frozenset({*_PARTED, *(name.partition("/")[0] for name in _FOLDERS)})


@dataclass(frozen=True)
class Place:
    """Where a file goes.

    path: in the universe's folder. instead: files whose role it takes, beside one of the same path. parts: a table's
    single file, which becomes the first file of the table's folder: from, to. table: the table that it is or belongs
    to, else its own path. whole: whether it is all of that.
    """

    path: str
    table: str
    whole: bool
    instead: tuple[str, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()

    def meets(self, other: "Place") -> bool:
        """Whether two files cannot come at once: one would take the other's place."""
        return self.table == other.table and (self.whole or other.whole or self.path == other.path)


def place_of(name: str, universe: Path) -> Place:
    """The place of a file, by its path in the inbox.

    Raises:
        UniverseError: nothing of a universe has this name; what to do.
    """
    path = PurePosixPath(name)
    for part in path.parts:
        if not _USUAL.fullmatch(part):
            raise UniverseError(
                f"the name {part!a}, expected one of letters, digits and . _ - + that begins with a letter or a "
                "digit: give it another name"
            )
    if path.suffix == ".toml":
        raise UniverseError("settings are not taken from an inbox: put it into the universe's folder yourself")
    place = _table(path, universe) or _of_folder(path, universe) or _single(path)
    if place is None:
        raise UniverseError(f"nothing of a universe has this name{_nearest(path)}: see what a folder may hold")
    return place


def _table(path: PurePosixPath, universe: Path) -> Place | None:
    """A file that is a whole table, or a part of one: `prices.csv`, `prices/2026.csv`, `prices_2026.csv`."""
    suffix = next((suffix for suffix in _TABLE_SUFFIXES if path.name.endswith(suffix)), "")
    stem = path.name.removesuffix(suffix)
    if not suffix:
        return None
    if len(path.parts) == 1 and stem in _TABLES:
        return _whole(stem, suffix, universe)
    beginning = re.match(rf"({'|'.join(_PARTED)})[-_ .]", stem)
    if len(path.parts) == 2 and path.parts[0] in _PARTED:
        return _part(path.parts[0], path.name, universe)
    if len(path.parts) == 1 and beginning:
        return _part(beginning[1], path.name, universe)
    return None


def _whole(table: str, suffix: str, universe: Path) -> Place:
    folders = (folder for folder in (table, f"{table}.parquet") if (universe / folder).is_dir())
    if folder := next(folders, ""):
        raise UniverseError(
            f"the universe's {table} are the files of its folder {folder}/: drop it as {table}/<NAME>{suffix} to add "
            f"it to them, or make one file of that folder yourself"
        )
    others = (f"{table}{other}" for other in _TABLE_SUFFIXES if other != suffix)
    return Place(f"{table}{suffix}", table, True, tuple(name for name in others if _is_there(universe / name)))


def _part(table: str, name: str, universe: Path) -> Place:
    singles = [f"{table}{suffix}" for suffix in _TABLE_SUFFIXES if (universe / f"{table}{suffix}").is_file()]
    # Only the first of several is read; the others would become parts that nobody has looked at.
    parts = tuple((single, f"{table}/{single}") for single in singles[:1])
    spark = not singles and not (universe / table).is_dir() and (universe / f"{table}.parquet").is_dir()
    return Place(f"{table}.parquet/{name}" if spark else f"{table}/{name}", table, False, tuple(singles[1:]), parts)


def _of_folder(path: PurePosixPath, universe: Path) -> Place | None:
    """A file that stands for itself, in a folder of such; a method of `published_clusters` has one file."""
    folder = path.parent.as_posix()
    if folder not in _FOLDERS or not _FOLDERS[folder].fullmatch(path.name):
        return None
    same: list[str] = []
    if folder == "published_clusters":
        method = _method(path.name)
        there = sorted((universe / folder).glob("[!.]*"))
        same = [f"{folder}/{other.name}" for other in there if _method(other.name) == method]
        table = f"{folder}/{method}"
    else:
        table = path.as_posix()
    return Place(path.as_posix(), table, True, tuple(name for name in same if name != path.as_posix()))


def _method(name: str) -> str:
    return re.sub(r"\.(parquet|csv|csv\.gz|pkl|txt|txt\.gz)$", "", name)


def _single(path: PurePosixPath) -> Place | None:
    if path.as_posix() in _SINGLES:
        table = path.name.partition(".")[0]
        return Place(path.name, table, True, _SINGLES[path.name])
    of_library = path.name.startswith("F-F_") and path.name.lower().endswith((*SUFFIXES, ".zip"))
    return Place(path.name, path.name, True) if of_library and len(path.parts) == 1 else None


def _nearest(path: PurePosixPath) -> str:
    near = difflib.get_close_matches(path.as_posix().lower(), list(_names()), 1, 0.6)
    return f" (did you mean {near[0]}?)" if near else ""


def _names() -> Iterator[str]:
    yield from (f"{table}{suffix}" for table in _TABLES for suffix in _TABLE_SUFFIXES)
    yield from _SINGLES
    yield from (f"{folder}/{{NAME}}" for folder in _FOLDERS)


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()
