"""Whole runs against a server on this machine: files, resumption, failures, budgets."""

import json
from pathlib import Path

import pytest

from compsim_assets.judge.client import Client
from compsim_assets.judge.runs import Outcome, Run
from compsim_assets.universe.intake.decisions import Decisions
from compsim_assets.universe.judging.labels import read_labels
from compsim_assets.universe.judging.settings import JudgeSettings
from compsim_assets.universe.score_files import read_scores
from compsim_assets_tests.judge import planted
from compsim_assets_tests.judge.endpoint import Reply, completion, serving

JUDGEABLE = list(range(planted.N_LATENTS - 2))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted.results(tmp_path_factory.mktemp("results"))


def run(results: Path, universe: Path, judge: JudgeSettings, latents: list[int] | None = None) -> list[Outcome]:
    """All outcomes of one run."""
    bench = planted.bench(results, universe, judge)
    bench.files.recover()
    return list(Run(bench, Client(judge), bench.plan(latents).latents).outcomes())


def test_what_an_honest_judge_says_is_read_by_the_platform(results: Path, tmp_path: Path) -> None:
    with serving() as endpoint:
        outcomes = run(results, tmp_path, planted.settings(endpoint.url))
    states = {outcome.latent: outcome.state for outcome in outcomes}
    assert states == {**dict.fromkeys(JUDGEABLE, "judged"), planted.N_LATENTS - 1: "too_few"}
    labels = read_labels(tmp_path / "fuzz_scores")
    assert dict(zip(labels["latent"], labels["judge_label"], strict=True)) == dict(enumerate(planted.WORDS[:-2]))
    assert set(labels["judge"]) == {"planted"}
    files = sorted((tmp_path / "fuzz_scores" / "scores" / "fuzz").glob("*_latent*"))
    scores = read_scores(files, Decisions().of("fuzz_scores"))
    assert list(scores["latent"]) == JUDGEABLE
    assert set(scores["hookpoint"]) == {planted.HOOKPOINT}
    assert set(scores["interpretability"]) == {100.0}
    assert set(scores["n_examples"]) == {12}  # six windows of twelve for the label, six for the score, six without
    assert set(scores["n_unscored"]) == {0}


def test_score_files_have_the_fields_of_delphi_in_their_order(results: Path, tmp_path: Path) -> None:
    with serving() as endpoint:
        run(results, tmp_path, planted.settings(endpoint.url), [3])
    for kind in ("fuzz", "detection"):
        path = tmp_path / "fuzz_scores" / "scores" / kind / f"{planted.HOOKPOINT}_latent3.txt"
        examples = json.loads(path.read_text())
        for example in examples:
            assert list(example) == [
                "str_tokens", "activations", "distance", "activating", "prediction", "probability", "correct"
            ]  # fmt: skip
            assert len(example["str_tokens"]) == len(example["activations"]) == planted.WINDOW
            assert (example["distance"] in range(10)) == example["activating"]
            assert example["activating"] or (example["distance"] == -1.0 and not any(example["activations"]))
            assert example["correct"] == (example["prediction"] == example["activating"])
        assert sum(example["activating"] for example in examples) == len(examples) // 2 == 6


def test_the_same_seed_gives_the_same_bytes_however_many_at_a_time(results: Path, tmp_path: Path) -> None:
    with serving() as endpoint:
        run(results, tmp_path / "a", planted.settings(endpoint.url, concurrency=1))
        run(results, tmp_path / "b", planted.settings(endpoint.url, concurrency=6))
        run(results, tmp_path / "c", planted.settings(endpoint.url, seed=1))
    first = planted.files_in(tmp_path / "a")
    assert len(first) == 4 * len(JUDGEABLE)
    assert planted.files_in(tmp_path / "b") == first
    assert planted.files_in(tmp_path / "c") != first


