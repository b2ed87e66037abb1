"""What automation is told by the environment: the inbox, whether anybody attends, and who hears of failures."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from compsim_assets.settings import flag, setting

if TYPE_CHECKING:
    from compsim_assets.settings import Settings

_HERE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Options:
    """How the platform runs without a person.

    unattended: whether schedule and sensors are on as soon as the daemon starts. automate: whether assets have
    conditions. inbox, universe: folders where files are dropped, and where they go; both or none. webhook: a URL that
    hears of failures. ui: where the UI is, for links.
    """

    unattended: bool = False
    automate: bool = False
    inbox: Path | None = None
    universe: Path | None = None
    webhook: str = ""
    ui: str = ""

    @classmethod
    def from_environment(cls, settings: "Settings") -> "Options":
        """As the COMPSIM_ variables say.

        Raises:
            ValueError: one with a value that it cannot have.
        """
        inbox, universe = _folders(setting("COMPSIM_INBOX"), settings)
        if setting("COMPSIM_WEBHOOK_SECRET") and setting("COMPSIM_WEBHOOK_SECRET_FILE"):
            raise ValueError("COMPSIM_WEBHOOK_SECRET and COMPSIM_WEBHOOK_SECRET_FILE are both set, expected one")
        return cls(
            unattended=flag("COMPSIM_UNATTENDED"),
            automate=flag("COMPSIM_AUTOMATE"),
            inbox=inbox,
            universe=universe,
            webhook=_webhook(setting("COMPSIM_WEBHOOK")),
            ui=_url("COMPSIM_UI", setting("COMPSIM_UI"), "a URL such as http://host:3000").rstrip("/"),
        )


def _folders(inbox: str, settings: "Settings") -> tuple[Path | None, Path | None]:
    if not inbox:
        return None, None
    if settings.source != "local" or not settings.universe:
        raise ValueError(
            f"COMPSIM_INBOX is set, and COMPSIM_SOURCE is {settings.source!r}: expected local, with COMPSIM_UNIVERSE"
        )
    here, there = (Path(path).expanduser().resolve() for path in (inbox, settings.universe))
    if here.is_relative_to(there) or there.is_relative_to(here):
        raise ValueError(f"COMPSIM_INBOX is {inbox!r}, expected a folder apart from COMPSIM_UNIVERSE")
    return here, there


def _webhook(url: str) -> str:
    """A URL that tells what is sent to nobody on the way; its own text may be a secret and is not shown."""
    expected = "expected a URL that begins with https://, or with http://localhost"
    parts = urlsplit(_url("COMPSIM_WEBHOOK", url, expected.removeprefix("expected ")))
    if url and parts.scheme != "https" and parts.hostname not in _HERE:
        raise ValueError(f"COMPSIM_WEBHOOK is a URL without encryption, {expected}")
    return url


def _url(name: str, url: str, expected: str) -> str:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if url and not fine:
        raise ValueError(f"{name} is no URL, expected {expected}")
    return url
