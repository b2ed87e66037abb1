"""`judge.toml`, as `compsim check` and a judge read it."""

from pathlib import Path

import pytest

from compsim_assets.universe.check import check_folder
from compsim_assets.universe.judging.settings import JudgeSettings
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.universes import write_features, write_reports

GOOD = 'endpoint = "https://api.example/v1"\nmodel = "some-model"\n'


def read(folder: Path, text: str) -> JudgeSettings:
    (folder / "judge.toml").write_text(text)
    return JudgeSettings.from_toml(folder / "judge.toml")


def test_two_lines_are_enough(tmp_path: Path) -> None:
    judge = read(tmp_path, GOOD)
    assert (judge.endpoint, judge.model, judge.secret()) == ("https://api.example/v1", "some-model", "")
    assert (judge.local, judge.kinds, judge.longest_answer) == (False, ("fuzz", "detection"), 512)


def test_all_keys(tmp_path: Path) -> None:
    judge = read(
        tmp_path,
        GOOD + 'key = "K"\nprice_in = 1\nprice_out = 2.5\nbudget = 3\ntoken_budget = 9\nkinds = ["fuzz"]\n'
        "[request]\nmax_completion_tokens = 2000\n",
    )
    assert (judge.price_in, judge.price_out, judge.budget, judge.token_budget) == (1, 2.5, 3, 9)
    assert (judge.kinds, judge.longest_answer) == (("fuzz",), 2000)


@pytest.mark.parametrize(
    ("url", "local"),
    [("http://127.0.0.1:8080/v1", True), ("http://localhost/v1", True), ("http://[::1]:1/v1", True),
     ("http://10.0.0.1/v1", False), ("http://localhost.example/v1", False)],
)  # fmt: skip
def test_what_is_on_this_machine(url: str, local: bool) -> None:
    assert JudgeSettings(endpoint=url, model="m").local == local


def test_the_key_is_asked_for_when_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = read(tmp_path, GOOD + 'key = "JUDGE_KEY"\n')
    monkeypatch.setenv("JUDGE_KEY", " sk-1\n")
    assert judge.secret() == "sk-1"
    assert "sk-1" not in repr(judge)
    for value in ("", "  ", "sk 1", "sk-ü", "sk\x00", "a" * 5000):
        if "\x00" not in value:
            monkeypatch.setenv("JUDGE_KEY", value)
            with pytest.raises(UniverseError, match="JUDGE_KEY") as refused:
                judge.secret()
            assert not value.strip() or value not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "required key endpoint, model is missing"),
        ('endpoint = "https://a/v1"', "required key model is missing"),
        ("endpoint = 7\nmodel = 'm'", "endpoint is 7, expected a text"),
        ("endpoint = ''\nmodel = 'm'", "endpoint is empty"),
        (GOOD + "kinds = 'fuzz'", "expected a list of some of fuzz, detection"),
        (GOOD + "request = 7", "expected a table"),
        (GOOD + "price_in = -1", "price_in is -1, expected a number from 0"),
        (GOOD + "price_in = inf", "price_in is inf"),
        (GOOD + "budget = -0.5", "budget is -0.5"),
        ("endpoint", "not valid TOML"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(UniverseError) as refused:
        read(tmp_path, text)
    assert what in str(refused.value)
    assert str(tmp_path / "judge.toml") in str(refused.value)


def test_check_reads_it(tmp_path: Path) -> None:
    write_reports(tmp_path)
    write_features(tmp_path, [100, 107, 114, 121], [[1.0, 0.0]] * 4)
    (tmp_path / "judge.toml").write_text(GOOD)
    said = {row.file: row for row in check_folder(tmp_path)}
    assert (said["judge.toml"].grade, said["judge.toml"].what) == (
        "fine", "judge of latents: some-model at api.example"
    )  # fmt: skip
    (tmp_path / "judge.toml").write_text(GOOD + "modell = 1")
    (row,) = [row for row in check_folder(tmp_path) if row.file == "judge.toml"]
    assert row.grade == "refused"
    assert "did you mean 'model'?" in row.what