def test_what_is_judged_is_not_asked_again(results: Path, tmp_path: Path) -> None:
    with serving() as endpoint:
        judge = planted.settings(endpoint.url)
        run(results, tmp_path, judge)
        asked = len(endpoint.requests)
        assert [outcome.state for outcome in run(results, tmp_path, judge)] == ["too_few"]
        assert len(endpoint.requests) == asked
        plan = planted.bench(results, tmp_path, planted.settings(endpoint.url, model="another")).plan()
        assert (plan.done, plan.otherwise, plan.latents) == (0, len(JUDGEABLE), [planted.N_LATENTS - 1])
        fewer = planted.bench(results, tmp_path, planted.settings(endpoint.url, kinds=("fuzz",))).plan()
        assert fewer.done == len(JUDGEABLE)
        last = planted.N_LATENTS - 1  # has too few windows, and is not what a limit is for
        assert planted.bench(results, tmp_path, judge).plan([last, 0], limit=1, again=True).latents == [0]
        again = planted.bench(results, tmp_path, judge).plan(again=True)
        assert len(again.latents) == len(JUDGEABLE) + 1


def test_a_latent_that_lacks_a_score_is_not_done(results: Path, tmp_path: Path) -> None:
    with serving() as endpoint:
        run(results, tmp_path, planted.settings(endpoint.url, kinds=("fuzz",)), [0])
        plan = planted.bench(results, tmp_path, planted.settings(endpoint.url)).plan([0])
    assert (plan.done, plan.otherwise) == (0, 1)


def test_no_more_latents_at_a_time_than_wanted(results: Path, tmp_path: Path) -> None:
    with serving(slow=0.02) as endpoint:
        run(results, tmp_path, planted.settings(endpoint.url, concurrency=3))
    assert endpoint.most == 3


