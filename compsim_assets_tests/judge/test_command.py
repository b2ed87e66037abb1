"""`compsim judge` as a user types it: the bill, refusals, a kill in the middle, and where the key never is."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from compsim_assets.cli import app
from compsim_assets_tests.judge import planted
from compsim_assets_tests.judge.endpoint import Endpoint, Reply, completion, honest, serving

KEY = "sk-canary-0123456789"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    planted.results(folder / "local")
    return folder


@pytest.fixture
def universe(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "universe"
    folder.mkdir()
    for name, value in {"SOURCE": "local", "UNIVERSE": str(folder), "DATA": str(data)}.items():
        monkeypatch.setenv(f"COMPSIM_{name}", value)
    return folder


def configure(universe: Path, endpoint: Endpoint, *lines: str) -> None:
    text = [f'endpoint = "{endpoint.url}"', 'model = "planted"', "longest_wait = 2", *lines]
    (universe / "judge.toml").write_text("\n".join(text))


def compsim(*words: str) -> Result:
    return CliRunner().invoke(app, ["judge", *words])


def test_the_bill_is_that_of_the_run_and_nothing_is_called(universe: Path) -> None:
    with serving() as endpoint:
        configure(universe, endpoint, "price_in = 1.0", "price_out = 4.0")
        dry = compsim("--dry-run")
        assert dry.exit_code == 0, dry.output
        assert not endpoint.requests
        assert list(universe.iterdir()) == [universe / "judge.toml"]
        wet = compsim()
        assert wet.exit_code == 0, wet.output
        asked = len(endpoint.requests)
    assert f"questions: {asked} of 10 latents" in dry.stdout
    assert "latents: 11 to judge" in dry.stdout
    assert "too few windows without it: 1, not judged" in dry.stdout
    assert "tokens: about" in dry.stdout
    assert "cost: about 0.0" in dry.stdout
    assert wet.stdout.startswith(dry.stdout)
    assert "latents: 10 judged, 1 with too few windows" in wet.stdout
    assert "answers lacking: 0 of 240 examples; questions asked again: 0" in wet.stdout
    assert "  3: wordd, fuzz 12 of 12, detection 12 of 12" in wet.stderr


def test_some_latents_alone(universe: Path) -> None:
    with serving() as endpoint:
        configure(universe, endpoint)
        assert compsim("--latents", "1, 3-4").exit_code == 0
        assert compsim("--latents", "0-5", "--limit", "1").exit_code == 0
        last = compsim("--latents", "0-4", "--dry-run").stdout
    names = [name for name in planted.files_in(universe) if name.startswith("judge/")]
    assert names == [f"judge/{planted.HOOKPOINT}_latent{latent}.json" for latent in (0, 1, 3, 4)]
    assert "latents: 1 to judge; left alone: 4 judged" in last
    wrong = compsim("--latents", "7-3")
    assert wrong.exit_code == 2
    assert "--latents 7-3: expected a number, or a range such as 12-20" in wrong.stderr


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (["key = 'sk-abc-def'"], "key is no name of an environment variable"),
        (["key = 'NO_SUCH_KEY'"], "the environment has no NO_SUCH_KEY"),
        (["modell = 'x'"], "unknown key 'modell' (did you mean 'model'?)"),
        (["concurrency = 0"], "concurrency is 0, expected a whole number from 1"),
        (["timeout = nan"], "timeout is nan"),
        (["seed = true"], "seed is True, expected a whole number"),
        (["kinds = ['simulation']"], "expected some of fuzz, detection"),
        (["budget = 5.0"], "budget needs price_in and price_out"),
        (["request = {stream = true}"], "[request] has stream"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_before_anything_is_asked(universe: Path, lines: list[str], what: str) -> None:
    with serving() as endpoint:
        configure(universe, endpoint, *lines)
        result = compsim()
        assert not endpoint.requests
    assert result.exit_code == 2, result.output
    assert what in result.stderr
    assert "sk-abc" not in result.output


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://judge.example/v1", "the key would go unencrypted to judge.example"),
        ("https://user:sk-abc@judge.example/v1", "endpoint has a user, a query or a fragment"),
        ("https://judge.example/v1?key=sk-abc", "endpoint has a user, a query or a fragment"),
        ("ftp://judge.example/v1", "expected such as http://127.0.0.1:8080/v1"),
        ("http://[::1/v1", "endpoint is no address"),
        ("", "endpoint is empty"),
    ],
)
def test_addresses_that_would_show_the_key_are_refused(universe: Path, url: str, what: str) -> None:
    configure(universe, Endpoint(url), 'key = "JUDGE_KEY"')
    result = compsim("--dry-run")
    assert result.exit_code == 2
    assert what in result.stderr
    assert "sk-abc" not in result.output


def test_without_a_judge_nothing_is_called(universe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = compsim()
    assert result.exit_code == 2
    assert "judge.toml is not there: it says which endpoint and model judge latents" in result.stderr
    monkeypatch.setenv("COMPSIM_SOURCE", "sample")
    assert "the embedded sample is generated with its scores" in compsim().stderr


def test_settings_may_be_elsewhere(universe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as endpoint:
        configure(universe, endpoint)
        shutil.move(universe / "judge.toml", tmp_path / "mine.toml")
        monkeypatch.setenv("COMPSIM_JUDGE", str(tmp_path / "mine.toml"))
        assert compsim("--limit", "1").exit_code == 0
        assert endpoint.requests


def test_a_table_that_is_not_there_is_named(universe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPSIM_DATA", str(tmp_path / "empty"))
    configure(universe, Endpoint("http://127.0.0.1:1/v1"))
    result = compsim()
    assert result.exit_code == 2
    assert "latent_windows" in result.stderr


def test_the_key_is_nowhere(universe: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """With servers that send it back in errors, labels and names of models."""
    monkeypatch.setenv("JUDGE_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    outputs = []

    def judge(messages: list[dict[str, str]]) -> str:
        return f"LABEL: {KEY} word" if messages[-1]["content"].startswith("Active") else f"[{KEY}]"

    for reply in (
        Reply(500, {"error": {"message": f"bad: Bearer {KEY}"}}, {"Retry-After": "0", "X-Echo": KEY}),
        Reply(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}),
        Reply(302, {"error": KEY}, {"Location": f"http://127.0.0.1:1/{KEY}"}),
        completion(f"LABEL: {KEY}", model=f"model-{KEY}"),
    ):
        with serving(*[reply] * 3, judge=judge) as endpoint:
            configure(universe, endpoint, 'key = "JUDGE_KEY"', "tries = 2", "concurrency = 1")
            outputs.append(compsim("--limit", "2").output)
            assert endpoint.requests[0][1]["Authorization"] == f"Bearer {KEY}"
    files = planted.files_in(universe)
    assert any(b"***" in content for content in files.values())
    assert any("***" in output for output in outputs)
    assert not [name for name, content in files.items() if KEY.encode() in content or KEY in name]
    assert not [output for output in outputs if KEY in output]
    assert KEY not in caplog.text
    for path in (universe.parent, Path(os.environ["COMPSIM_DATA"])):
        assert not [file for file in path.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()]


COMMAND = [sys.executable, "-m", "compsim_assets", "judge"]


def test_a_kill_costs_only_latents_in_flight(universe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the same command then makes the same bytes as a run that was left alone."""
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    with serving() as endpoint:
        configure(undisturbed, endpoint, "concurrency = 2")
        configure(universe, endpoint, "concurrency = 2")
        for answers in (25, 55):
            endpoint.answers = answers
            process = subprocess.Popen(COMMAND, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _until(lambda: len(endpoint.requests) == endpoint.answers + 2)  # both wait for an answer
            judged = _records(universe)
            assert len(judged) >= 2
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert _records(universe) == judged
        endpoint.opened.set()
        assert compsim().exit_code == 0
        asked = len(endpoint.requests)
        monkeypatch.setenv("COMPSIM_UNIVERSE", str(undisturbed))
        assert compsim().exit_code == 0
        needed = len(endpoint.requests) - asked
    assert planted.files_in(universe) == planted.files_in(undisturbed)
    assert needed < asked <= needed + 2 * 2 * needed // 10  # two latents in flight at each of two kills
    assert not list((universe / "fuzz_scores" / ".judged").iterdir())


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert reached()


def _records(universe: Path) -> set[str]:
    return {path.name for path in universe.glob("fuzz_scores/judge/*.json")}


def test_what_was_about_to_be_moved_at_a_kill_is_moved(universe: Path) -> None:
    with serving() as endpoint:
        configure(universe, endpoint)
        assert compsim("--latents", "0").exit_code == 0
        folder = universe / "fuzz_scores"
        files = planted.files_in(universe)
        ready = folder / ".judged" / f"{planted.HOOKPOINT}_latent0"
        for name in list(files)[1:]:  # one is in its place, the others are not yet
            (ready / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).rename(ready / name)
        asked = len(endpoint.requests)
        assert compsim("--latents", "0").exit_code == 0
        assert len(endpoint.requests) == asked
    assert planted.files_in(universe) == files
    assert not ready.exists()


def test_one_at_a_time(universe: Path) -> None:
    from filelock import FileLock

    configure(universe, Endpoint("http://127.0.0.1:1/v1"))
    (universe / "fuzz_scores").mkdir()
    with FileLock(universe / "fuzz_scores" / ".judge.lock"):
        result = compsim()
    assert result.exit_code == 2
    assert "another `compsim judge` works on it" in result.stderr


def test_an_interrupt_ends_it_at_once_and_keeps_what_is_judged(universe: Path) -> None:
    # Tests in the background of a shell are started deaf to interrupts, and so would be what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with serving(answers=15) as endpoint:
        configure(universe, endpoint, "concurrency = 1")
        process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        _until(lambda: len(endpoint.requests) == 16)  # which waits for an answer
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "interrupted; what is judged is kept" in err
    assert "Traceback" not in err
    assert len(_records(universe)) == 2
    assert "latents: 2 judged" in out


def test_hostile_labels_are_plain_everywhere(universe: Path) -> None:
    hostile = "\x1b]0;owned\x07[bold]<img src=x onerror=alert(1)>\u202e" + "x" * 5000

    def judge(messages: list[dict[str, str]]) -> str:
        return f"LABEL: {hostile}" if messages[-1]["content"].startswith("Active") else honest(messages)

    with serving(judge=judge) as endpoint:
        configure(universe, endpoint)
        result = compsim("--latents", "0")
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output
    (label,) = [json.loads(text) for name, text in planted.files_in(universe).items() if name.startswith("expl")]
    assert label.startswith("]0;owned[bold]<img src=x onerror=alert(1)>xxx")
    assert len(label) == 200
