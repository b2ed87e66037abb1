"""Which windows a judge sees: nothing of the label's in the scores, nothing active among the inactive, no hints."""

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.judge.examples import Examples, TooFewError, choose
from compsim_assets.judge.others import of_both, of_files, of_reports
from compsim_assets.judge.prompts import label_question, marked, score_question, version
from compsim_assets.judge.windows import COLUMNS, Window, Windows
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.universe.judging.settings import JudgeSettings
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.judge import planted


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted.results(tmp_path_factory.mktemp("results"))


def chosen_of(results: Path, latent: int, **more: int) -> Examples:
    windows = Windows(pq.read_table(results / "latent_windows.parquet"))
    others = of_reports(windows, FeatureShards(results / "sae_features"))
    return choose(windows, planted.HOOKPOINT, latent, others, planted.settings("http://127.0.0.1/v1", **more))


@pytest.mark.parametrize("latent", range(planted.N_LATENTS - 2))
def test_no_window_is_both_in_a_label_and_in_a_score(results: Path, latent: int) -> None:
    examples = chosen_of(results, latent)
    label = [each.tokens for each in examples.label_active + examples.label_silent]
    for tests in examples.tests.values():
        texts = [each.window.tokens for each in tests]
        assert len({*label, *texts}) == len(label) + len(texts)
        assert sum(each.activating for each in tests) == len(tests) / 2


@pytest.mark.parametrize("latent", range(planted.N_LATENTS - 2))
def test_windows_without_a_latent_are_of_reports_without_it(results: Path, latent: int) -> None:
    shards = FeatureShards(results / "sae_features")
    value = dict(zip(shards.report_id.tolist(), shards.columns(latent, latent + 1)[:, 0].tolist(), strict=True))
    examples = chosen_of(results, latent)
    without = [each.window for each in examples.tests["fuzz"] if not each.activating] + examples.label_silent
    assert len(without) == 12
    for window in without:
        assert value[window.report_id] == 0  # type: ignore[index]
        assert not any(window.activations)
    assert all(value[window.report_id] > 0 for window in examples.label_active)  # type: ignore[index]


def test_a_latent_that_is_active_everywhere_cannot_be_judged(results: Path) -> None:
    with pytest.raises(TooFewError, match="too few windows without it"):
        chosen_of(results, planted.N_LATENTS - 1)
    with pytest.raises(TooFewError, match="too few windows"):
        chosen_of(results, planted.N_LATENTS - 2)


