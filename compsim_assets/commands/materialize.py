"""`compsim materialize`: what is out of date, made in one run."""

import re
import time
import warnings
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compsim_assets.commands.asking import WRONG, asking, settings
from compsim_assets.contracts.modes import CUTOFF_MODES
from compsim_assets.explore.questions import few
from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    import dagster as dg

    from compsim_assets.automation.planning import Plan
    from compsim_assets.running.make import Outcome

AGAIN = "Run the same command again: what is whole is kept."
INTERRUPTED = 130
_NAMED = 3  # of results that something is said of together


def materialize(
    select: Annotated[
        str | None, typer.Argument(help="Assets in Dagster's selection syntax, e.g. 'key:cutoffs+'; all by default.")
    ] = None,
    mode: Annotated[
        list[str] | None, typer.Option(metavar="|".join(CUTOFF_MODES), help="Only this cutoff mode; all by default.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Make also what is up to date.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show Dagster's own log.")] = False,
) -> None:
    """Make what is out of date, in one run. Then print Table 1."""
    begun = time.monotonic()
    try:
        from compsim_assets.running.steps import start_server

        with asking():
            start_server(silent=not verbose)  # it loads on another core while this process plans
            plan = _planned(select, mode or list(CUTOFF_MODES), force)
        if plan.blocked:
            reasons = [f"{name} ({why})" for name, why in plan.blocked.items()]
            _say(f"  warning: out of date, and not selected: {few(reasons, _NAMED)}")
        if not plan.assets:
            print(f"everything is up to date: {_counted(plan.current, 'result')}. --force makes them again")
            if select is None:
                _publish_what_is_whole()
            print("compsim table prints Table 1")
            return
        outcome = _run(plan, select is None, verbose)
    except KeyboardInterrupt:
        _say(f"stopped before anything was made. {AGAIN}")
        raise typer.Exit(INTERRUPTED) from None
    _conclude(outcome, plan, time.monotonic() - begun)


def _planned(select: str | None, modes: Sequence[str], force: bool) -> "Plan":
    """What is to be made.

    Raises:
        UniverseError: settings or a universe that cannot be used, a mode that is none, a selection of nothing.
    """
    from compsim_assets.universe.opening import check_settings

    if unknown := set(modes) - set(CUTOFF_MODES):
        raise UniverseError(f"there is no cutoff mode {', '.join(sorted(unknown))}: {' or '.join(CUTOFF_MODES)}")
    current = settings()
    check_settings(current)
    from compsim_assets.automation.planning import plan
    from compsim_assets.definitions import defs

    return plan(defs, current, _selected(select, defs), modes, force)


def _selected(select: str | None, defs: "dg.Definitions") -> "set[dg.AssetKey]":
    """The assets of a selection. Where it matches nothing Dagster itself would run everything.

    Raises:
        UniverseError: no asset is selected.
    """
    import dagster as dg

    graph = defs.resolve_asset_graph()
    everything = set(graph.executable_asset_keys)
    if select is None:
        return everything
    try:
        with warnings.catch_warnings(category=dg.BetaWarning, action="ignore"):  # on Dagster's own calls
            keys = set(dg.AssetSelection.from_coercible(select.split(",")).resolve(graph))
        problem = "selects no asset"
    except dg.DagsterInvalidSubsetError:
        keys, problem = set(), "names an asset that does not exist"
    except dg.DagsterError:
        raise UniverseError(f"{select!r} cannot be read as a selection of assets") from None
    if not keys & everything:
        near = _near(select, {key.to_user_string(): graph.get(key).group_name for key in everything})
        raise UniverseError(f"{select!r} {problem}" + (f". Did you mean {' or '.join(near)}?" if near else ""))
    return keys & everything


def _near(select: str, groups: Mapping[str, str]) -> list[str]:
    """Assets, and groups of assets, that are named nearly as the words of a selection."""
    names = dict.fromkeys([*groups, *groups.values()])
    near = [name for word in re.findall(r"\w+", select) for name in get_close_matches(word, names, n=2, cutoff=0.75)]
    return [name if name in groups else f"group:{name}" for name in dict.fromkeys(near)]


def _run(plan: "Plan", everything: bool, verbose: bool) -> "Outcome":
    import dagster as dg

    from compsim_assets import definitions
    from compsim_assets.automation import EVERYTHING, PART, REBUILD
    from compsim_assets.running.home import dagster_home
    from compsim_assets.running.make import make
    from compsim_assets.settings import checkout

    with asking():
        dagster_home(Path(definitions.settings.data).expanduser(), checkout())
    current = f"; up to date: {_counted(plan.current, 'result')}" if plan.current else ""
    _say(f"{_counted(len(plan.assets), 'asset')} to make{current}")
    _say_why(plan)
    with asking(), dg.DagsterInstance.get() as instance:
        tags = {REBUILD: EVERYTHING if everything else PART}
        return make(instance, definitions.everything, plan.assets, plan.modes, _say, tags, verbose)


def _say_why(plan: "Plan") -> None:
    """The reasons, but for what follows from another."""
    reasons = dict[str, list[str]]()
    for name, why in plan.reasons.items():
        if not why.endswith("is made again"):
            reasons.setdefault(why, []).append(name)
    for why, names in reasons.items():
        _say(f"  {why}: {few(names, _NAMED)}")


def _conclude(outcome: "Outcome", plan: "Plan", seconds: float) -> None:
    """Say how it ended; Table 1 where it was made."""
    progress = outcome.progress
    made = {name.partition("/")[0] for name in progress.made}
    missing = sorted({key.to_user_string() for key in plan.assets} - made)
    if outcome.signal:
        _say(f"stopped: {_counted(len(progress.made), 'result')} made, {_counted(len(missing), 'asset')} not. {AGAIN}")
        raise typer.Exit(INTERRUPTED)
    if not outcome.success:
        _say(f"failed: {', '.join(progress.failed) or 'the run'}. Not made: {', '.join(missing) or 'nothing'}.")
        _say(f"{AGAIN} --verbose shows Dagster's log; the UI keeps it.")
        raise typer.Exit(WRONG)
    _say(f"{_counted(len(progress.made), 'result')} made in {seconds:.0f} s{_seen()}")
    if {"table_1", "findings"} & made:
        print(_table_1(), end="")
    elif "explorer" in made:
        from compsim_assets.commands.table import explorer_link
        from compsim_assets.storage.results import Results

        print(explorer_link(Results.of(settings())), end="")


def _seen() -> str:
    """What readers see now, which is older where something was not published; a warning has said why."""
    from compsim_assets.storage.results import Results
    from compsim_assets.storage.versions import Versions

    current = Versions(Results.of(settings())).current()
    return f"; readers see version {current.id}" if current else ""


def _publish_what_is_whole() -> None:
    """A run that was killed after its last step has made all and published nothing."""
    from compsim_assets.running.publishing import publish

    line, _ = publish(settings())
    _say(line)


def _table_1() -> str:
    """What `compsim table` prints, by a process that has loaded pandas already."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as processes:
        return processes.submit(_printed).result()


def _printed() -> str:
    from contextlib import redirect_stdout
    from io import StringIO

    from compsim_assets.commands.table import print_table_1

    with redirect_stdout(StringIO()) as text, asking():
        print_table_1()
    return text.getvalue()


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _say(line: str) -> None:
    typer.echo(line, err=True)
