"""`compsim export`: one version of the results to a folder or an object store."""

from typing import Annotated

import typer

from compsim_assets.commands.asking import UNASKABLE, WRONG, asking, settings


def export(
    target: Annotated[str, typer.Argument(help="A folder, or a URL: s3://BUCKET/PREFIX, or any that fsspec knows.")],
    version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="As `compsim versions` names it; by default what readers see.")
    ] = None,
) -> None:
    """Copy a version to TARGET/VERSION, its manifest last. What is there already is not sent again."""
    with asking():
        from compsim_assets.storage.export import ExportError, export_version
        from compsim_assets.storage.results import Results
        from compsim_assets.storage.versions import UnknownVersion, Versions

        versions = Versions(Results.of(settings()))
        try:
            wanted = versions.get(version) if version else versions.current()
            if wanted is None:
                raise FileNotFoundError("no version yet: `compsim materialize` makes the first")
            sent = export_version(wanted, target, lambda line: typer.echo(line, err=True))
        except UnknownVersion as problem:
            typer.echo(f"compsim: {problem}", err=True)
            raise typer.Exit(UNASKABLE) from None
        except ExportError as problem:
            typer.echo(f"compsim: {problem}", err=True)
            raise typer.Exit(WRONG) from None
    print(
        f"version {wanted.id} is whole in {sent.where}: {sent.files:,} files, {sent.bytes / 1e6:,.1f} MB; "
        f"{sent.sent:,} files sent, {sent.files - sent.sent:,} were there"
    )
