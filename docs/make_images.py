"""The README's pictures, from the materialized sample: `make images`.

Two figures as they lie in the results, three windows of the Dagster UI, started on a copy of the run history, and a
company's page of the explorer.
"""

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from compsim_assets.settings import Settings
from compsim_assets.storage.results import Results
from compsim_assets_tests.ui.real_ui import Page, browser, environment, serving, webserver

IMAGES = Path(__file__).parent / "images"
FIGURES = ("mean_correlation_by_year", "methods_forest")
INLINE = "mean_correlation_by_theta"
LINEAGE = "/assets/cutoffs?view=lineage&lineageScope=neighbors&lineageDepth=1"

# The dialog opens at its end, where its button is.
_TO_THE_TOP = "document.querySelectorAll('*').forEach(part => { part.scrollTop = 0 })"


def main() -> None:
    """Write docs/images/*.png."""
    settings = Settings(source="sample", data=Settings.from_environment().data)
    IMAGES.mkdir(exist_ok=True)
    for name in FIGURES:
        figure = Results.of(settings).figure(name)
        if not figure.exists():
            raise SystemExit(f"{figure} does not exist: run `make materialize` first")
        _save(figure.read_bytes(), f"{name}.png")
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copytree(os.environ["DAGSTER_HOME"], folder / "home")
        env = environment(folder / "home", Path(settings.data))
        with (
            serving(webserver, env, folder / "server.log") as (url, _),
            browser(folder / "profile", url, 1280, 920) as page,
        ):
            _take(page)
        with browser(folder / "explorer", Results.of(settings).array_folder("explorer").as_uri(), 1180, 1420) as page:
            _take_explorer(page)


def _take(page: Page) -> None:
    page.open(LINEAGE)
    page.click("//button[contains(., 'Hide navigation')]")
    page.open(LINEAGE)  # laid out anew for the wider window
    page.see("Graph depth", "cutoff_curve", "clusters", "theta_by_year")
    page.until(_all_green, "every asset to be shown as materialized")
    page.settle()
    _save(page.driver.get_screenshot_as_png(), "ui_lineage.png")

    page.driver.set_window_size(1280, 1060)
    page.open(f"/assets/{INLINE}")
    page.click("//a[contains(., 'Show Markdown')]")
    page.element(f"//img[@alt='{INLINE}']")
    page.settle()
    _save(page.driver.get_screenshot_as_png(), "ui_figure.png")

    page.driver.set_window_size(1500, 1180)
    page.open("/assets/findings")
    page.click("//tr[.//*[text()='page']]//a[contains(., 'Show Markdown')]")
    page.see("corrected, here")
    page.settle()
    page.driver.execute_script(_TO_THE_TOP)
    _save(page.driver.get_screenshot_as_png(), "ui_findings.png")


def _take_explorer(page: Page) -> None:
    """A company's page, with the reasons of its nearest peer."""
    page.open("/index.html")
    page.click("//summary")
    page.click("(//ul[@class='members']//a)[1]")
    page.see("Peers", "History")
    page.click("//button[@aria-controls='why-1']")
    page.see("all others together")
    page.settle()
    page.driver.execute_script(f"document.documentElement.style.overflow = 'hidden'; {_TO_THE_TOP}")
    _save(page.driver.get_screenshot_as_png(), "explorer_company.png")


def _all_green(page: Page) -> bool:
    boxes = page.elements("//*[contains(@class, 'minimalAssetNodeBox')]")
    return bool(boxes) and all("green" in str(box.get_attribute("style")) for box in boxes)


def _save(png: bytes, name: str) -> None:
    (IMAGES / name).write_bytes(png)
    print(f"docs/images/{name}: {len(png) // 1024} kB")


if __name__ == "__main__":
    main()
