"""A webhook hears of failures, signed; what must not be shown is shown nowhere, and nobody waits for it for long."""

import hashlib
import hmac
import json
import logging
import socket
import time
from pathlib import Path

import pytest

from compsim_assets.automation.webhook import TRIES, WebhookError, post, tell
from compsim_assets_tests.automation.hooks import listening

CONTENT = {"event": "run_failure", "what": "es schlug fehl: größer"}
SECRET, IN_URL = "canary-secret-4711", "canary-in-the-url-4712"


@pytest.fixture(autouse=True)
def without_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPSIM_WEBHOOK_SECRET", raising=False)
    monkeypatch.delenv("COMPSIM_WEBHOOK_SECRET_FILE", raising=False)


def test_it_is_sent_as_json_and_unsigned_without_a_secret() -> None:
    with listening() as heard:
        post(heard.url, CONTENT)
    ((headers, body),) = heard.requests
    assert json.loads(body) == CONTENT
    assert headers["Content-Type"] == "application/json"
    assert not any(name.startswith("X-Compsim") for name in headers)


@pytest.mark.parametrize("by_file", [False, True])
def test_it_is_signed(by_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if by_file:
        (tmp_path / "secret").write_text(f"{SECRET}\n")
        monkeypatch.setenv("COMPSIM_WEBHOOK_SECRET_FILE", str(tmp_path / "secret"))
    else:
        monkeypatch.setenv("COMPSIM_WEBHOOK_SECRET", SECRET)
    with listening() as heard:
        post(heard.url, CONTENT)
    ((headers, body),) = heard.requests
    at = headers["X-Compsim-Timestamp"]
    assert abs(int(at) - time.time()) < 60
    expected = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Compsim-Signature"] == f"sha256={expected}"


def test_a_busy_server_is_asked_again() -> None:
    with listening(503, 429, 200) as heard:
        post(heard.url, CONTENT, wait=0.01)
    assert len(heard.requests) == TRIES == 3


@pytest.mark.parametrize(("status", "tries"), [(500, TRIES), (404, 1), (307, 1)])
def test_what_is_not_taken_is_logged_and_no_error(status: int, tries: int, caplog: pytest.LogCaptureFixture) -> None:
    lines = list[str]()
    with caplog.at_level(logging.DEBUG), listening(status, path=f"/{IN_URL}") as heard:
        logging.getLogger().setLevel(logging.DEBUG)
        tell(heard.url, CONTENT, lines.append, wait=0.01)
    assert len(heard.requests) == tries
    assert lines == [f"COMPSIM_WEBHOOK was not told: localhost answers {status}: see COMPSIM_WEBHOOK"]
    assert IN_URL not in caplog.text


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://localhost:{free.getsockname()[1]}/{IN_URL}"
    begun, lines = time.monotonic(), list[str]()
    tell(url, CONTENT, lines.append, wait=0.01)
    assert lines == ["COMPSIM_WEBHOOK was not told: localhost cannot be reached (ConnectError): see COMPSIM_WEBHOOK"]
    assert time.monotonic() - begun < 10


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compsim_assets.automation.webhook.SECONDS", 0.2)
    lines = list[str]()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tell(f"http://localhost:{silent.getsockname()[1]}/", CONTENT, lines.append, wait=0.01)
    assert "cannot be reached (ReadTimeout)" in lines[0]


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_without_its_secret_nothing_is_sent(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secret"
    monkeypatch.setenv("COMPSIM_WEBHOOK_SECRET_FILE", str(path))
    if content is not None:
        path.write_text(content)
    with listening() as heard, pytest.raises(WebhookError, match=r"secret (cannot be read|is empty)"):
        post(heard.url, CONTENT)
    assert heard.requests == []
