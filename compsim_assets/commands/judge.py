"""`compsim judge`: labels and scores of latents by a language model, where a judge.toml names one."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compsim_assets.commands.asking import WRONG, asking, settings

if TYPE_CHECKING:
    from compsim_assets.judge.plans import Bench, Estimate, Plan
    from compsim_assets.judge.runs import Outcome, Run
    from compsim_assets.settings import Settings
    from compsim_assets.universe.judging.settings import JudgeSettings

_INTERRUPTED = 130
_TABLE = "latent_windows"


def judge(
    latents: Annotated[str | None, typer.Option(metavar="LATENTS", help="Only these: 4711, 12-20, or several.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Judge only so many.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also those that are judged.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would cost, and call nothing.")] = False,
) -> None:
    """Let a language model name latents. Then ask whether it can tell their windows by the name. It may cost money."""
    with asking():
        current = settings()
        folder = _folder(current)
        judge_settings = _judge_settings(folder, current)
        bench = _bench(current, folder, judge_settings)
        with nullcontext() if dry_run else _alone(bench.files.folder):
            if not dry_run:
                judge_settings.secret()  # asked for before anything is computed
                bench.files.recover()
            plan = bench.plan(_numbers(latents), limit, again)
            _print_plan(judge_settings, plan, bench.estimate(plan.latents))
            if plan.latents and not dry_run:
                _judge(bench, plan)


def _folder(current: "Settings") -> Path:
    """The universe's folder."""
    from compsim_assets.universe.folder import folder_of
    from compsim_assets.universe.layout import UniverseError

    if current.source == "sample":
        raise UniverseError("the embedded sample is generated with its scores: a judge works on your own universe")
    if not current.universe:
        raise UniverseError(f"COMPSIM_SOURCE={current.source}: a judge needs COMPSIM_UNIVERSE, where its files go")
    return folder_of(current)


def _judge_settings(folder: Path, current: "Settings") -> "JudgeSettings":
    from compsim_assets.settings import setting
    from compsim_assets.universe.judging.settings import FILE, JudgeSettings

    elsewhere = setting("COMPSIM_JUDGE")
    return JudgeSettings.from_toml(Path(elsewhere).expanduser() if elsewhere else folder / FILE)


def _bench(current: "Settings", folder: Path, judge_settings: "JudgeSettings") -> "Bench":
    """The windows and features that readers see."""
    from compsim_assets.judge.files import JudgeFiles
    from compsim_assets.judge.others import of_both, of_files, of_reports
    from compsim_assets.judge.plans import Bench
    from compsim_assets.judge.windows import COLUMNS, Windows
    from compsim_assets.read import open_results
    from compsim_assets.storage.results import read_table
    from compsim_assets.storage.shards import FeatureShards
    from compsim_assets.universe.folder import Universe
    from compsim_assets.universe.layout import UniverseError

    opened = open_results()
    for name in (_TABLE, "sae_features"):
        opened.results.require(name, current.taking_part())
    windows = Windows(read_table(opened.results.table(_TABLE), list(COLUMNS)))
    if not len(windows):
        raise UniverseError(
            f"{_TABLE} is empty: features that are extracted here have windows, imported ones have none"
        )
    features = FeatureShards(opened.results.array_folder("sae_features"))
    hookpoint = judge_settings.hookpoint or features.manifest.get("hookpoint")
    if not hookpoint:
        raise UniverseError(f"{judge_settings.file}: hookpoint is missing, the features do not say where they are from")
    scored = of_files(Universe(folder).fuzz_score_files(), hookpoint)
    others = of_both(windows, of_reports(windows, features), scored)
    files = JudgeFiles(folder / "fuzz_scores")
    return Bench(judge_settings, windows, others, files, hookpoint, str(features.manifest["content"]))


def _numbers(latents: str | None) -> list[int] | None:
    """`3,5-7` as 3, 5, 6, 7."""
    from compsim_assets.universe.layout import UniverseError

    if latents is None:
        return None
    numbers = set[int]()
    for part in filter(None, re.split(r"[,\s]+", latents)):
        match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last or last - first > 1_000_000:
            raise UniverseError(f"--latents {part}: expected a number, or a range such as 12-20")
        numbers |= set(range(first, last + 1))
    return sorted(numbers)


