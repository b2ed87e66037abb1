"""Which latents are to be judged, and by what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from compsim_assets.judge.bill import Bill, bill_of, total
from compsim_assets.judge.examples import TooFewError, choose
from compsim_assets.judge.files import JudgeFiles
from compsim_assets.judge.one_latent import Task, by
from compsim_assets.judge.others import Others
from compsim_assets.judge.windows import Windows
from compsim_assets.universe.judging.labels import COLUMNS, read_labels
from compsim_assets.universe.judging.settings import JudgeSettings

_LOOKED_AT = 500  # latents whose questions are made for a bill; others are taken to be like them


@dataclass(frozen=True)
class Plan:
    """Latents to judge, ascending; how many are judged, judged otherwise, or done by somebody else's files."""

    latents: list[int]
    done: int = 0
    otherwise: int = 0
    of_others: int = 0


@dataclass(frozen=True)
class Estimate:
    """A bill; of the latents looked at, how many cannot be judged, and why; whether others were taken to be alike."""

    bill: Bill
    too_few: dict[str, int]
    looked_at: int


class Bench:
    """All that tasks are made of."""

    def __init__(
        self,
        settings: JudgeSettings,
        windows: Windows,
        others: Others,
        files: JudgeFiles,
        hookpoint: str,
        features: str,
    ) -> None:
        """`features` is the hash of the features that windows are of; `hookpoint` the module that those come from."""
        self.settings, self.files, self.hookpoint = settings, files, hookpoint
        self._windows, self._others, self._features = windows, others, features
        labels = read_labels(files.folder)
        mine = labels[labels["hookpoint"] == hookpoint.replace("/", "--")]
        self._labels: dict[int, str] = dict(zip(mine["latent"], mine[COLUMNS[2]], strict=True))

    def plan(self, latents: Iterable[int] | None = None, limit: int | None = None, again: bool = False) -> Plan:
        """Which of these latents, or of all that have windows, are to be judged.

        Args:
            limit: only so many, of those that can be judged.
            again: also those that are judged.
        """
        present = by(self.settings, self._features)
        to_do, done, otherwise, of_others = [], 0, 0, 0
        for latent in self._windows.latents.tolist() if latents is None else latents:
            record = None if again else self.files.record(self.hookpoint, latent)
            if record is not None:
                same = {name: record.get(name) for name in present} == present and self._whole(latent, record)
                done, otherwise = done + same, otherwise + (not same)
            elif self._given(latent) is not None and not self._kinds(latent):
                of_others += 1
            else:
                to_do.append(latent)
        if limit is not None:
            to_do = list(islice(filter(self._can_be, to_do), limit))
        return Plan(to_do, done, otherwise, of_others)

    def task(self, latent: int) -> Task:
        """What is to be asked of a latent.

        Raises:
            TooFewError: it cannot be judged.
        """
        examples = choose(self._windows, self.hookpoint, latent, self._others, self.settings)
        return Task(self.hookpoint, latent, examples, self._kinds(latent), self._given(latent), self._features)

    def estimate(self, latents: list[int]) -> Estimate:
        """What judging these costs; of many, an even choice is looked at."""
        n = len(latents)
        looked_at = latents if n <= _LOOKED_AT else [latents[i * n // _LOOKED_AT] for i in range(_LOOKED_AT)]
        bills, too_few = [], dict[str, int]()
        for latent in looked_at:
            try:
                bills.append(bill_of(self.task(latent), self.settings))
            except TooFewError as problem:
                too_few[str(problem)] = too_few.get(str(problem), 0) + 1
        bill = total(bills)
        return Estimate(bill if n == len(looked_at) else bill.times(n / len(looked_at)), too_few, len(looked_at))

    def _can_be(self, latent: int) -> bool:
        """Whether it has windows enough."""
        try:
            self.task(latent)
        except TooFewError:
            return False
        return True

    def _whole(self, latent: int, record: Mapping[str, Any]) -> bool:
        """Whether it has all scores that are wanted; one without a label has none."""
        return record.get("label") is None or set(self._kinds(latent)) <= set(record.get("scores", ()))

    def _kinds(self, latent: int) -> tuple[str, ...]:
        """Scores to make: somebody else's are left alone."""
        kinds = self.settings.kinds
        return tuple(kind for kind in kinds if self.files.of_others(self.hookpoint, latent, kind) is None)

    def _given(self, latent: int) -> str | None:
        """Somebody else's label."""
        given = self.files.of_others(self.hookpoint, latent, "label")
        return self._labels.get(latent) if given else None
