"""A server on this machine that speaks the protocol, and whatever else a test wants it to say."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

WINDOW = re.compile(r"^Window \d+: (.*)$", re.MULTILINE)


@dataclass
class Reply:
    """What is sent back: a body of bytes as it is, or JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass
class Endpoint:
    """What a server was asked, and what it answers.

    Attributes:
        script: answers to the first questions, in turn; None among them is the judge's own.
        most: how many questions it had at a time, at most.
        answers: how many questions it answers; others wait until `opened` is set. None: all.
        slow: seconds before each answer.
    """

    url: str = ""
    judge: Callable[[list[dict[str, str]]], str] = lambda messages: honest(messages)
    script: list[Reply | None] = field(default_factory=list)
    slow: float = 0.0
    requests: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    most: int = 0
    answers: int | None = None
    opened: Event = field(default_factory=Event)
    _now: int = 0
    _lock: Lock = field(default_factory=Lock)

    def answer(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Reply:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.requests.append((path, headers, body))
            scripted = self.script.pop(0) if self.script else None
            waits = self.answers is not None and len(self.requests) > self.answers
        time.sleep(self.slow)
        if waits:
            self.opened.wait(60)
        try:
            return scripted or completion(self.judge(body["messages"]), body)
        finally:
            with self._lock:
                self._now -= 1

    def questions(self) -> list[str]:
        return [body["messages"][-1]["content"] for _, _, body in self.requests]


def completion(text: Any, body: dict[str, Any] | None = None, **more: Any) -> Reply:
    """A chat completion as an OpenAI-compatible server sends it, each word a token."""
    words = sum(len(message["content"].split()) for message in (body or {}).get("messages", []))
    return Reply(body={
        "id": "x", "object": "chat.completion", "model": "planted-1",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": words, "completion_tokens": 3, "total_tokens": words + 3}, **more,
    })  # fmt: skip


def honest(messages: list[dict[str, str]]) -> str:
    """A deterministic judge: names the word that is marked most, and looks for it."""
    question = messages[-1]["content"]
    if question.startswith("Active:"):
        active = question.split("Not active:")[0]
        words = Counter(re.findall(r"<<(\S+?)>>", active))
        return f"It seems clear.\nLABEL: {words.most_common(1)[0][0]}" if words else "LABEL: nothing"
    label = re.search(r"Description: (.*)", question)[1]  # type: ignore[index]
    of_marks = "marked" in messages[0]["content"]
    windows = WINDOW.findall(question)
    texts = [" ".join(re.findall(r"<<(.*?)>>", window)) if of_marks else window for window in windows]
    return json.dumps([int(label in text) for text in texts])


@contextmanager
def serving(*script: Reply | None, **more: Any) -> Iterator[Endpoint]:
    """A server for as long as the block lasts."""
    endpoint = Endpoint(script=list(script), **more)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply = endpoint.answer(self.path, dict(self.headers), json.loads(body))
            time.sleep(reply.seconds)
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.opened.set()
            server.shutdown()
            thread.join()
