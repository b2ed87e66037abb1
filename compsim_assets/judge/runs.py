"""Judging many latents, several at a time, within a budget; what is finished is on disk, whatever happens then."""

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from compsim_assets.judge.bill import Bill, bill_of
from compsim_assets.judge.client import Client, JudgeError, RefusedError, StoppedError
from compsim_assets.judge.examples import TooFewError
from compsim_assets.judge.one_latent import Judged, judge, record_of
from compsim_assets.judge.plans import Bench
from compsim_assets.judge.prompts import Messages
from compsim_assets.judge.replies import Answer
from compsim_assets.universe.judging.settings import JudgeSettings

_FAILURES = 5  # latents in a row that fail, until the run ends


@dataclass(frozen=True)
class Outcome:
    """What came of a latent.

    Attributes:
        state: judged, unlabelled (the judge gave no label), too_few (windows), failed (a question was not answered),
            ended (the run ends here, before it).
        what: why, where it is not judged.
    """

    latent: int
    state: str
    what: str = ""
    judged: Judged | None = None


@dataclass
class _Purse:
    """What a run has spent, and what latents that are being judged may cost yet."""

    settings: JudgeSettings
    spent: float = 0.0
    tokens: float = 0.0
    reserved: dict[int, Bill] = field(default_factory=dict)

    def reserve(self, latent: int, bill: Bill) -> bool:
        """Whether it can be paid for whatever the answers are."""
        settings, held = self.settings, list(self.reserved.values())
        cost = self.spent + sum(each.cost(settings, most=True) for each in [*held, bill])
        tokens = self.tokens + sum(each.tokens() for each in [*held, bill])
        if (settings.budget and cost > settings.budget) or (settings.token_budget and tokens > settings.token_budget):
            return False
        self.reserved[latent] = bill
        return True

    def pay(self, answer: Answer) -> None:
        self.spent += self.settings.cost(answer.tokens_in, answer.tokens_out)
        self.tokens += answer.tokens_in + answer.tokens_out


class Run:
    """Judges latents in threads; iterate over `outcomes`.

    Memory: as many latents' examples as are judged at a time.
    """

    def __init__(self, bench: Bench, client: Client, latents: list[int]) -> None:
        self._bench, self._client, self._latents = bench, client, iter(latents)
        self._purse, self._lock, self._no_more = _Purse(bench.settings), threading.Lock(), threading.Event()
        self._stop = client.pace.stop
        self._in_a_row = 0
        self._outcomes: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()

    @property
    def spent(self) -> tuple[float, float]:
        """Money and tokens, failed latents' too."""
        return self._purse.spent, self._purse.tokens

    def outcomes(self) -> Iterator[Outcome]:
        """One per latent, in the order in which they are finished.

        Whoever stops iterating ends the run: threads end with their question, and nothing waits for them.
        """
        n = self._bench.settings.concurrency
        for _ in range(n):
            threading.Thread(target=self._work, daemon=True).start()
        try:
            while n:
                outcome = self._outcomes.get()
                if isinstance(outcome, BaseException):
                    raise outcome
                if outcome is None:
                    n -= 1
                else:
                    yield outcome
        finally:
            self._stop.set()

    def _work(self) -> None:
        try:
            while not (self._stop.is_set() or self._no_more.is_set()):
                with self._lock:
                    latent = next(self._latents, None)
                if latent is None:
                    break
                self._outcomes.put(self._take(latent))
        except BaseException as problem:  # a fault in the program, or a full disk: told where the run is iterated over
            self._outcomes.put(problem)
        finally:
            self._outcomes.put(None)

    def _take(self, latent: int) -> Outcome:
        """Judge one."""
        try:
            task = self._bench.task(latent)
        except TooFewError as problem:
            return Outcome(latent, "too_few", str(problem))
        bill = bill_of(task, self._bench.settings)
        with self._lock:
            if not self._purse.reserve(latent, bill):
                self._no_more.set()
                return Outcome(latent, "ended", "the budget does not reach for another latent: see judge.toml")
        try:
            judged = judge(task, self._ask, self._bench.settings)
        except JudgeError as problem:
            return self._failed(latent, problem)
        finally:
            with self._lock:
                self._purse.reserved.pop(latent)
        record = record_of(task, judged, self._bench.settings)
        self._bench.files.write(task.hookpoint, latent, judged.texts, record)
        self._in_a_row = 0
        return Outcome(latent, "unlabelled" if judged.label is None else "judged", judged=judged)

    def _ask(self, messages: Messages) -> Answer:
        answer = self._client.ask(messages)
        with self._lock:
            self._purse.pay(answer)
        return answer

    def _failed(self, latent: int, problem: JudgeError) -> Outcome:
        with self._lock:
            self._in_a_row += 1
            enough = self._in_a_row >= max(_FAILURES, self._bench.settings.concurrency)
            if not (enough or isinstance(problem, RefusedError | StoppedError)):
                return Outcome(latent, "failed", str(problem))
            self._stop.set()
        return Outcome(latent, "ended", str(problem))
