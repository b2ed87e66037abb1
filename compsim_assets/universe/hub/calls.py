"""Calls to the hub: tried again where that may help, and failures explained without ever showing a token."""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from compsim_assets.universe.layout import UniverseError

T = TypeVar("T")

# Statuses that say "not now": time-out, too many requests, and trouble within the hub.
_NOT_NOW = (408, 425, 429, 500, 502, 503, 504)
_TOKEN_HINT = "put an access token into HF_TOKEN in the environment (or run `hf auth login`)"


@dataclass(frozen=True)
class Patience:
    """How often a call is tried, and how many seconds lie between two tries.

    The wait doubles from `first_wait` up to `longest_wait`, with jitter; a wait that the hub asks for is kept, up to
    `longest_asked`.
    """

    tries: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    longest_asked: float = 600.0


class Unreachable(UniverseError):
    """There is no connection to the hub at all; it has not answered anything."""


class Damaged(Exception):
    """A downloaded file is not what the hub says that it is."""


def patiently(call: Callable[[], T], what: str, log: Callable[[str], None], patience: Patience) -> T:
    """The call's result; failures that may pass are logged and the call is made again.

    Raises:
        Unreachable: no connection, after all tries.
        UniverseError: any other failure of the hub or of the files; its text begins with `what`.
    """

    def announce(state: RetryCallState) -> None:
        log(
            f"{what}: {explain(_error(state))}; waiting {state.upcoming_sleep:.1f} s, "
            f"then try {state.attempt_number + 1} of {patience.tries}"
        )

    retrying = Retrying(
        stop=stop_after_attempt(patience.tries),
        retry=retry_if_exception(may_pass),
        wait=lambda state: _wait(state, patience),
        before_sleep=announce,
        reraise=True,
    )
    try:
        with _library_heard(what, log):
            return retrying(call)
    except Exception as error:
        # The library's errors are OSError (HTTP errors among them), ValueError and RuntimeError; what is none of
        # these is a fault in a program and keeps its own traceback.
        of_the_hub = isinstance(error, OSError | ValueError | RuntimeError | Damaged)
        if isinstance(error, UniverseError) or not (of_the_hub or _cause(error)):
            raise
        kind = Unreachable if _is_unreachable(error) else UniverseError
        tried = f" (tried {patience.tries} times)" if may_pass(error) else ""
        failure = kind(f"{what}: {explain(error)}{tried}")
    # Raised here and not above, or the library's error with the hub's own words would hang on as its context.
    raise failure


@contextmanager
def _library_heard(what: str, log: Callable[[str], None]) -> Iterator[None]:
    """The library tries some calls again by itself; its warnings about them go to the log as well."""
    thread = threading.get_ident()

    class Forward(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread:
                log(f"{what}: {scrub(record.getMessage())}")

    library, handler = logging.getLogger("huggingface_hub"), Forward(logging.WARNING)
    library.addHandler(handler)
    try:
        yield
    finally:
        library.removeHandler(handler)


def may_pass(error: BaseException) -> bool:
    """Whether the same call may work later: no connection, a broken transfer, "not now", a damaged file."""
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    cause = _cause(error)
    if isinstance(cause, HfHubHTTPError):
        return cause.response.status_code in _NOT_NOW
    if isinstance(error, OfflineModeIsEnabled):
        return False
    # LocalEntryNotFoundError: the hub could not be asked about a file. An OSError without a number is the library's
    # complaint about a body of the wrong length, a RuntimeError one of its transfer program.
    passing = (Damaged, ConnectionError, TimeoutError, LocalEntryNotFoundError, RuntimeError)
    return cause is not None or isinstance(error, passing) or (type(error) is OSError and error.errno is None)


def explain(error: BaseException) -> str:
    """One line on what went wrong and, where it is known, what to do; free of tokens and of signed addresses."""
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

    cause = _cause(error) or error
    hub = constants.ENDPOINT
    if not isinstance(cause, HfHubHTTPError):
        return scrub(f"{type(cause).__name__}: {cause}")
    status = cause.response.status_code
    if isinstance(cause, GatedRepoError):
        return f"access is gated: accept its terms on {hub}, then {_TOKEN_HINT}"
    if isinstance(cause, RepositoryNotFoundError):
        return f"{hub} has no such data set, or it is private: check the name; for a private one {_TOKEN_HINT}"
    if isinstance(cause, RevisionNotFoundError):
        return f"{hub} has the data set, but not this revision"
    if status in (401, 403):
        return f"{hub} refuses access (HTTP {status}), the token may be wrong or expired: {_TOKEN_HINT}"
    said = f": {cause.server_message}" if cause.server_message else ""
    return scrub(f"HTTP {status} from {cause.response.url}{said}")


def scrub(text: str) -> str:
    """The text in one line of bounded length, without the user's token, anything like one, and query strings."""
    from huggingface_hub import get_token

    if token := get_token():
        text = text.replace(token, "***")
    text = re.sub(r"(?i)\bbearer\s+\S+|\bhf_\w{6,}", "***", text)
    text = re.sub(r"(https?://[^\s?'\"]+)\?[^\s'\"]*", r"\1", text)
    text = " ".join(text.split())
    return text if len(text) <= 500 else f"{text[:500]}..."


def _wait(state: RetryCallState, patience: Patience) -> float:
    """Seconds until the next try: as the hub asks, else doubling with jitter."""
    asked = _asked_wait(_cause(_error(state)))
    if asked is not None:
        return min(asked, patience.longest_asked)
    growing = wait_exponential_jitter(
        initial=patience.first_wait, max=patience.longest_wait, jitter=patience.first_wait
    )
    return growing(state)


def _asked_wait(cause: BaseException | None) -> float | None:
    """Seconds that the hub asks to wait, by its rate limit or by Retry-After (seconds or a date)."""
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import parse_ratelimit_headers

    if not isinstance(cause, HfHubHTTPError):
        return None
    headers = cause.response.headers
    limit = parse_ratelimit_headers(headers)
    if cause.response.status_code == 429 and limit is not None and limit.remaining == 0:
        return float(limit.reset_in_seconds)
    after = headers.get("Retry-After", "").strip()
    if after.isdigit():
        return float(after)
    try:
        return max(0.0, (parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # none, or nothing that can be read
        return None


def _error(state: RetryCallState) -> BaseException:
    assert state.outcome is not None
    error = state.outcome.exception()
    assert error is not None
    return error


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__


def _cause(error: BaseException) -> BaseException | None:
    """The hub's answer or the connection's error that an error of the library comes from."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    kinds = HfHubHTTPError | httpx2.TransportError
    return next((link for link in _chain(error) if isinstance(link, kinds)), None)


def _is_unreachable(error: BaseException) -> bool:
    import httpx2

    return isinstance(_cause(error), httpx2.ConnectError | httpx2.ConnectTimeout)
