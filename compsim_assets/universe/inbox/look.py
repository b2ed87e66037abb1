"""One look at the inbox: what is settled is claimed, checked, and put in its place or into the quarantine."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path

from compsim_assets.universe.inbox.batch import Batch
from compsim_assets.universe.inbox.checking import Answer, ask, names_in
from compsim_assets.universe.inbox.moving import move
from compsim_assets.universe.inbox.places import FOLDERS, Place, place_of
from compsim_assets.universe.inbox.quarantine import quarantine
from compsim_assets.universe.inbox.waiting import SETTLED_SECONDS, Memory, Waiting, files_of, look_at
from compsim_assets.universe.layout import UniverseError

_STATE = ".inbox"  # in the universe's folder: on its disk, and hidden from its readers


@dataclass(frozen=True)
class Seen:
    """What came of a look.

    reason: why no run is asked for; empty where one is. batch: key of the files that a run is asked for. refused: lines
    about files that were not taken. notes: lines about others. memory: for the next look.
    """

    reason: str
    batch: str = ""
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    memory: Memory = field(default_factory=dict)


@dataclass(frozen=True)
class Inbox:
    """An inbox of a universe.

    folder: where files are dropped. universe: the folder that they go to. settle: seconds without a change after which
    a file is read. patience: seconds that a look waits for a check.
    """

    folder: Path
    universe: Path
    settle: float = SETTLED_SECONDS
    patience: float = 40

    @property
    def state(self) -> Path:
        """Where files are checked, and what was replaced is kept."""
        return self.universe / _STATE

    @property
    def claimed(self) -> Path:
        """Where files lie from being settled until they are taken or not."""
        return self.state / "claimed"

    def look(self, before: Memory, requested: str, now: float, under_way: Callable[[], str]) -> Seen:
        """Take what is settled into the universe, and say whether a run is due.

        Args:
            before: what the last look remembered.
            requested: key of the batch that a run was asked for last.
            now: seconds of a clock.
            under_way: which run is using the universe's files, for a person; empty where none is.

        Raises:
            UniverseError: no inbox, or no universe.
            OSError: a folder that cannot be written.
        """
        if not self.universe.is_dir():
            raise UniverseError(
                f"COMPSIM_UNIVERSE: {self.universe} is not a folder, expected one for the inbox's files"
            )
        waiting = look_at(self.folder, before, now, self.settle)
        with self._alone() as alone:
            if not alone:
                return Seen("another look at the inbox is under way", memory=before)
            return replace(self._act(waiting, requested, under_way), memory=waiting.memory)

    def _act(self, waiting: Waiting, requested: str, under_way: Callable[[], str]) -> Seen:
        batch = Batch.read(self.state)
        if batch and batch.key == requested:
            batch.forget(self.state)
            batch = None
        if batch:
            return self._finish(batch, under_way)
        if run := under_way():
            return Seen(f"{_waiting(waiting)}; they wait, since {run}" if waiting.memory else run)
        refused = self._claim(waiting) if not names_in(self.claimed) else []
        if not (names := names_in(self.claimed)):
            return Seen(_waiting(waiting), refused=tuple(refused))
        answer = ask(self.universe, self.claimed, self._state_of(names), self.patience)
        if answer is None:
            return Seen(f"{_files(names)} being checked", refused=tuple(refused))
        seen = self._settle(answer, under_way)
        return replace(seen, refused=(*refused, *seen.refused))

    def _claim(self, waiting: Waiting) -> list[str]:
        """Move settled files to where they are checked; what cannot be read goes into the quarantine."""
        refused, places = list[str](), list[Place]()
        for entry in waiting.settled:
            try:
                paths = [self.folder / entry]
                if stat.S_ISDIR(paths[0].lstat().st_mode) and entry in FOLDERS:
                    paths = list(files_of(self.folder, entry))
            except FileNotFoundError:
                continue  # taken away again
            except PermissionError:
                pass  # of a folder, as a whole
            for path in paths:
                name = path.relative_to(self.folder).as_posix()
                try:
                    _look_closer(path, self.folder)
                    place = place_of(name, self.universe)
                except FileNotFoundError:
                    continue
                except UniverseError as problem:
                    refused.append(quarantine(self.folder, path, name, [str(problem)]))
                    continue
                if not any(place.meets(other) for other in places):  # else it is the next look's
                    places.append(place)
                    move(path, self.claimed / name)
        return refused

    def _settle(self, answer: Answer, under_way: Callable[[], str]) -> Seen:
        """Do as the check says."""
        aside = answer.refused.items()
        refused = tuple(quarantine(self.folder, self.claimed / name, name, reasons) for name, reasons in aside)
        notes = list[str]()
        for name in answer.unchanged:
            (self.claimed / name).unlink()
            notes.append(f"{name}: the universe has it already, the same to the byte")
        notes += [f"taken, though it looks wrong: {line}" for line in answer.suspicious]
        if not answer.accepted:
            return Seen("nothing new to make anything from", refused=refused, notes=tuple(notes))
        if set(names_in(self.claimed)) != set(answer.accepted):
            return Seen("the files to be checked are other ones by now", refused=refused, notes=tuple(notes))
        places = {name: place_of(name, self.universe) for name in answer.accepted}
        batch = Batch.of(answer.accepted, places, answer.standing)
        batch.write(self.state)
        seen = self._finish(batch, under_way)
        return replace(seen, refused=refused, notes=(*notes, *seen.notes))

    def _finish(self, batch: Batch, under_way: Callable[[], str]) -> Seen:
        """Put a batch's files in their places, and ask for its run."""
        run = under_way()
        if run and not batch.is_in_place(self.claimed):
            return Seen(f"{_files(batch.files)} checked and good; they wait, since {run}")
        batch.put_in_place(self.universe, self.claimed, self.state)
        notes = tuple(f"{name} is in the universe now: {place.path}" for name, place in batch.files.items())
        if batch.standing:
            batch.forget(self.state)
            return Seen(f"no run yet, the universe would be refused: {batch.standing[0]}", notes=notes)
        return Seen("", batch.key, notes=notes)

    def _state_of(self, names: list[str]) -> str:
        """The claimed files, by size and times, as a hash."""
        facts = [(name, (self.claimed / name).stat()) for name in names]
        text = "\n".join(f"{name} {at.st_size} {at.st_mtime_ns} {at.st_ino}" for name, at in facts)
        return blake2b(text.encode(), digest_size=10).hexdigest()

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether no other process looks at this inbox while the block lasts."""
        from filelock import FileLock, Timeout

        self.claimed.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.state / "look.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()


def _look_closer(path: Path, inbox: Path) -> None:
    """Refuse what is no plain file that can be read. Nothing is opened, no link followed.

    Raises:
        UniverseError: a link, a folder, a pipe, a file without permission.
        FileNotFoundError: it is gone.
    """
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise UniverseError(f"a link to {os.readlink(path)!a}, expected a file: copy it here")
    if stat.S_ISDIR(mode):
        raise UniverseError(
            f"a folder that is not read, expected a file, or one of the folders {', '.join(sorted(FOLDERS))}"
        )
    if not stat.S_ISREG(mode):
        raise UniverseError("neither a file nor a folder (a pipe, a socket or a device), expected a file")
    if not os.access(path, os.R_OK):
        raise UniverseError("no permission to read it: chmod it, or let this user read it")
    if not path.parent.resolve().is_relative_to(inbox.resolve()):
        raise UniverseError("its folder is a link out of the inbox: copy the files here")


def _waiting(waiting: Waiting) -> str:
    unfinished = f", {waiting.unfinished} unfinished or hidden" if waiting.unfinished else ""
    if not waiting.memory:
        return f"the inbox is empty{unfinished}"
    n_unsettled = len(waiting.unsettled)
    return f"in the inbox: {len(waiting.memory)}, of which {n_unsettled} may still be written to{unfinished}"


def _files(names: "list[str] | Mapping[str, Place]") -> str:
    first = ", ".join(list(names)[:3])
    return f"{first} is" if len(names) == 1 else f"{first}{', ..' if len(names) > 3 else ''} are"
