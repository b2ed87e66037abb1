"""What a universe's folder may hold, and what it means if something is not there."""

import difflib
from collections.abc import Iterator
from pathlib import Path

from compsim_assets.universe.csv_files import SUFFIXES
from compsim_assets.universe.intake.decisions import Decisions

_TABLES = ("reports", "features", "prices", "pairs", "factors", "fundamentals")
_FOLDERS = (
    "reports", "features", "prices", "pairs", "fundamentals", "fuzz_scores", "published_clusters",
    "published_strong_features", "cointegrated_pairs",
)  # fmt: skip
_FILES = (
    *(f"{name}{suffix}" for name in _TABLES for suffix in (".parquet", *SUFFIXES)),
    "universe.toml", "extraction.toml", "embedding.toml", "huggingface.toml", "rebuild.toml", "judge.toml",
    "pca.safetensors", "pca.pkl", "index_cik_ticker_map.json",
)  # fmt: skip
# Notes for people, and what the generated sample says of itself.
_NOT_DATA = ("readme", "licen", "synthetic", "truth", "notes", ".")

# By table: what cannot be made without it, and what to do.
_NEEDED = {
    "reports": ("asset but those of published pairs", "give reports.parquet or reports.csv"),
    "prices": ("pairs trading: cointegrated_pairs, pairs_backtest, pairs_daily", "give prices.parquet or prices.csv"),
    "factors": ("factor-adjusted correlations in robustness", "give factors.parquet, or Ken French's CSV as it is"),
    "fundamentals": ("fundamentals_explained: what peers explain of accounts", "give fundamentals.parquet"),
    "fuzz_scores": ("fuzz_scores and how interpretable strong features are", "give delphi's files in fuzz_scores/"),
    "published_clusters": ("published cluster sets beside ours", "give published_clusters/<METHOD>.parquet"),
}  # fmt: skip


def say_missing(folder: Path, decisions: Decisions, has_features: bool, has_pairs: bool) -> None:
    """Name what the folder lacks, and the assets that this disables."""
    for name, (disabled, remedy) in _NEEDED.items():
        there = any(path.exists() for path in _places(folder, name))
        if not there and not (name == "reports" and has_pairs):
            decisions.of(name).missing(name, f"not there: without it no {disabled}", remedy=remedy)
    if not has_features and not has_pairs:
        what = "neither features, nor extraction.toml, nor pairs: companies cannot be compared"
        remedy = "write extraction.toml: which model and SAE read texts"
        decisions.of("features").missing("features", what, remedy=remedy)


def _places(folder: Path, name: str) -> Iterator[Path]:
    yield from (folder / f"{name}{suffix}" for suffix in (".parquet", *SUFFIXES))
    if name not in _TABLES:
        yield folder / name
    yield from (path for path in folder.glob(f"{name}/*") if path.name.endswith((".parquet", *SUFFIXES)))
    if name == "factors":
        yield from (path for suffix in (*SUFFIXES, ".zip") for path in folder.glob(f"F-F_*{suffix}"))


def say_unread(folder: Path, decisions: Decisions, used: set[Path]) -> None:
    """Name files and folders that nothing reads, each with the nearest name that is read.

    Args:
        used: files and folders that settings of the folder point to.
    """
    for path in sorted(folder.iterdir()):
        if path in used or path.name.lower().startswith(_NOT_DATA):
            continue
        if path.is_dir() and path.name.removesuffix(".parquet") in _FOLDERS:
            _say_shadowed(folder, path, decisions)
            _say_others(path, decisions)
            continue
        of_library = path.name.startswith("F-F_") and path.name.lower().endswith((*SUFFIXES, ".zip"))
        if path.is_file() and (path.name in _FILES or of_library):
            _say_second_form(folder, path, decisions)
            continue
        names = _FOLDERS if path.is_dir() else _FILES
        near = difflib.get_close_matches(path.name.lower(), names, 1, 0.6)
        hint = f": did you mean `{near[0]}`?" if near else ""
        decisions.of(path).left_out(path.name, f"`{path.name}` is not read{hint}", 1)


def _say_shadowed(folder: Path, path: Path, decisions: Decisions) -> None:
    """A folder of a table beside a file of the same table."""
    table = path.name.removesuffix(".parquet")
    names = (*(f"{table}{suffix}" for suffix in (".parquet", *SUFFIXES)), table)
    single = [name for name in names if name != path.name and (folder / name).exists()]
    if path.name == table:
        single = [name for name in single if (folder / name).is_file()]
    if single:
        decisions.of(path).left_out(path.name, f"`{path.name}/` is not read, since there is {single[0]}", 1)


def _say_others(path: Path, decisions: Decisions) -> None:
    """Files in the folder of a table that are no tables."""
    if path.name not in _TABLES:
        return
    names = [p.name for p in sorted(path.iterdir()) if not p.name.endswith((".parquet", *SUFFIXES))]
    if names := [name for name in names if not name.lower().startswith(_NOT_DATA)]:
        what = f"files in `{path.name}/` that are neither Parquet nor CSV are not read"
        decisions.of(path).left_out(path.name, what, len(names), names[0], "name them .csv, .csv.gz or .parquet")


def _say_second_form(folder: Path, path: Path, decisions: Decisions) -> None:
    """A file of a table that another file gives."""
    table = path.name.partition(".")[0]
    if table not in _TABLES:
        return
    first = next(p for suffix in (".parquet", *SUFFIXES) if (p := folder / f"{table}{suffix}").exists())
    if first != path:
        decisions.of(path).left_out(path.name, f"`{path.name}` is not read, since there is {first.name}", 1)
