"""Calls to the hub: tried again where that may help, and failures explained without ever showing a token.

huggingface_hub tries listings, a file's metadata and broken or rate-limited downloads again by itself. Left to do here:
5xx of a file's content, the question which commit a revision means, and damaged files.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from compsim_assets.universe.layout import UniverseError

T = TypeVar("T")

# Statuses that say "not now": time-out, too many requests, and trouble within the hub.
_NOT_NOW = (408, 425, 429, 500, 502, 503, 504)
_HOW_TO_LOG_IN = "put an access token into HF_TOKEN in the environment (or run `hf auth login`)"


@dataclass(frozen=True)
class Patience:
    """How often a call is tried, and how many seconds lie between two tries.

    The wait doubles from `first_wait` up to `longest_wait`, with jitter; at a rate limit it is what the hub asks for.
    """

    tries: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0


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
    import httpx2

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
        return retrying(call)
    except Exception as error:
        # The library's errors are OSError (HTTP errors among them), ValueError and RuntimeError; what is none of
        # these is a fault in a program and keeps its own traceback.
        of_the_hub = isinstance(error, OSError | ValueError | RuntimeError | Damaged)
        if isinstance(error, UniverseError) or not (of_the_hub or _cause(error)):
            raise
        unreachable = isinstance(_cause(error), httpx2.ConnectError | httpx2.ConnectTimeout)
        kind = Unreachable if unreachable else UniverseError
        tried = f" (tried {patience.tries} times)" if may_pass(error) else ""
        failure = kind(f"{what}: {explain(error)}{tried}")
    # Raised here and not above, or the library's error with the hub's own words would hang on as its context.
    raise failure


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
    kind = "model" if "/api/models/" in str(cause.response.url) else "data set"
    if isinstance(cause, GatedRepoError):
        return f"access is gated: accept its terms on {hub}, then {_HOW_TO_LOG_IN}"
    if isinstance(cause, RepositoryNotFoundError):
        return f"{hub} has no such {kind}, or it is private: check the name; for a private one {_HOW_TO_LOG_IN}"
    if isinstance(cause, RevisionNotFoundError):
        return f"{hub} has the {kind}, but not this revision"
    if status in (401, 403):
        return f"{hub} refuses access (HTTP {status}), the token may be wrong or expired: {_HOW_TO_LOG_IN}"
    answer = f": {cause.server_message}" if cause.server_message else ""
    return scrub(f"HTTP {status} from {cause.response.url}{answer}")


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
    """Seconds until the next try: until the hub's rate limit ends, else doubling with jitter."""
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import parse_ratelimit_headers

    cause = _cause(_error(state))
    limit = parse_ratelimit_headers(cause.response.headers) if isinstance(cause, HfHubHTTPError) else None
    if limit is not None and limit.remaining == 0:
        return limit.reset_in_seconds + 1.0
    first = patience.first_wait
    return wait_exponential_jitter(initial=first, max=patience.longest_wait, jitter=first)(state)


def _error(state: RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome is not None else None
    assert error is not None
    return error


def _cause(error: BaseException | None) -> BaseException | None:
    """The hub's answer or the connection's error that an error of the library comes from."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    while error is not None and not isinstance(error, HfHubHTTPError | httpx2.TransportError):
        error = error.__cause__
    return error
