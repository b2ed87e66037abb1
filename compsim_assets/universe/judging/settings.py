"""A universe's `judge.toml`, read and checked: which model judges latents, what it may cost, how it is asked.

The key of an endpoint is never in the file: it is in the environment, and the file names the variable.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import SplitResult, urlsplit

from compsim_assets.universe.extraction import check_keys, read_toml
from compsim_assets.universe.layout import UniverseError

FILE = "judge.toml"
KINDS = ("fuzz", "detection")

_SAYS = "which endpoint and model judge latents"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_KEY = re.compile(r"[!-~]{1,4096}", re.ASCII)
_OURS = ("messages", "model", "n", "stream", "tools")  # of a request: what nobody else says
_LIMITS = ("max_completion_tokens", "max_tokens")
_KIND_OF: dict[str, Any] = {"str": str, "int": int, "float": int | float, "bool": bool}
_SAID = {"str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false"}
_LEAST: dict[str, int] = {
    "price_in": 0, "price_out": 0, "budget": 0, "token_budget": 1, "concurrency": 1, "timeout": 1, "tries": 1,
    "longest_wait": 0, "seed": 0, "label_windows": 1, "test_windows": 1, "per_question": 1, "least_windows": 2,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class JudgeSettings:
    """Which judge, at which price, within which limits, with which examples."""

    endpoint: str
    """Address of an OpenAI-compatible API up to its version: `http://127.0.0.1:8080/v1`."""

    model: str
    """The model, as the endpoint calls it."""

    key: str = ""
    """Name of the environment variable that holds the key; empty: none is sent."""

    plain_http: bool = False
    """Send the key unencrypted to another machine."""

    price_in: float = 0.0
    """Price of a million tokens of questions, in any currency."""

    price_out: float = 0.0
    """Price of a million tokens of answers."""

    budget: float = 0.0
    """What a run may cost; 0: no limit."""

    token_budget: int = 0
    """Tokens that a run may take, questions and answers; 0: no limit."""

    concurrency: int = 4
    """Latents that are judged at a time."""

    timeout: float = 120.0
    """Seconds that an answer may take."""

    tries: int = 6
    """How often a question is asked where it is not answered."""

    longest_wait: float = 60.0
    """Seconds between two tries, at most; an endpoint that asks for more is left alone."""

    seed: int = 0
    """Chooses the examples."""

    label_windows: int = 10
    """Windows that a label is made from, at most; as many without the latent are shown beside them."""

    test_windows: int = 20
    """Windows that a score is made from, at most, and as many without the latent."""

    per_question: int = 5
    """Windows in a question of a score."""

    least_windows: int = 6
    """A latent with fewer different windows is not judged."""

    kinds: tuple[str, ...] = KINDS
    """Scores to make."""

    hookpoint: str = ""
    """Module that the features come from, where they do not say so themselves."""

    request: Mapping[str, Any] = field(default_factory=lambda: {"temperature": 0, "max_tokens": 512, "seed": 0})
    """What else a request says."""

    file: str = FILE

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self)).items():
            if (kind := getattr(hint, "__name__", "")) in _KIND_OF:
                self._check_value(name, kind, getattr(self, name))
        for name in ("endpoint", "model"):
            if not getattr(self, name).strip():
                raise self._wrong(f"{name} is empty, expected {_SAYS}")
        if self.key and not _VARIABLE.fullmatch(self.key):
            # Somebody may have written the key itself here.
            raise self._wrong("key is no name of an environment variable; the key itself belongs into such a variable")
        self._check_endpoint()
        if not self.kinds or set(self.kinds) - set(KINDS):
            raise self._wrong(f"kinds is {list(self.kinds)}, expected some of {', '.join(KINDS)}")
        if ours := sorted(set(self.request) & set(_OURS)):
            raise self._wrong(f"[request] has {', '.join(ours)}, which cannot be chosen")
        if self.budget and not (self.price_in or self.price_out):
            raise self._wrong("budget needs price_in and price_out, the prices of a million tokens")

    def cost(self, tokens_in: float, tokens_out: float) -> float:
        """Of so many tokens of questions and answers, in the currency of the prices."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6

    @classmethod
    def from_toml(cls, path: Path) -> JudgeSettings:
        """Read and check `judge.toml`.

        Raises:
            FileNotFoundError: it is not there.
            UniverseError: not TOML, a key missing or unknown, a value that will not do.
        """
        path = path.resolve()
        values = read_toml(path, _SAYS)
        check_keys(values, str(path), cls, ("endpoint", "model"))
        kinds, request = values.get("kinds", KINDS), values.get("request", {})
        if not isinstance(kinds, list | tuple) or not all(isinstance(kind, str) for kind in kinds):
            raise UniverseError(f"{path}: kinds is {kinds!r}, expected a list of some of {', '.join(KINDS)}")
        if not isinstance(request, dict):
            raise UniverseError(f"{path}: request is {request!r}, expected a table [request]")
        return cls(**{**values, **({"kinds": tuple(kinds)} if "kinds" in values else {})}, file=str(path))

    @property
    def address(self) -> SplitResult:
        """The endpoint, in parts."""
        return urlsplit(self.endpoint)

    @property
    def local(self) -> bool:
        """Whether the endpoint is on this machine."""
        host = self.address.hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def longest_answer(self) -> int:
        """Tokens of an answer, at most; 0 where the request does not say."""
        return next((limit for name in _LIMITS if isinstance(limit := self.request.get(name), int)), 0)

    def secret(self) -> str:
        """The key; empty where none is needed.

        Raises:
            UniverseError: the variable is not set, or holds what no key is. It is not shown.
        """
        if not self.key:
            return ""
        secret = os.environ.get(self.key, "").strip()
        if not secret:
            raise self._wrong(f"the environment has no {self.key}, expected the key of {self.address.hostname} in it")
        if not _KEY.fullmatch(secret):
            raise self._wrong(f"{self.key} holds spaces, line breaks or letters beyond ASCII, expected a key")
        return secret

    def _check_value(self, name: str, kind: str, value: Any) -> None:
        if not isinstance(value, _KIND_OF[kind]) or isinstance(value, bool) != (kind == "bool"):
            raise self._wrong(f"{name} is {value!r}, expected {_SAID[kind]}")
        least = _LEAST.get(name)
        if least is not None and not (value == 0 and name.endswith("budget")) and not least <= value < 1e12:
            raise self._wrong(f"{name} is {value!r}, expected {_SAID[kind]} from {least}")

    def _check_endpoint(self) -> None:
        try:
            parts = self.address
            port = parts.port
        except ValueError:
            raise self._wrong("endpoint is no address, expected such as http://127.0.0.1:8080/v1") from None
        # Without showing it: whoever writes a key into an address does not want it in a log.
        if parts.username or parts.password or parts.query or parts.fragment:
            raise self._wrong("endpoint has a user, a query or a fragment, expected none; a key belongs into `key`")
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise self._wrong(f"endpoint is {self.endpoint!r}, expected such as http://127.0.0.1:8080/v1")
        if parts.scheme == "http" and self.key and not self.local and not self.plain_http:
            raise self._wrong(
                f"the key would go unencrypted to {parts.hostname}: use https, or allow it with plain_http = true"
            )

    def _wrong(self, what: str) -> UniverseError:
        return UniverseError(f"{self.file}: {what}")
