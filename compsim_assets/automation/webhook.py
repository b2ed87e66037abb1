"""What another program hears of failures: JSON by HTTP, signed with a secret that is shown nowhere.

`X-Compsim-Signature` is `sha256=` and the HMAC-SHA256 of the header `X-Compsim-Timestamp`, a full stop and the body.
"""

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from compsim_assets.settings import setting

TRIES, SECONDS = 3, 5.0  # all of them take less than a sensor has
_WORTH_ANOTHER_TRY = (408, 425, 429)


class WebhookError(Exception):
    """Nobody heard; the message names the host and no more of the URL."""


def post(url: str, content: Mapping[str, Any], wait: float = 1.0) -> None:
    """Send JSON; another try after a time where the other side is not there, or is busy.

    Raises:
        WebhookError: it was not taken, or the secret cannot be read.
    """
    import httpx2
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

    for name in ("httpx2", "httpcore2"):  # which log whole URLs
        logging.getLogger(name).setLevel(logging.WARNING)
    body = json.dumps(content, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json", "User-Agent": "compsim", **_signature(body)}
    retrying = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=wait, max=4 * wait),
        retry=retry_if_exception(_may_pass),
        reraise=True,
    )
    try:
        for attempt in retrying:
            with attempt:
                httpx2.post(url, content=body, headers=headers, timeout=SECONDS).raise_for_status()
    except httpx2.HTTPStatusError as problem:
        raise WebhookError(f"{_host(url)} answers {problem.response.status_code}: see COMPSIM_WEBHOOK") from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
        raise WebhookError(f"{_host(url)} cannot be reached ({type(problem).__name__}): see COMPSIM_WEBHOOK") from None


def tell(url: str, content: Mapping[str, Any], log: Callable[[str], None], wait: float = 1.0) -> None:
    """The same, where a failure must not fail what is done: it is logged."""
    try:
        post(url, content, wait)
    except WebhookError as problem:
        log(f"COMPSIM_WEBHOOK was not told: {problem}")


def _signature(body: bytes) -> dict[str, str]:
    secret = _secret()
    if not secret:
        return {}
    at = str(int(time.time()))
    digest = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Compsim-Timestamp": at, "X-Compsim-Signature": f"sha256={digest}"}


def _secret() -> bytes:
    """From the environment, or from a file that is read each time; empty without either."""
    if path := setting("COMPSIM_WEBHOOK_SECRET_FILE"):
        try:
            secret = Path(path).expanduser().read_bytes().strip()
        except OSError as problem:
            raise WebhookError(f"COMPSIM_WEBHOOK_SECRET_FILE: {path} cannot be read ({problem.strerror})") from None
        if not secret:
            raise WebhookError(f"COMPSIM_WEBHOOK_SECRET_FILE: {path} is empty")
        return secret
    return setting("COMPSIM_WEBHOOK_SECRET").encode()


def _may_pass(problem: BaseException) -> bool:
    """Whether another try may do."""
    import httpx2

    if isinstance(problem, httpx2.HTTPStatusError):
        status = problem.response.status_code
        return status >= 500 or status in _WORTH_ANOTHER_TRY
    return isinstance(problem, httpx2.TransportError) and not isinstance(problem, httpx2.UnsupportedProtocol)


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the host"
