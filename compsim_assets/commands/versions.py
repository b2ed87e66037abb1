"""`compsim versions`, `publish`, `rollback`, `verify`: whole sets of results, by name."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compsim_assets.commands.asking import UNASKABLE, WRONG, asking, settings

if TYPE_CHECKING:
    from compsim_assets.storage.versions import Version, Versions

_Name = Annotated[str, typer.Argument(metavar="VERSION", help="As `compsim versions` names it; its beginning will do.")]


@contextmanager
def _versions() -> Iterator["Versions"]:
    """Those of the configured results; a name that none has is a question that cannot be asked."""
    from compsim_assets.storage.results import Results
    from compsim_assets.storage.versions import UnknownVersion, Versions

    with asking():
        versions = Versions(Results.of(settings()))
        try:
            yield versions
        except UnknownVersion as problem:
            typer.echo(f"compsim: {problem}", err=True)
            raise typer.Exit(UNASKABLE) from None


def versions(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    pin: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Keep this one, and compare rebuilds with it.")
    ] = None,
    unpin: Annotated[bool, typer.Option("--unpin", help="Pin none.")] = False,
) -> None:
    """List the versions of the results. Readers see one of them."""
    with _versions() as every:
        if pin or unpin:
            every.pin(every.get(pin) if pin else None)
        current, pinned = every.current(), every.pinned()
        rows = [_described(version, version == current, version == pinned) for version in every.all()]
        if as_json:
            print(json.dumps(rows, indent=2))
            return
        if not rows:
            print("no version yet: `compsim materialize` makes the first")
        for row in rows:
            marks = ", ".join(mark for mark in ("current", "pinned") if row[mark])
            size = f"{row['results']:>3} results  {row['bytes'] / 1e6:>9,.1f} MB"
            print(f"{row['version']}  {size}  {marks}".rstrip())


def _described(version: "Version", current: bool, pinned: bool) -> dict[str, Any]:
    manifest = version.manifest
    notes = [result.get("note", {}) for result in manifest["results"].values()]
    return {
        "version": version.id,
        "made": manifest["made"],
        "run": manifest["run"],
        "current": current,
        "pinned": pinned,
        "results": len(manifest["results"]),
        "bytes": version.size,
        "compsim": manifest["compsim"],
        "settings": manifest["settings"],
        "sources": sorted({note["source"] for note in notes if note.get("source")}),
        "folder": str(version.folder),
    }


def rollback(
    version: _Name, force: Annotated[bool, typer.Option("--force", help="While a run works, too.")] = False
) -> None:
    """Go back to an earlier version.

    Newer ones stay. They are not published again by themselves.
    """
    with _versions() as every:
        wanted = every.get(version)
        if damaged := [line for _, line in wanted.damaged()]:
            typer.echo("\n".join([f"compsim: version {wanted.id} is damaged:", *damaged]), err=True)
            raise typer.Exit(WRONG)
        if not force and (busy := _under_way()):
            typer.echo(f"compsim: {busy}: wait, end it in the UI, or go back with --force", err=True)
            raise typer.Exit(UNASKABLE)
        every.rollback(wanted)
        print(f"readers see version {wanted.id}, and the results are again those of it")


def _under_way() -> str:
    """A run that is at work, for a person; empty where none is."""
    from compsim_assets.running.home import dagster_home
    from compsim_assets.settings import checkout

    dagster_home(Path(settings().data).expanduser(), checkout())
    import dagster as dg

    from compsim_assets.running.claims import give_back, under_way

    with dg.DagsterInstance.get() as instance:
        list(give_back(instance))
        return next(under_way(instance), "")


def publish() -> None:
    """Let readers see the results as they are now."""
    from compsim_assets.running.publishing import publish as publish_results

    with asking():
        line, whole = publish_results(settings(), again=True)
    typer.echo(line, err=not whole)
    if not whole:
        raise typer.Exit(WRONG)


def verify(
    version: Annotated[str | None, typer.Argument(help="One version; by default what readers see.")] = None,
    every_one: Annotated[bool, typer.Option("--all", help="All versions.")] = False,
) -> None:
    """Compare the checksum of every file with the published one."""
    with _versions() as every:
        asked = every.all() if every_one else [every.get(version)] if version else [every.current()]
        wanted = [each for each in asked if each]
        if not wanted:
            raise FileNotFoundError("no version yet: `compsim materialize` makes the first")
        damaged = [each for version in wanted for each in version.damaged()]
        for _, line in damaged:
            print(line)
        if damaged:
            assets = ",".join(dict.fromkeys(name.partition("/")[0] for name, _ in damaged))
            print(f"`compsim materialize {assets} --force` makes again what is damaged")
            raise typer.Exit(WRONG)
        files = sum(len(result["files"]) for each in wanted for result in each.manifest["results"].values())
        print(f"{files:,} files of {len(wanted)} version{'s' if len(wanted) > 1 else ''} hold what was published")