def test_somebody_elses_files_stay_and_their_labels_are_used(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fuzz_scores"
    for name in ("explanations", "scores/detection"):
        (folder / name).mkdir(parents=True)
    names = {kind: f"{planted.HOOKPOINT}_latent{kind}.txt" for kind in (0, 1, 2)}
    (folder / names[0]).write_text("[]")  # a fuzz score, flat
    (folder / "explanations" / names[1]).write_text(json.dumps(planted.WORDS[1]))
    for name in (f"explanations/{names[2]}", f"scores/detection/{names[2]}", names[2]):
        (folder / name).write_text('"all there"' if "expl" in name else "[]")
    with serving() as endpoint:
        judge = planted.settings(endpoint.url)
        assert planted.bench(results, tmp_path, judge).plan([0, 1, 2]).of_others == 1
        run(results, tmp_path, judge, [0, 1, 2])
    written = planted.files_in(tmp_path)
    assert not [name for name in written if "latent2" in name and name.startswith("judge")]
    assert f"scores/fuzz/{names[0]}" not in written
    assert written[names[0]] == b"[]"
    assert f"scores/detection/{names[0]}" in written
    assert json.loads(written[f"judge/{names[1][:-4]}.json"])["label_of"] == "file"
    assert len([question for question in endpoint.questions() if question.startswith("Active")]) == 1  # of latent 0


@pytest.mark.parametrize(
    "answer", ["", "[1,0,1]", "[1,0,1,0,1,0,1]", "[1,0,1,1,2]", "yes", '{"a": 1}', "[1,0,1,0,1] as I think", None, 7],
    ids=repr,
)  # fmt: skip
def test_answers_that_are_none_are_counted_as_lacking(results: Path, tmp_path: Path, answer: object) -> None:
    def judge(messages: list[dict[str, str]]) -> str:
        return "LABEL: a word" if messages[-1]["content"].startswith("Active") else answer  # type: ignore[return-value]

    with serving(judge=judge) as endpoint:
        (outcome,) = run(results, tmp_path, planted.settings(endpoint.url), [0])
    assert outcome.judged is not None
    assert outcome.judged.scores["fuzz"] == {"examples": 12, "without_answer": 12, "right": 0}
    (path,) = (tmp_path / "fuzz_scores" / "scores" / "fuzz").iterdir()
    assert {(each["prediction"], each["correct"]) for each in json.loads(path.read_text())} == {(None, None)}
    scores = read_scores([path], Decisions().of("fuzz_scores"))
    assert scores["interpretability"].isna().all()
    assert list(scores["n_unscored"]) == [12]


def test_a_latent_without_a_label_has_no_scores_and_is_not_asked_about_again(results: Path, tmp_path: Path) -> None:
    with serving(judge=lambda _: "I cannot say.") as endpoint:
        (outcome,) = run(results, tmp_path, planted.settings(endpoint.url), [0])
        assert run(results, tmp_path, planted.settings(endpoint.url), [0]) == []
    assert outcome.state == "unlabelled"
    assert list(planted.files_in(tmp_path)) == [f"judge/{planted.HOOKPOINT}_latent0.json"]


def test_an_answer_that_was_cut_is_no_label(results: Path, tmp_path: Path) -> None:
    cut = completion("LABEL: the begin", {"messages": []})
    cut.body["choices"][0]["finish_reason"] = "length"
    with serving(cut) as endpoint:
        (outcome,) = run(results, tmp_path, planted.settings(endpoint.url), [0])
    assert outcome.state == "unlabelled"


def test_a_failed_latent_leaves_nothing_and_is_asked_about_again(results: Path, tmp_path: Path) -> None:
    with serving(None, None, Reply(400, {"error": {"message": "too long"}})) as endpoint:
        judge = planted.settings(endpoint.url, concurrency=1)
        outcomes = run(results, tmp_path, judge, [0, 1])
        assert [outcome.state for outcome in outcomes] == ["failed", "judged"]
        assert "too long" in outcomes[0].what
        assert not [name for name in planted.files_in(tmp_path) if "latent0" in name]
        assert [outcome.state for outcome in run(results, tmp_path, judge, [0, 1])] == ["judged"]


def test_a_run_ends_where_nothing_is_answered(results: Path, tmp_path: Path) -> None:
    with serving(*[Reply(400, {})] * 100) as endpoint:
        outcomes = run(results, tmp_path, planted.settings(endpoint.url, concurrency=1))
    assert [outcome.state for outcome in outcomes] == ["failed"] * 4 + ["ended"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_wrong_key_or_model_ends_a_run_with_one_question(results: Path, tmp_path: Path, status: int) -> None:
    with serving(*[Reply(status, {"error": {"message": "no"}})] * 9) as endpoint:
        (outcome,) = run(results, tmp_path, planted.settings(endpoint.url, concurrency=1))
    assert (outcome.state, len(endpoint.requests)) == ("ended", 1)
    assert f"answers {status} (no)" in outcome.what


def test_a_budget_is_not_exceeded_and_what_was_paid_for_is_there(results: Path, tmp_path: Path) -> None:
    with serving() as endpoint:
        judge = planted.settings(endpoint.url, price_in=1.0, price_out=10.0, budget=0.1)
        outcomes = run(results, tmp_path, judge)
    states = [outcome.state for outcome in outcomes]
    assert 0 < states.count("judged") < len(JUDGEABLE)
    assert "ended" in states
    spent = sum(outcome.judged.cost(judge) for outcome in outcomes if outcome.judged)
    assert 0 < spent <= 0.1
    records = [json.loads(text) for name, text in planted.files_in(tmp_path).items() if name.startswith("judge/")]
    assert sum(record["cost"] for record in records) == pytest.approx(spent)


def test_tokens_are_bounded_too(results: Path, tmp_path: Path) -> None:
    with serving() as endpoint:
        states = [each.state for each in run(results, tmp_path, planted.settings(endpoint.url, token_budget=1_000))]
    assert set(states) == {"ended"}
    assert not endpoint.requests


def test_a_record_says_who_judged_by_what(results: Path, tmp_path: Path) -> None:
    with serving() as endpoint:
        run(results, tmp_path, planted.settings(endpoint.url, price_in=2.0, seed=5), [0])
        asked = sum(len(m["content"].split()) for _, _, body in endpoint.requests for m in body["messages"])
    record = json.loads(planted.files_in(tmp_path)[f"judge/{planted.HOOKPOINT}_latent0.json"])
    assert record["model"] == "planted"
    assert record["answered_by"] == ["planted-1"]
    assert (record["prompt_version"], record["seed"], record["endpoint"]) == (1, 5, "127.0.0.1")
    assert record["questions"] == len(endpoint.requests) == 1 + 3 + 3
    assert (record["tokens_in"], record["tokens_out"]) == (asked, 3 * len(endpoint.requests))
    assert record["cost"] == pytest.approx(2e-6 * asked)
    assert record["scores"]["fuzz"] == {"examples": 12, "without_answer": 0, "right": 12}
    for name in record["files"]:
        assert (tmp_path / "fuzz_scores" / name).is_file()
