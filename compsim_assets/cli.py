"""The command line `compsim`, also `python -m compsim_assets`; what its commands do is in `commands`."""

import typer

from compsim_assets.commands.check import check
from compsim_assets.commands.cluster import cluster
from compsim_assets.commands.diff import diff
from compsim_assets.commands.explain import explain
from compsim_assets.commands.export import export
from compsim_assets.commands.init import init
from compsim_assets.commands.judge import judge
from compsim_assets.commands.latent import latent
from compsim_assets.commands.materialize import materialize
from compsim_assets.commands.peers import peers
from compsim_assets.commands.search import search
from compsim_assets.commands.status import status
from compsim_assets.commands.table import table
from compsim_assets.commands.unlock import unlock
from compsim_assets.commands.versions import publish, rollback, verify, versions

app = typer.Typer(
    name="compsim",
    help="Which companies are alike, and why? Without a command: Table 1 of the materialized results.",
    add_completion=False,
    rich_markup_mode=None,  # half of the time of a start
    pretty_exceptions_enable=False,
)
for question in (peers, explain, cluster, latent, search, diff, status):
    app.command()(question)
for command in (init, check, materialize, table, versions, publish, rollback, verify, export, unlock, judge):
    app.command()(command)


@app.callback(invoke_without_command=True)
def _without_a_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        table()


def main(*arguments: str) -> None:
    """What `compsim` does with these arguments; without any it prints Table 1."""
    app(list(arguments), standalone_mode=False)
