"""One question to servers that fail in every way that they can."""

import gzip
import json
import socket
import time
from collections.abc import Callable
from contextlib import closing
from email.utils import formatdate
from threading import Thread
from typing import Any

import pytest

from compsim_assets.judge.client import LARGEST, Client, JudgeError, RefusedError, StoppedError
from compsim_assets.judge.replies import answer_of, seconds_to_wait
from compsim_assets_tests.judge.endpoint import Reply, completion, serving
from compsim_assets_tests.judge.planted import settings

QUESTION = [{"role": "user", "content": "Active:\nWindow 0: <<word>>"}]
KEY = "sk-canary-0123456789"


def ask(*script: Reply | None, **more: Any) -> tuple[str, list[float]]:
    """The answer's text, and when each question came, from the first on."""
    times = []
    with serving(*script) as endpoint:
        answer, endpoint.answer = endpoint.answer, lambda *a: (times.append(time.monotonic()), answer(*a))[1]  # type: ignore[method-assign,func-returns-value]
        text = Client(settings(endpoint.url, **more)).ask(QUESTION).text
    return text, [at - times[0] for at in times]


GOOD = "It seems clear.\nLABEL: word"


def test_a_request_is_one_that_every_server_understands() -> None:
    with serving() as endpoint:
        assert Client(settings(endpoint.url, request={"max_completion_tokens": 9})).ask(QUESTION).text == GOOD
    ((path, headers, body),) = endpoint.requests
    assert path == "/v1/chat/completions"
    assert body == {"model": "planted", "messages": QUESTION, "max_completion_tokens": 9}
    assert headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_a_busy_server_is_asked_again(status: int) -> None:
    text, times = ask(Reply(status, b"<html>busy"), None, longest_wait=0.3)
    assert text == GOOD
    assert times[1] >= 0.3


def test_waits_double() -> None:
    _, times = ask(Reply(500), Reply(500), None)
    assert times[1] >= 1
    assert times[2] - times[1] >= 2


def test_it_is_asked_again_when_it_wants_to() -> None:
    _, times = ask(Reply(429, {}, {"Retry-After": "1.5"}), Reply(503, {}, {"Retry-After": "0"}), None)
    assert times[1] >= 1.5
    assert times[2] - times[1] < 0.5


def test_all_wait_when_one_is_told_to() -> None:
    with serving(Reply(429, {}, {"Retry-After": "1"})) as endpoint:
        client = Client(settings(endpoint.url))
        first = Thread(target=client.ask, args=(QUESTION,))
        first.start()
        while client.unanswered == 0 or not client.pace._until:
            time.sleep(0.01)
        start = time.monotonic()
        client.ask(QUESTION)
        first.join()
    assert time.monotonic() - start > 0.8


def test_a_server_that_wants_to_be_left_alone_is() -> None:
    with pytest.raises(RefusedError, match="asks to wait 3,600 s: longer than longest_wait"):
        ask(Reply(429, {}, {"Retry-After": "3600"}))


def test_a_server_that_stays_busy_is_given_up() -> None:
    with pytest.raises(JudgeError, match=r"127\.0\.0\.1 answers 500 \(out of memory\[31m\) \(tried 2 times\)"):
        ask(*[Reply(500, {"error": {"message": "out of\nmemory\x1b[31m"}})] * 2, tries=2)


@pytest.mark.parametrize(
    "body", [{"error": "why"}, {"error": {"message": "why"}}, {"detail": "why"}, {"message": "why"}], ids=str
)
def test_what_a_server_says_of_an_error_is_told(body: object) -> None:
    with pytest.raises(JudgeError, match=r"answers 400 \(why\)$"):
        ask(Reply(400, body))


@pytest.mark.parametrize(
    "body", [{"error": 7}, {"error": {}}, [], 7, None, "why", {"detail": [{"msg": "why"}]}], ids=str
)
def test_what_it_says_in_another_form_is_not(body: object) -> None:
    with pytest.raises(JudgeError, match=r"answers 400$"):
        ask(Reply(400, body))


