"""The real UI, for tests and for the README's pictures: what `make ui` starts, in a headless Chromium."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import yaml
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

REPOSITORY = Path(__file__).parents[2]
PROGRAMS = ("chromium", "chromedriver")
PATIENCE = 240  # seconds: the machine may be slow, and busy with something else

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Nothing outside this machine can be reached: the UI must do without.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


def environment(home: Path, data: Path) -> dict[str, str]:
    """For servers and commands on the sample, with a Dagster home and a data folder of their own."""
    home.mkdir(parents=True, exist_ok=True)
    settings = yaml.safe_load((REPOSITORY / ".dagster" / "dagster.yaml").read_text())
    # Without the dialog that offers a newsletter on the first visit.
    (home / "dagster.yaml").write_text(yaml.safe_dump({**settings, "nux": {"enabled": False}}))
    ours = {
        "DAGSTER_HOME": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "COMPSIM_SOURCE": "sample",
        "COMPSIM_DATA": str(data),
        "COMPSIM_NPROC": "1",
        "PYTHONWARNINGS": "ignore",
    }
    return {**os.environ, **ours}


def dagster_dev(port: str) -> list[str]:
    """The command of `make ui`, with this Python: webserver and daemon."""
    make = ["make", "--dry-run", "--no-print-directory", "ui", f"PORT={port}"]
    recipe = subprocess.run(make, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    program, *arguments = shlex.split(recipe.splitlines()[-1])
    assert program.endswith("bin/dagster"), recipe
    return [sys.executable, "-m", "dagster", *arguments]


def webserver(port: str) -> list[str]:
    """The webserver alone, which shows runs and starts none."""
    where = ["--host", "127.0.0.1", "--port", port, "--workspace", "workspace.yaml"]
    return [sys.executable, "-m", "dagster_webserver", *where]


@contextmanager
def serving(
    command: Callable[[str], list[str]], env: dict[str, str], log: Path
) -> Iterator[tuple[str, psutil.Process]]:
    """A server on a free port: its address and its root process, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    with log.open("w") as output:
        server = subprocess.Popen(command(port), cwd=REPOSITORY, env=env, stdout=output, stderr=output)
    url = f"http://127.0.0.1:{port}"
    try:
        try:
            WebDriverWait(server, PATIENCE, 0.2).until(lambda server: _answers(url, server))
        except (TimeoutException, ChildProcessError):
            raise AssertionError(f"the server does not serve:\n{log.read_text()}") from None
        yield url, psutil.Process(server.pid)
    finally:
        _stop(server)


def _answers(url: str, server: subprocess.Popen) -> bool:
    if server.poll() is not None:
        raise ChildProcessError(server.returncode)
    with suppress(OSError), urllib.request.urlopen(f"{url}/server_info", timeout=10) as reply:
        return reply.status == 200
    return False


def _stop(server: subprocess.Popen) -> None:
    """Ask the server to end; what is left of its family after that is killed."""
    with suppress(psutil.NoSuchProcess):
        family = psutil.Process(server.pid).children(recursive=True)
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(5)
        for left in family:
            with suppress(psutil.NoSuchProcess):
                left.kill()
        server.kill()
        server.wait()


class Page:
    """A browser window, and waiting for what a person would wait to see."""

    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver, self.url = driver, url

    def open(self, path: str) -> None:
        """Go to a page of the server."""
        self.driver.get(self.url + path)

    @property
    def text(self) -> str:
        """All visible text."""
        return self.driver.execute_script("return document.body.innerText")

    def until(self, condition: Callable[["Page"], Any], what: str) -> Any:
        """Wait until the condition gives something true, and return it; the error tells what the page says."""
        wait = WebDriverWait(self, PATIENCE, 0.2, ignored_exceptions=[StaleElementReferenceException])
        try:
            return wait.until(condition)
        except TimeoutException:
            raise AssertionError(f"waited for {what}, the page says:\n{self.text}") from None

    def see(self, *texts: str) -> str:
        """Wait until all these texts are visible; returns the page's text."""
        return self.until(lambda page: _with_all(texts, page.text), f"the texts {', '.join(texts)}")

    def settle(self) -> None:
        """Wait until the window looks the same twice in a row: loaded, and nothing moves any more."""
        seen = [b""]

        def unchanged(page: "Page") -> bool:
            seen.append(page.driver.get_screenshot_as_png())
            return len(seen) > 4 and seen[-1] == seen[-2] == seen[-3]

        self.until(unchanged, "the window to come to rest")

    def elements(self, xpath: str) -> list[WebElement]:
        """The visible elements there are now."""
        return [e for e in self.driver.find_elements(By.XPATH, xpath) if e.is_displayed()]

    def element(self, xpath: str) -> WebElement:
        """Wait for a visible element."""
        return self.until(lambda page: next(iter(page.elements(xpath)), None), xpath)

    def click(self, xpath: str) -> None:
        """Wait for a visible element that can be clicked, and click it."""
        self.until(lambda page: _click(page.elements(xpath)), f"{xpath} that can be clicked")


def _with_all(parts: tuple[str, ...], text: str) -> str:
    return text if all(part in text for part in parts) else ""


def _click(found: list[WebElement]) -> bool:
    if not found or not found[0].is_enabled():
        return False
    # Covered by another element while the page still moves: try again.
    with suppress(ElementClickInterceptedException):
        found[0].click()
        return True
    return False


@contextmanager
def browser(profile: Path, url: str, width: int = 1500, height: int = 1100) -> Iterator[Page]:
    """A window with a new profile; selenium has no driver to look for or to download."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        yield Page(driver, url)
    finally:
        driver.quit()
