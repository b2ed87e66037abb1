"""`compsim init`: a universe's folder with a commented universe.toml, and what to put where."""

import textwrap
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from compsim_assets.commands.asking import asking

_HEAD = """\
# What this universe says about its own files. Everything here has a default: remove the # of a line to change it.
# `compsim check` says what each file was read as, and which of these lines would read it otherwise.
"""
# What a universe's folder may hold, and what it is for; more in docs/data.md.
_FILES = {
    "reports": (
        "one row per company and year: who, when, the text, an SIC code; 12 monthly returns, if there are some",
        ("company_name", "year", "ticker", "cik", "sic_code", "section_1"),
    ),
    "prices": (
        "adjusted closes, one row per ticker and day, or a column per ticker as Yahoo gives them; returns come from "
        "them where reports have none",
        ("ticker", "date", "adj_close"),
    ),
    "features": ("SAE features of each report; not needed with an extraction.toml", ("__index_level_0__", "features")),
    "extraction.toml": ("a language model, an SAE and a hookpoint: features are made from the texts", ()),
}


def init(
    folder: Annotated[Path, typer.Argument(help="The universe's folder; made where there is none.")],
    features: Annotated[
        str, typer.Option(help="Write an extraction.toml, too: llama-3-8b, pythia-160m, minilm or chronobert.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is written where it is there.")] = False,
) -> None:
    """Make a folder for your own data. It gets a commented universe.toml, and you are told what to put where.

    With --features an extraction.toml alone is written where a universe.toml is there.
    """
    from rich.console import Console

    from compsim_assets.universe.intake.rules import FILE

    console = Console(soft_wrap=True, highlight=False, markup=False)
    with asking():
        described = _write_features(folder, features, force) if features else []
        path = folder / FILE
        folder.mkdir(parents=True, exist_ok=True)
        if not features or force or not path.exists():
            if path.exists() and not force:
                raise FileExistsError(f"{path} is there already: --force overwrites it")
            path.write_text(commented_rules(), encoding="utf-8")
            console.print(_what_to_put_where(folder, FILE))
    for line in described:
        console.print(line)


def _write_features(folder: Path, name: str, force: bool) -> list[str]:
    """Write the extraction.toml of a preset; lines on what it costs."""
    from compsim_assets.commands.presets import FILE, commented, preset_of, time_of

    preset, path = preset_of(name), folder / FILE
    if path.exists() and not force:
        raise FileExistsError(f"{path} is there already: --force overwrites it")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(commented(name, preset), encoding="utf-8")
    return [f"{path} is written, the preset {name}:", *(f"  {line}" for line in [*preset.said(), time_of(path)])]


def commented_rules() -> str:
    """A universe.toml of all tables and keys, each key commented out with its meaning and its default."""
    from compsim_assets.universe.intake.rules import KEYS

    parts = [_HEAD]
    for table, keys in KEYS.items():
        parts.append(f"[{table}]")
        for key in keys:
            choices = f" One of {', '.join(map(_toml, key.choices))}." if key.choices else ""
            meaning = f"{key.what[:1].upper()}{key.what[1:]}.{choices}"
            parts += textwrap.wrap(meaning, 110, initial_indent="# ", subsequent_indent="# ")
            value = key.choices[0] if key.choices and key.default == "" else key.default
            parts.append(f"# {key.name} = {_toml(value)}")
        parts.append("")
    return "\n".join(parts)


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _what_to_put_where(folder: Path, file: str) -> str:
    lines = [f"{folder / file} is written. Put beside it, as Parquet, CSV or CSV.gz:", ""]
    for name, (what, columns) in _FILES.items():
        title = name if "." in name else f"{name}.csv, {name}.parquet"
        lines.append(f"  {title}")
        lines += textwrap.wrap(what, 100, initial_indent="      ", subsequent_indent="      ")
        for column in columns:
            others = _other_names(name, column)
            lines.append(f"      - {column}{f' ({others})' if others else ''}")
    lines += [
        "",
        "Other spellings of these columns are in docs/intake.md, or say yours in universe.toml. Then:",
        "",
        f"  compsim check {quote(str(folder))}",
        f"  export COMPSIM_SOURCE=local COMPSIM_UNIVERSE={quote(str(folder.resolve()))}",
        "  compsim materialize",
    ]
    return "\n".join(lines)


def _other_names(table: str, column: str) -> str:
    from compsim_assets.universe.intake.columns import ALIASES

    names = ALIASES.get(table, {}).get(column, ())
    return f"or {', '.join(names[:4])}" if names else ""
