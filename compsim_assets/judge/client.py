"""One question to an OpenAI-compatible endpoint: asked again where that may help, the key shown nowhere.

A redirection is not followed, as the key would go along. An answer is read up to a size and within a time, whatever the
other side sends. Errors name the endpoint's host and what it said in one plain line, without the key.
"""

import json
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TYPE_CHECKING

from compsim_assets.judge.prompts import Messages
from compsim_assets.judge.replies import Answer, answer_of, seconds_to_wait
from compsim_assets.universe.judging.labels import plain
from compsim_assets.universe.judging.settings import JudgeSettings

if TYPE_CHECKING:
    import httpx2

LARGEST = 1 << 20  # bytes of an answer with all that belongs to it
_NOT_NOW = (408, 409, 425, 429)
_OF_THE_QUESTION = (400, 413, 422)


class JudgeError(Exception):
    """A question that was not answered."""


class RefusedError(JudgeError):
    """And no other will be: the address, the key or the model is wrong."""


class _LaterError(JudgeError):
    """And may be if it is asked again.

    Attributes:
        after: seconds that the endpoint asks to wait; None where it says nothing.
    """

    def __init__(self, what: str, after: float | None = None) -> None:
        super().__init__(what)
        self.after = after


class StoppedError(JudgeError):
    """Nobody wants the answer any more."""


@dataclass
class Pace:
    """When anybody may ask again: all wait when an endpoint tells one to, and nobody once `stop` is set."""

    stop: Event = field(default_factory=Event)
    _until: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def hold(self, seconds: float) -> None:
        """Nobody asks for so long."""
        with self._lock:
            self._until = max(self._until, time.monotonic() + seconds)

    def pause(self, seconds: float = 0.0) -> None:
        """Wait so long, and until it is time.

        Raises:
            StoppedError: nothing is to be asked any more.
        """
        self.stop.wait(seconds)
        while (left := self._until - time.monotonic()) > 0 and not self.stop.wait(left):
            pass
        if self.stop.is_set():
            raise StoppedError("the run ends")


class Client:
    """Asks one endpoint; several threads may do so at a time.

    Raises:
        UniverseError: the key's variable is not set.
    """

    def __init__(self, settings: JudgeSettings, pace: Pace | None = None) -> None:
        import httpx2

        for name in ("httpx2", "httpcore2"):  # which log addresses, and headers at their lowest level
            logging.getLogger(name).setLevel(logging.WARNING)
        self._settings, self._secret, self.pace = settings, settings.secret(), pace or Pace()
        self._host = settings.address.hostname or "the endpoint"
        self._url = f"{settings.endpoint.rstrip('/')}/chat/completions"
        self._client = httpx2.Client(
            timeout=settings.timeout, follow_redirects=False, trust_env=not settings.local,
            limits=httpx2.Limits(max_connections=settings.concurrency),
        )  # fmt: skip
        self.unanswered = 0

    def ask(self, messages: Messages) -> Answer:
        """The judge's answer.

        Raises:
            RefusedError: asking anything else is of no use.
            JudgeError: this was not answered, after all tries.
        """
        settings = self._settings
        body = json.dumps({"model": settings.model, "messages": messages, **settings.request}).encode()
        for number in range(1, settings.tries + 1):
            self.pace.pause()
            try:
                return self._reply(self._post(body), messages)
            except _LaterError as problem:
                self.unanswered += 1
                pause = min(2.0 ** (number - 1), settings.longest_wait) if problem.after is None else problem.after
                if pause > settings.longest_wait:
                    raise RefusedError(
                        f"{problem}, and asks to wait {pause:,.0f} s: longer than longest_wait, try later"
                    ) from None
                if number == settings.tries:
                    raise JudgeError(f"{problem} (tried {number} times)") from None
                if problem.after is None:
                    self.pace.pause(pause)
                else:
                    self.pace.hold(pause)
        raise AssertionError

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _post(self, body: bytes) -> bytes:
        """The body of a good answer."""
        import httpx2

        headers = {"Content-Type": "application/json", "User-Agent": "compsim"}
        if self._secret:
            headers["Authorization"] = f"Bearer {self._secret}"
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                content = self._read(response)
        except httpx2.TransportError as problem:
            raise self._unreachable(problem) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
            raise JudgeError(f"{self._host} cannot be understood ({type(problem).__name__})") from None
        status = response.status_code
        if 200 <= status < 300:
            return content
        raise self._status(status, response.headers, content)

    def _read(self, response: "httpx2.Response") -> bytes:
        """All of it, within the time and the size that are allowed."""
        end, content = time.monotonic() + self._settings.timeout, bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > LARGEST:
                raise JudgeError(f"{self._host} answers with more than {LARGEST:,} bytes")
            if time.monotonic() > end:
                raise _LaterError(f"{self._host} has not answered in {self._settings.timeout:,.0f} s")
        return bytes(content)

    def _unreachable(self, problem: "httpx2.TransportError") -> JudgeError:
        cause: BaseException | None = problem
        while cause is not None and not isinstance(cause, ssl.SSLError):
            cause = cause.__cause__ or cause.__context__
        if isinstance(cause, ssl.SSLError) or "SSL" in str(problem):
            return RefusedError(
                f"{self._host} does not speak TLS as it should ({plain(self._without_key(str(problem)))})"
            )
        return _LaterError(f"{self._host} cannot be reached ({type(problem).__name__}): see endpoint in judge.toml")

    def _status(self, status: int, headers: Mapping[str, str], content: bytes) -> JudgeError:
        """What a bad answer means."""
        what = f"{self._host} answers {status}{self._message(content)}"
        if status in _NOT_NOW or status >= 500:
            return _LaterError(what, seconds_to_wait(headers.get("Retry-After", "")))
        if status in _OF_THE_QUESTION:
            return JudgeError(what)
        if 300 <= status < 400:
            return RefusedError(f"{what}, a redirection, which is not followed: see endpoint in judge.toml")
        remedy = "see key in judge.toml" if status in (401, 403) else "see endpoint and model in judge.toml"
        return RefusedError(f"{what}: {remedy}")

    def _message(self, content: bytes) -> str:
        """What an error's body says, where it says something in the usual place."""
        try:
            body = json.loads(content)
            error = next(body[name] for name in ("error", "detail", "message") if name in body)
            message = error["message"] if isinstance(error, dict) else error
        except (ValueError, KeyError, TypeError, StopIteration, RecursionError):
            return ""
        return f" ({plain(self._without_key(message))})" if isinstance(message, str) else ""

    def _reply(self, content: bytes, messages: Messages) -> Answer:
        try:
            return answer_of(content, messages, self._without_key)
        except ValueError:
            raise _LaterError(f"{self._host} answers with something else than a chat completion") from None

    def _without_key(self, text: str) -> str:
        return text.replace(self._secret, "***") if self._secret else text
