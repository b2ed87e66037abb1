"""What judging costs, before anybody is asked: questions are counted exactly, tokens by their characters."""

from collections.abc import Iterable
from dataclasses import dataclass

from compsim_assets.judge.examples import questions_of
from compsim_assets.judge.one_latent import Task
from compsim_assets.judge.prompts import label_question, score_question
from compsim_assets.judge.replies import tokens_of
from compsim_assets.universe.judging.settings import JudgeSettings

_A_LABEL = "a label of the usual length, of about eight words in all"
_LABEL_TOKENS, _PER_FLAG = 16, 2


@dataclass(frozen=True)
class Bill:
    """Questions and tokens; `most_out` is what answers may have at most, 0 where the request has no limit."""

    latents: float = 0
    questions: float = 0
    tokens_in: float = 0
    tokens_out: float = 0
    most_out: float = 0

    def __add__(self, other: "Bill") -> "Bill":
        return Bill(*(mine + theirs for mine, theirs in zip(self._values(), other._values(), strict=True)))

    def times(self, factor: float) -> "Bill":
        """For so many times the latents."""
        return Bill(*(round(factor * value) for value in self._values()))

    def cost(self, settings: JudgeSettings, *, most: bool = False) -> float:
        """At the prices of the settings: about, or at most."""
        return settings.cost(self.tokens_in, max(self.most_out, self.tokens_out) if most else self.tokens_out)

    def tokens(self) -> float:
        """Questions and answers, at most."""
        return self.tokens_in + max(self.most_out, self.tokens_out)

    def _values(self) -> tuple[float, ...]:
        return self.latents, self.questions, self.tokens_in, self.tokens_out, self.most_out


def bill_of(task: Task, settings: JudgeSettings) -> Bill:
    """Of one latent."""
    questions, tokens_out = [], 0
    if task.label is None:
        questions.append(label_question(task.examples.label_active, task.examples.label_silent))
        tokens_out += _LABEL_TOKENS
    for kind in task.kinds:
        for examples in questions_of(task.examples.tests[kind], settings.per_question):
            questions.append(score_question(kind, task.label or _A_LABEL, examples))
            tokens_out += 1 + _PER_FLAG * len(examples)
    most = settings.longest_answer * len(questions)
    return Bill(1, len(questions), sum(tokens_of(question) for question in questions), tokens_out, most)


def total(bills: Iterable[Bill]) -> Bill:
    """Of all."""
    return sum(bills, Bill())