def _print_plan(judge_settings: "JudgeSettings", plan: "Plan", estimate: "Estimate") -> None:
    bill, host = estimate.bill, judge_settings.address.hostname
    print(f"judge: {judge_settings.model} at {host}")
    already = {"judged": plan.done, "judged otherwise": plan.otherwise, "given by other files": plan.of_others}
    skipped = ", ".join(f"{count:,} {what}" for what, count in already.items() if count)
    print(f"latents: {len(plan.latents):,} to judge{f'; left alone: {skipped}' if skipped else ''}")
    if plan.otherwise:
        print("  judged otherwise: by another model, prompt or seed, lacking a score, of other features; see --again")
    of = "" if estimate.looked_at == len(plan.latents) else f" of {estimate.looked_at:,} that were looked at"
    for why, count in sorted(estimate.too_few.items()):
        print(f"  {why}: {count:,}{of}, not judged")
    if not bill.latents:
        return
    about = "" if not of else f" (all as the {estimate.looked_at:,} that were looked at)"
    print(f"questions: {bill.questions:,.0f} of {bill.latents:,.0f} latents{about}")
    most = f"{bill.most_out:,.0f} at most" if bill.most_out else "without a limit: [request] has no max_tokens"
    print(f"tokens: about {bill.tokens_in:,.0f} asked, about {bill.tokens_out:,.0f} answered, {most}")
    if judge_settings.price_in or judge_settings.price_out:
        upper = f", {bill.cost(judge_settings, most=True):,.4f} at most" if bill.most_out else ""
        print(f"cost: about {bill.cost(judge_settings):,.4f}{upper}, in the currency of price_in and price_out")
    else:
        print("cost: unknown, judge.toml has no price_in and price_out")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One judge at a time works on a universe."""
    from filelock import FileLock, Timeout

    from compsim_assets.universe.layout import UniverseError

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".judge.lock", timeout=0):
            yield
    except Timeout:
        raise UniverseError(f"{folder}: another `compsim judge` works on it; wait for it, or end it") from None


def _judge(bench: "Bench", plan: "Plan") -> None:
    """Judge, and say what came of it; ends with 1 where a question was not answered."""
    from compsim_assets.judge.client import Client
    from compsim_assets.judge.runs import Run

    client = Client(bench.settings)
    run = Run(bench, client, plan.latents)
    counts, ended = Counter[str](), ""
    nulls, examples = 0, 0
    try:
        for outcome in _shown(run, len(plan.latents)):
            counts[outcome.state] += 1
            ended = outcome.what if outcome.state == "ended" else ended
            for score in outcome.judged.scores.values() if outcome.judged else ():
                nulls, examples = nulls + score["without_answer"], examples + score["examples"]
    except KeyboardInterrupt:
        typer.echo("compsim: interrupted; what is judged is kept, the same command goes on from there", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    finally:
        _print_end(bench, run, counts, nulls, examples, client.unanswered)
    if ended:
        typer.echo(f"compsim: ended early: {ended}", err=True)
    if ended or counts["failed"]:
        raise typer.Exit(WRONG)


def _print_end(
    bench: "Bench", run: "Run", counts: Counter[str], nulls: int, examples: int, unanswered: int
) -> None:  # fmt: skip
    words = {
        "judged": "judged", "unlabelled": "without a label", "too_few": "with too few windows",
        "failed": "failed: the same command asks again",
    }  # fmt: skip
    print(
        "latents: " + (", ".join(f"{counts[state]:,} {what}" for state, what in words.items() if counts[state]) or "0")
    )
    print(f"answers lacking: {nulls:,} of {examples:,} examples; questions asked again: {unanswered:,}")
    money, tokens = run.spent
    cost = f", cost {money:,.4f}" if bench.settings.price_in or bench.settings.price_out else ""
    print(f"tokens: {tokens:,.0f}{cost}")
    if counts["judged"]:
        print(f"in {bench.files.folder}; `compsim materialize` reads it")


def _shown(run: "Run", n: int) -> "Iterator[Outcome]":
    """Outcomes, with a bar on a terminal and a line each elsewhere, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    bar = Progress(
        TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[tokens]} tokens"),
        TimeRemainingColumn(), console=console, disable=not console.is_terminal,
    )  # fmt: skip
    with bar:
        task = bar.add_task("", total=n, tokens=0)
        for outcome in run.outcomes():
            bar.update(task, advance=1, tokens=f"{run.spent[1]:,.0f}")
            if line := _line(outcome):
                console.print(line)
            yield outcome


def _line(outcome: "Outcome") -> str:
    judged = outcome.judged
    if judged is None:
        return (
            "" if outcome.state == "ended" else f"  {outcome.latent}: {outcome.state.replace('_', ' ')}: {outcome.what}"
        )
    scores = [
        f"{kind} {each['right']} of {each['examples'] - each['without_answer']}"
        + (f" ({each['without_answer']} without an answer)" if each["without_answer"] else "")
        for kind, each in judged.scores.items()
    ]
    return f"  {outcome.latent}: {', '.join([judged.label or 'no label', *scores])}"