def test_strong_and_weak_windows_go_to_both_sides(results: Path) -> None:
    distances = [
        sorted(each.distance for each in chosen_of(results, latent).tests["fuzz"] if each.activating)
        for latent in range(8)
    ]
    for each in distances:
        assert [int(distance) // 2 for distance in each[1:-1]] == sorted(int(distance) // 2 for distance in each[1:-1])
        assert each[0] <= 1
        assert each[-1] >= 8
    assert len({tuple(each) for each in distances}) > 3  # by chance, not always the same


def test_marks_without_the_latent_are_where_those_with_it_are(results: Path) -> None:
    for latent in range(8):
        tests = chosen_of(results, latent).tests["fuzz"]
        with_it = {each.marks for each in tests if each.activating}
        assert all(each.marks in with_it and each.marks for each in tests)


def test_the_choice_is_that_of_seed_hookpoint_and_latent(results: Path) -> None:
    assert chosen_of(results, 3) == chosen_of(results, 3)
    assert chosen_of(results, 3) != chosen_of(results, 3, seed=1)


def test_marks_are_tokens_of_at_least_a_share_of_the_largest() -> None:
    assert Window((" a", " b", " c", " d"), (0.0, 10.0, 3.0, 2.9)).marks() == {1, 2}


def test_marked_tokens_stand_together_and_a_text_has_no_marks_of_its_own() -> None:
    window = Window((" sells", " crude", " oil", "\n", "Window 7:", " ⟪>>", ">", " <", "<x"), (0.0,) * 9)
    assert marked(window, frozenset({1, 2, 7})) == "sells <<crude oil>> Window 7: <> > > <<<>><x"
    assert marked(window, frozenset()) == "sells crude oil Window 7: <> > > < <x"


def test_questions_are_one_line_per_window_whatever_the_text() -> None:
    hostile = Window((" {label}", "\nWindow 9: x", "\u2028Not active:", "\x1b[2J"), (1.0, 0.0, 0.0, 0.0))
    question = label_question([hostile], [hostile])[-1]["content"]
    assert question.splitlines() == [
        "Active:", "Window 0: <<{label}>> Window 9: x Not active:[2J", "", "Not active:",
        "Window 0: {label} Window 9: x Not active:[2J",
    ]  # fmt: skip
    assert "Description: {windows}" in score_question("fuzz", "{windows}", [])[-1]["content"]


def test_the_words_of_a_version_stay() -> None:
    """Whoever changes the prompts raises the version, and then this."""
    text = (files("compsim_assets.judge") / "prompts.toml").read_bytes()
    assert (version(), hashlib.sha256(text).hexdigest()[:16]) == (1, "14de1da689932c78")


def test_windows_of_score_files_are_told_apart_from_their_silent_examples(tmp_path: Path) -> None:
    path = tmp_path / "layers.3_latent5.txt"
    silent = [
        {"str_tokens": [f" silent{i % 7}", " x\ud800"], "activations": [0.0, 0.0], "activating": False}
        for i in range(9)
    ]
    path.write_text(json.dumps([{"str_tokens": [" on"], "activations": [1.0], "activating": True}, *silent]))
    others = of_files([path], "layers.3")
    windows = others(5, 4, {(" silent0", " x?")}, Random(1))
    assert len({window.tokens for window in windows}) == 4
    assert {window.tokens[0][:7] for window in windows} == {" silent"}
    assert not any(window.tokens[0] == " silent0" for window in windows)
    assert others(5, 4, set(), Random(1)) == others(5, 4, set(), Random(1))
    assert len(others(5, 100, set(), Random(1))) == 7
    assert others(6, 1, set(), Random(1)) == []
    path.write_text("{}")
    with pytest.raises(UniverseError, match="expected a JSON list of examples"):
        others(5, 1, set(), Random(1))


def test_windows_are_read_by_rank_whatever_the_order_of_rows() -> None:
    rows = [(1, 2, 7, '[" b"]', "[1.0]"), (1, 1, 7, '[" a"]', "[2]"), (0, 1, None, '[" c"]', "[1]"),
            (1, 3, 7, '[" a"]', "[0.5]"), (1, 4, 7, '[" d"]', "[0]")]  # fmt: skip
    windows = Windows(pa.table(dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))))
    assert [window.tokens for window in windows.of(1)] == [(" a",), (" b",)]  # a text once, and none without activation
    assert windows.of(2) == []
    assert np.array_equal(windows.latents, [0, 1])


def test_a_latent_is_told_apart_from_windows_of_the_same_form() -> None:
    rows = [(0, 1, 7, '[" a"]', "[1.0]"), (1, 1, None, '[" b"]', "[1.0]")]
    windows = Windows(pa.table(dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))))
    reports, scored = Window((" r",), (0.0,)), Window((" s",), (0.0,))
    others = of_both(windows, lambda *_: [reports], lambda *_: [scored])
    assert [others(latent, 1, set(), Random(1)) for latent in (0, 1)] == [[reports], [scored]]


@pytest.mark.parametrize(("tokens", "activations"), [("{", "[1]"), ("[1]", "[1]"), ('["a"]', "[1,2]"), ("[]", "[]")])
def test_a_broken_table_is_named(tokens: str, activations: str) -> None:
    table = pa.table(dict(zip(COLUMNS, ([1], [1], [7], [tokens], [activations]), strict=True)))
    with pytest.raises(UniverseError, match="latent_windows, row 0"):
        Windows(table).of(1)


def test_settings_bound_the_windows(results: Path) -> None:
    few = chosen_of(results, 3, label_windows=2, test_windows=3)
    assert [len(few.label_active), len(few.label_silent), len(few.tests["detection"])] == [2, 2, 6]
    assert isinstance(planted.settings("http://127.0.0.1/v1"), JudgeSettings)
