import math

import pytest

from compsim_assets.science.latents.fuzz import FuzzScore, score_examples


def example(activating: object, correct: object) -> dict:
    return {"activating": activating, "correct": correct, "str_tokens": ["a"], "prediction": 1}


def many(activating: bool, right: int, wrong: int, unanswered: int = 0) -> list[dict]:
    answers = [True] * right + [False] * wrong + [None] * unanswered
    return [example(activating, answer) for answer in answers]


def test_interpretability_is_the_share_right_and_balanced_accuracy_the_mean_of_both_sides() -> None:
    # 30 of 40 activating and 6 of 10 other examples right: 36 of 50, and (75 + 60) / 2.
    score = score_examples(many(True, 30, 10) + many(False, 6, 4))
    assert score == FuzzScore(pytest.approx(72.0), pytest.approx(67.5), 50, 0)


def test_unanswered_examples_are_counted_and_left_out() -> None:
    score = score_examples(many(True, 3, 1, 5) + many(False, 1, 1, 2))
    assert score == FuzzScore(pytest.approx(100 * 4 / 6), pytest.approx((75 + 50) / 2), 13, 7)


def test_no_answer_at_all_is_nan_and_poisons_nothing() -> None:
    score = score_examples(many(True, 0, 0, 4))
    assert math.isnan(score.interpretability)
    assert math.isnan(score.balanced_accuracy)
    assert (score.n_examples, score.n_unscored) == (4, 4)
    assert score_examples([]).n_examples == 0


def test_balanced_accuracy_needs_answers_on_both_sides() -> None:
    score = score_examples(many(True, 3, 1) + many(False, 0, 0, 2))
    assert score.interpretability == 75
    assert math.isnan(score.balanced_accuracy)


def test_flags_may_be_numbers() -> None:
    as_numbers = [example(1, 1), example(1, 0), example(0, 1.0), example(0, 1)]
    assert score_examples(as_numbers) == FuzzScore(75.0, 75.0, 4, 0)


@pytest.mark.parametrize("answer", [-1, -1.0, "-1", "", None, float("nan"), "None", "nan"])
def test_an_answer_of_minus_one_is_none(answer: object) -> None:
    """delphi compares such a prediction with the truth and writes `correct`: false."""
    answered = [*many(True, 3, 1), *many(False, 1, 1)]
    by_prediction = {"activating": True, "prediction": answer, "correct": None if answer is None else False}
    assert score_examples([*answered, by_prediction]) == FuzzScore(pytest.approx(400 / 6), 62.5, 7, 1)
    assert score_examples([*answered, example(False, answer)]) == FuzzScore(pytest.approx(400 / 6), 62.5, 7, 1)


@pytest.mark.parametrize("prediction", [2, 0.5, "maybe", [1]])
def test_a_prediction_that_is_neither_yes_nor_no_is_no_answer(prediction: object) -> None:
    examples = [example(True, True), {"activating": False, "prediction": prediction, "correct": False}]
    score = score_examples(examples)
    assert (score.interpretability, score.n_unscored) == (100, 1)


def test_without_correct_the_prediction_is_compared_with_the_truth() -> None:
    # Active: 2 of 3 found; others: 1 of 2 left alone; one without an answer.
    predictions = [(True, 1), (True, True), (True, 0), (False, 0), (False, 1), (False, None)]
    examples = [{"activating": truth, "prediction": prediction} for truth, prediction in predictions]
    assert score_examples(examples) == FuzzScore(60.0, pytest.approx((200 / 3 + 50) / 2), 6, 1)


def test_flags_may_be_texts_and_the_truth_may_have_its_older_name() -> None:
    as_texts = [example("True", "true"), example("true", "False"), example("false", "1"), example("0", "0")]
    assert score_examples(as_texts) == FuzzScore(50.0, 50.0, 4, 0)
    older = [{"ground_truth": True, "prediction": True, "correct": True}, {"ground_truth": False, "correct": False}]
    assert score_examples(older) == FuzzScore(50.0, 50.0, 2, 0)
    # "1" is no true to delphi, which writes that it is wrong.
    judged = {"activating": True, "prediction": "1", "correct": False}
    assert score_examples([judged]).interpretability == 100


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"activating": True}, "no 'correct'"),
        ({"correct": True}, "no 'activating'"),
        (example(True, "yes"), "'correct' is 'yes'"),
        (example(True, 2), "'correct' is 2"),
        (example(None, True), "example 1: 'activating' is null"),
    ],
)
def test_examples_of_another_form_are_errors(bad: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        score_examples([example(True, True), bad])
