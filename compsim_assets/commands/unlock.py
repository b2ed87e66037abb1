"""`compsim unlock`: what runs hold and wait for, and freeing it by hand."""

from pathlib import Path
from typing import Annotated, Any

import typer

from compsim_assets.commands.asking import UNASKABLE, asking, settings


def unlock(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN_ID", help="Free what this run holds; or its first digits.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also where its process is alive, which then ends.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The same as JSON.")] = False,
) -> None:
    """Free what dead runs hold. Show what is held and waited for."""
    import json

    import dagster as dg

    from compsim_assets.running.claims import give_back
    from compsim_assets.running.held import NotFreed, free, picture

    with asking():
        _find_home()
    with dg.DagsterInstance.get() as instance:
        try:
            freed = list(give_back(instance))
            freed += free(instance, run, force) if run else ()
        except NotFreed as problem:
            typer.echo(f"compsim: {problem}", err=True)
            raise typer.Exit(UNASKABLE) from None
        there = picture(instance)
    if as_json:
        typer.echo(json.dumps({"freed": freed, **there}, indent=2))
    else:
        _print(freed, there)


def _find_home() -> None:
    from compsim_assets.running.home import dagster_home
    from compsim_assets.settings import checkout

    dagster_home(Path(settings().data).expanduser(), checkout())


def _print(freed: list[str], there: dict[str, list[dict[str, Any]]]) -> None:
    for line in freed:
        typer.echo(line)
    for each in there["runs"]:
        typer.echo(f"{each['run']}: {each['status']} since {each['since']}, {each['process']}, {each['state']}")
    for each in there["held"]:
        typer.echo(f"pool {each['pool']} is held by step {each['step']} of {_whose(each)}")
    for each in there["waiting"]:
        typer.echo(f"pool {each['pool']} is waited for by step {each['step']} of {_whose(each)}")
    for each in there["queue"]:
        typer.echo(f"{each['run']} waits since {each['since']} for {each['for']}")
    if not any(there.values()):
        typer.echo("nothing is held, and nobody waits")
    if any(each["state"] == "unknown" for each in (*there["runs"], *there["held"])):
        typer.echo(
            "unknown: of another machine or container, or just starting. compsim unlock RUN_ID frees what it holds"
        )


def _whose(claim: dict[str, Any]) -> str:
    since = f", since {claim['since']}" if claim["since"] else ""
    return f"{claim['run']}, {claim['state']}{since}"
