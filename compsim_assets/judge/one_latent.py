"""One latent: its label, then each score, as files and a record."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from compsim_assets.judge.answers import flags_of, label_of
from compsim_assets.judge.examples import Example, Examples, questions_of
from compsim_assets.judge.prompts import Messages, label_question, score_question, version
from compsim_assets.judge.replies import Answer
from compsim_assets.universe.judging.settings import JudgeSettings

Ask = Callable[[Messages], Answer]


@dataclass(frozen=True)
class Task:
    """What is to be judged.

    Attributes:
        kinds: scores to make: those that nobody else has given.
        label: somebody else's label; None where one is to be made.
        features: hash of the features that the latent is one of.
    """

    hookpoint: str
    latent: int
    examples: Examples
    kinds: tuple[str, ...]
    label: str | None
    features: str


@dataclass
class Judged:
    """What came of it.

    Attributes:
        label: None where the judge gave none; then there are no scores either.
        texts: by folder, see `JudgeFiles.write`.
        scores: by kind: examples, those without an answer, those that the judge got right.
    """

    label: str | None
    texts: dict[str, str] = field(default_factory=dict)
    scores: dict[str, dict[str, int]] = field(default_factory=dict)
    questions: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    counted: bool = True
    models: set[str] = field(default_factory=set)

    def cost(self, settings: JudgeSettings) -> float:
        """At the prices of the settings."""
        return settings.cost(self.tokens_in, self.tokens_out)

    def note(self, answer: Answer) -> None:
        """Count an answer."""
        self.questions += 1
        self.tokens_in += answer.tokens_in
        self.tokens_out += answer.tokens_out
        self.counted &= answer.counted
        self.models |= {answer.model} - {""}


def by(settings: JudgeSettings, features: str) -> dict[str, Any]:
    """What a judgement depends on beside the latent: with the same of this it is not made again."""
    examples = {name: getattr(settings, name) for name in ("seed", "label_windows", "test_windows", "per_question")}
    return {"model": settings.model, "prompt_version": version(), **examples, "features": features}


def judge(task: Task, ask: Ask, settings: JudgeSettings) -> Judged:
    """Ask for a label and, by it, for the scores.

    Raises:
        JudgeError: a question was not answered; nothing of the latent counts then.
    """
    judged = Judged(task.label)
    if task.label is None:
        answer = ask(label_question(task.examples.label_active, task.examples.label_silent))
        judged.note(answer)
        judged.label = None if answer.cut else label_of(answer.text)
        if judged.label is None:
            return judged
        judged.texts["explanations"] = _json(judged.label)
    assert judged.label is not None
    for kind in task.kinds:
        predictions: list[bool | None] = []
        for examples in questions_of(task.examples.tests[kind], settings.per_question):
            answer = ask(score_question(kind, judged.label, examples))
            judged.note(answer)
            predictions += flags_of(answer.text, len(examples)) or [None] * len(examples)
        judged.texts[f"scores/{kind}"] = _scored(task.examples.tests[kind], predictions)
        right = [each.activating == flag for each, flag in zip(task.examples.tests[kind], predictions, strict=True)]
        judged.scores[kind] = {
            "examples": len(predictions), "without_answer": predictions.count(None), "right": sum(right)
        }  # fmt: skip
    return judged


def record_of(task: Task, judged: Judged, settings: JudgeSettings) -> dict[str, Any]:
    """What is written of a judged latent, the same for the same answers."""
    return {
        "hookpoint": task.hookpoint,
        "latent": task.latent,
        "label": judged.label,
        "label_of": "judge" if task.label is None else "file",
        **by(settings, task.features),
        "endpoint": settings.address.hostname,
        "answered_by": sorted(judged.models),
        "request": dict(settings.request),
        "scores": judged.scores,
        "questions": judged.questions,
        "tokens_in": judged.tokens_in,
        "tokens_out": judged.tokens_out,
        "tokens_counted_by": "endpoint" if judged.counted else "characters",
        "cost": round(judged.cost(settings), 9),
    }


def _scored(examples: Sequence[Example], predictions: Sequence[bool | None]) -> str:
    """A score file as delphi writes it: its fields, in its order."""
    rows = [
        {
            "str_tokens": list(example.window.tokens),
            "activations": list(example.window.activations),
            "distance": example.distance,
            "activating": example.activating,
            "prediction": prediction,
            "probability": None,
            "correct": None if prediction is None else prediction == example.activating,
        }
        for example, prediction in zip(examples, predictions, strict=True)
    ]
    return _json(rows)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
