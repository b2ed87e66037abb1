"""An inbox beside a small universe, for tests."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from compsim_assets.universe.inbox.look import Inbox, Seen
from compsim_assets_tests.universes import write_reports

PRICES = "ticker,date,adj_close\n" + "".join(
    f"T{i},2015-{month:02}-28,{10 + i + month / 10}\n" for i in range(4) for month in range(1, 13)
)
MORE_PRICES = PRICES.replace("2015-", "2016-")


def nothing_under_way() -> str:
    return ""


@dataclass
class Box:
    """Looks at an inbox one after the other, as the sensor does: 30 seconds apart by its own clock."""

    inbox: Inbox
    seen: list[Seen] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    under_way: Callable[[], str] = nothing_under_way
    now: float = 0

    @classmethod
    def beside(cls, folder: Path, *, reports: bool = True) -> "Box":
        universe, dropped = folder / "universe", folder / "inbox"
        universe.mkdir()
        dropped.mkdir()
        if reports:
            write_reports(universe)
        return cls(Inbox(dropped, universe))

    @property
    def dropped(self) -> Path:
        return self.inbox.folder

    @property
    def universe(self) -> Path:
        return self.inbox.universe

    def look(self) -> Seen:
        self.now += 30
        before = self.seen[-1].memory if self.seen else {}
        seen = self.inbox.look(before, self.requests[-1] if self.requests else "", self.now, self.under_way)
        self.seen.append(seen)
        if seen.batch:
            self.requests.append(seen.batch)
        return seen

    def settle(self) -> Seen:
        """Two looks: by the second one all is settled."""
        self.look()
        return self.look()

    def drop(self, name: str, content: str | bytes = PRICES) -> Path:
        path = self.dropped / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def reason(self, name: str) -> str:
        return (self.dropped / "quarantine" / f"{name}.reason.txt").read_text()

    def contents(self) -> dict[str, bytes]:
        """Every plain file below the inbox and the universe that somebody dropped, by path, what was replaced too."""
        places = itertools.chain(self.dropped.rglob("*"), self.universe.rglob("*"))
        notes = (".lock", ".json", ".log", ".reason.txt")
        files = [path for path in places if path.is_file() and not path.is_symlink()]
        return {str(path): path.read_bytes() for path in files if not path.name.endswith(notes)}

    def universe_files(self) -> list[str]:
        files = (path.relative_to(self.universe) for path in self.universe.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in files if path.parts[0] != ".inbox")
