"""The explorer in a real browser: what it takes to write it, to see it, and to switch the year of a company's page."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Row, timed
from compsim_assets.explore.page.build import write_page
from compsim_assets_tests.explore.page.generated import generated
from compsim_assets_tests.ui.real_ui import PROGRAMS, Page, browser

SIZES: dict[str, dict[str, Any]] = {
    "small": {"companies": 160, "years": 8, "latents": 2_000, "themes": 60},
    "paper": {"companies": 1_120, "years": 25, "latents": 131_072, "themes": 120, "windows": 1},
}
_TIMES = 5
# Seconds until the page has changed and the next frame was drawn.
_SWITCH = """
const done = arguments[arguments.length - 1], main = document.querySelector('main'), before = main.dataset.shown;
const start = performance.now();
new MutationObserver((_, observer) => {
  if (main.dataset.shown === before) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => done((performance.now() - start) / 1000)));
}).observe(main, { attributes: true });
document.getElementById('earlier').click();
"""
_PAINT = "const [e] = performance.getEntriesByName('first-contentful-paint'); return e ? e.startTime / 1000 : null"
_SEEN = "const [e] = performance.getEntriesByName('shown'); return e ? e.startTime / 1000 : null"


def rows(size: str, device: str) -> list[Row]:
    """Writing it, the first sight of it, a year's switch."""
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        raise SystemExit(f"this job needs {', '.join(missing)} on the PATH")
    shape = SIZES[size]
    what = f"{shape['companies'] * shape['years']:,} reports, {shape['latents']:,} latents"
    tables = generated(**shape)
    with tempfile.TemporaryDirectory(dir=os.environ.get("COMPSIM_DATA")) as name:
        folder = Path(name) / "page"
        folder.mkdir()
        written = timed(lambda: write_page(folder, tables))
        first = [_first_sight(folder, Path(name) / f"profile-{i}") for i in range(_TIMES)]
        with _opened(folder, Path(name) / "profile", "#/company/1005") as page:
            switches = [page.driver.execute_async_script(_SWITCH) for _ in range(_TIMES)]
    described = written.result
    before = f"{described['bytes_before_first_use'] / 1e6:.2f} MB before the first use"
    return [
        Row("explorer: written", what, written.seconds, peak=written.peak, note=f"{described['bytes'] / 1e6:.0f} MB"),
        Row("explorer: first paint", what, median(p for p, _ in first), note=f"worst {max(p for p, _ in first):.2f} s"),
        Row("explorer: first map", what, median(s for _, s in first), note=f"{before}; a new profile each time"),
        Row(
            "explorer: switch of a year", what, median(switches), note=f"a company's page; worst {max(switches):.3f} s"
        ),
    ]


def _first_sight(folder: Path, profile: Path) -> tuple[float, float]:
    """Seconds from the start of navigation to the first paint, and to the page with its map."""
    with _opened(folder, profile, "") as page:
        return page.until(lambda p: p.driver.execute_script(_PAINT), "a paint"), page.driver.execute_script(_SEEN)


@contextmanager
def _opened(folder: Path, profile: Path, address: str) -> Iterator[Page]:
    with browser(profile, folder.as_uri()) as page:
        page.driver.set_script_timeout(60)
        page.open(f"/index.html{address}")
        page.until(lambda p: p.driver.execute_script(_SEEN), "the page")
        yield page