def test_an_answer_that_does_not_come_is_asked_for_again() -> None:
    text, times = ask(Reply(seconds=1.5), None, timeout=1.0)
    assert text == GOOD
    assert len(times) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html>",
        b"[]",
        b"null",
        b'{"choices": []}',
        b'{"choices": [{"message": "hi"}]}',
        b"[" * 9000,
        b"\xff",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_completion_is_asked_for_again_and_then_given_up(body: bytes) -> None:
    assert ask(Reply(200, body), None, longest_wait=0.0)[0] == GOOD
    with pytest.raises(JudgeError, match="something else than a chat completion"):
        ask(*[Reply(200, body)] * 2, tries=2, longest_wait=0.0)


@pytest.mark.parametrize("packed", [False, True])
def test_a_huge_answer_is_not_read(packed: bool) -> None:
    body = b'{"choices": [{"message": {"content": "' + b"a" * (40 * LARGEST) + b'"}}]}'
    reply = Reply(200, gzip.compress(body), {"Content-Encoding": "gzip"}) if packed else Reply(200, body)
    with pytest.raises(JudgeError, match="answers with more than 1,048,576 bytes"):
        ask(reply)


def test_a_server_that_trickles_is_not_waited_for() -> None:
    with pytest.raises(JudgeError, match="has not answered in 1 s"):
        _ask_raw(lambda connection: _trickle(connection), tries=1, timeout=1.0)


def test_nobody_there() -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(JudgeError, match=r"127\.0\.0\.1 cannot be reached \(ConnectError\).*tried 2 times"):
        Client(settings(f"http://127.0.0.1:{port}/v1", tries=2, longest_wait=0.1)).ask(QUESTION)


def test_no_tls_where_it_should_be() -> None:
    with serving() as endpoint, pytest.raises(RefusedError, match="does not speak TLS as it should"):
        Client(settings(endpoint.url.replace("http:", "https:"))).ask(QUESTION)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirection_does_not_get_the_key(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", KEY)
    with serving() as elsewhere:
        reply = Reply(status, {}, {"Location": elsewhere.url + "/chat/completions"})
        with serving(reply) as endpoint, pytest.raises(RefusedError, match="a redirection, which is not followed"):
            Client(settings(endpoint.url, key="JUDGE_KEY")).ask(QUESTION)
        assert not elsewhere.requests
    assert endpoint.requests[0][1]["Authorization"] == f"Bearer {KEY}"


def test_nothing_is_asked_once_the_run_ends() -> None:
    with serving() as endpoint:
        client = Client(settings(endpoint.url))
        client.pace.stop.set()
        with pytest.raises(StoppedError):
            client.ask(QUESTION)
    assert not endpoint.requests


def test_tokens_are_counted_by_the_server_or_by_characters() -> None:
    body = completion("x" * 10).body
    counted = answer_of(json.dumps(body).encode(), QUESTION, str)
    assert (counted.tokens_in, counted.tokens_out, counted.counted) == (0, 3, True)
    for usage in (None, {}, {"prompt_tokens": -1, "completion_tokens": 3}, {"prompt_tokens": "7"}, [1]):
        answer = answer_of(json.dumps({**body, "usage": usage}).encode(), QUESTION, str)
        assert (answer.tokens_in, answer.tokens_out, answer.counted) == (4 + 7, 3, False), usage


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7), ("-3", 0), ("0.5", 0.5), ("soon", None), ("", None), ("nan", None), ("inf", None)]
)
def test_how_long_to_wait(value: str, seconds: float | None) -> None:
    assert seconds_to_wait(value) == seconds


def test_how_long_to_wait_by_a_date() -> None:
    assert seconds_to_wait(formatdate(time.time() + 30, usegmt=True)) == pytest.approx(30, abs=2)
    assert seconds_to_wait(formatdate(0, usegmt=True)) == 0


def _ask_raw(talk: Callable[[socket.socket], None], **more: Any) -> None:
    """Ask a server that sends what `talk` sends."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with closing(connection):
                talk(connection)

        Thread(target=serve, daemon=True).start()
        Client(settings(f"http://127.0.0.1:{server.getsockname()[1]}/v1", **more)).ask(QUESTION)


def _trickle(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    try:
        for _ in range(60):
            connection.sendall(b"{")
            time.sleep(0.1)
    except OSError:
        pass
