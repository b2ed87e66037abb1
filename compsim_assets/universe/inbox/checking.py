"""The check of files before a universe takes them: read as a run would read them, beside the universe's other files.

`python -m compsim_assets.universe.inbox.checking UNIVERSE CLAIMED ANSWER` reads, in a process of its own: a file that
is larger than the memory, or damaged so that its reader dies, ends that process and nothing else. `ask` starts it and
waits for a while; a check that takes longer goes on, and a later call gets its answer.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from compsim_assets.universe.check import examine
from compsim_assets.universe.folder import Universe
from compsim_assets.universe.inbox.places import Place, place_of
from compsim_assets.universe.intake.contents import Contents
from compsim_assets.universe.intake.decisions import REFUSED, SUSPICIOUS, Decision
from compsim_assets.universe.layout import UniverseError

_LONGEST_SECONDS = 3600
_TRIES = 3
_COMMAND = (sys.executable, "-m", __name__)
_LOCK, _LOG, _COUNT, _ANSWER = "check.lock", "check.log", "tries.json", "answer.json"


@dataclass(frozen=True)
class Answer:
    """What a check says.

    state: of the claimed files that were read. accepted: path -> hash of the content. refused: path -> lines that say
    why. unchanged: files that are in the universe as they are. standing: why the universe would be refused even so.
    suspicious: what is taken though it looks wrong.
    """

    state: str
    accepted: dict[str, str] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    suspicious: list[str] = field(default_factory=list)


def ask(universe: Path, claimed: Path, state: str, patience: float) -> Answer | None:
    """The answer on the claimed files, from now or from a check that was started before; None while it is read.

    Args:
        state: of the claimed files; an answer on others does not count.
        patience: seconds to wait.
    """
    folder = claimed.parent
    with (folder / _LOCK).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        if answer := _read(folder / _ANSWER, state):
            return answer
        tries = _tries(folder / _COUNT, state)
        if tries >= _TRIES:
            why = f"the check of it ended without an answer {tries} times{_last_words(folder / _LOG)}: it is damaged, "
            return Answer(state, refused={name: [f"{why}or larger than the memory"] for name in names_in(claimed)})
        command = [*_COMMAND, str(universe), str(claimed), str(folder / _ANSWER), state]
        with (folder / _LOG).open("wb") as log:
            # The lock is the check's as long as it lives, whatever becomes of this process.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                pass_fds=[lock.fileno()],
            )  # fmt: skip
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    return _read(folder / _ANSWER, state)


def names_in(claimed: Path) -> list[str]:
    """Claimed files, by their path in the inbox."""
    paths = (path for path in claimed.rglob("*") if not path.is_dir() and not path.name.endswith(".part"))
    return sorted(path.relative_to(claimed).as_posix() for path in paths)


def check(universe: Path, claimed: Path, state: str) -> Answer:
    """Read the universe as it would be with the claimed files, without those that it refuses."""
    contents = Contents()
    answer = Answer(state)
    places = {name: place_of(name, universe) for name in names_in(claimed)}
    hashes = contents.of([*(claimed / name for name in places), *(universe / each.path for each in places.values())])
    for name, place in list(places.items()):
        if hashes[claimed / name] and hashes[claimed / name] == hashes[universe / place.path]:
            answer.unchanged.append(name)
            del places[name]
    before: set[Decision] | None = None
    while True:
        decisions = _examine(universe, claimed, places)
        refusals = {each for each in decisions if each.grade == REFUSED}
        if refusals and before is None and places:
            before = {each for each in _examine(universe, claimed, {}) if each.grade == REFUSED}
        blamed = _blamed(refusals, before or set(), places)
        answer.refused.update(blamed)
        if not blamed:
            break
        places = {name: place for name, place in places.items() if name not in blamed}
    answer.accepted.update({name: hashes[claimed / name] for name in places})
    answer.standing.extend(sorted(_line(each) for each in refusals))
    tables = {place.path.partition("/")[0].partition(".")[0] for place in places.values()}
    doubts = [each for each in decisions if each.grade == SUSPICIOUS]
    answer.suspicious.extend(_line(each) for each in doubts if each.file.partition("/")[0].partition(".")[0] in tables)
    return answer


def _blamed(refusals: set[Decision], before: set[Decision], places: Mapping[str, Place]) -> dict[str, list[str]]:
    """Which of the files are to blame for what is refused: those that a refusal names; of the tables that a new
    refusal is about; else, for a new refusal, all.
    """
    blamed = dict[str, list[str]]()
    for refusal in sorted(refusals, key=_line):
        named = [name for name, place in places.items() if refusal.file == place.path]
        if not named and refusal in before:
            continue  # the universe was refused for this without them
        words = {refusal.file.partition("/")[0].partition(".")[0], refusal.subject}
        tables = [name for name, place in places.items() if place.table.partition("/")[0] in words]
        for name in named or tables or places:
            blamed.setdefault(name, []).append(_line(refusal))
    return blamed


def _examine(universe: Path, claimed: Path, places: Mapping[str, Place]) -> list[Decision]:
    """The intake's decisions on the universe with these files in their places: a folder of links."""
    folder = claimed.parent / "as_it_would_be"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    opened = {path.parts[0] for place in places.values() if len((path := Path(place.path)).parts) > 1}
    for path in universe.iterdir():
        if not path.name.startswith("."):
            _link(path, folder / path.name, opened)
    for name, place in places.items():
        for other in place.instead:
            (folder / other).unlink(missing_ok=True)
        for single, part in place.parts:
            (folder / part).parent.mkdir(exist_ok=True)
            if (folder / single).exists():
                os.rename(folder / single, folder / part)
        target = folder / place.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.symlink_to(claimed / name)
    try:
        return examine(Universe(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link(path: Path, target: Path, opened: set[str]) -> None:
    """A link; of a folder into which files come, a folder of links."""
    if path.name in opened and path.is_dir():
        target.mkdir()
        for inside in path.iterdir():
            _link(inside, target / inside.name, {inside.name})
    else:
        target.symlink_to(path.absolute())


def _line(decision: Decision) -> str:
    subject = "" if decision.subject in decision.file else f"{decision.subject}: "
    example = f", for example {decision.example}" if decision.example else ""
    file = "" if decision.what.startswith(decision.file) else f"{decision.file}: "
    return f"{file}{subject}{decision.what}{example}{f': {decision.remedy}' if decision.remedy else ''}"


def _read(path: Path, state: str) -> Answer | None:
    with suppress(OSError, ValueError, TypeError):
        answer = Answer(**json.loads(path.read_text()))
        return answer if answer.state == state else None
    return None


def _tries(path: Path, state: str) -> int:
    """How often a check of these files was started before; counts this one."""
    before = {}
    with suppress(OSError, ValueError):
        before = json.loads(path.read_text())
    tries = int(before.get(state, 0))
    path.write_text(json.dumps({state: tries + 1}))
    return tries


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return f" ({lines[-1][:300]})" if lines else ""


def main() -> None:
    """Check, and write the answer at once; ended by the system after an hour."""
    universe, claimed, answer_file, state = sys.argv[1:]
    signal.alarm(_LONGEST_SECONDS)
    path = Path(answer_file)
    try:
        answer = check(Path(universe), Path(claimed), state)
    except UniverseError as problem:  # the universe changed under the check: a name has no place any more
        answer = Answer(state, refused={name: [str(problem)] for name in names_in(Path(claimed))})
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps(asdict(answer)))
    aside.replace(path)


if __name__ == "__main__":
    main()
