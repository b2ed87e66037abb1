"""The Dagster UI as a person uses it: a real server, a real Chromium, what Dagster's command has made."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psutil
import pyarrow.parquet as pq
import pytest

from compsim_assets.contracts import TABLES
from compsim_assets_tests.runs import Run
from compsim_assets_tests.ui.real_ui import PROGRAMS, Page, browser, dagster_dev, environment, serving

pytestmark = [pytest.mark.timeout(600), pytest.mark.waits(100)]

FIGURE = "feature_value_histogram"
GROUPS = (
    "descriptions",
    "features",
    "similarity",
    "clusters",
    "baselines",
    "interpretability",
    "evaluation",
    "figures",
)


@dataclass
class World:
    """A running server, a window on it, and the results it shows."""

    page: Page
    server: psutil.Process
    results: Path
    history: dg.DagsterInstance


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, from_command_line: Run, tiny_universe: Path) -> Iterator[World]:
    """The server on a copy of what the command has made, data and history."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing and os.environ.get("COMPSIM_REQUIRE_BROWSER") == "1":
        pytest.fail(f"COMPSIM_REQUIRE_BROWSER=1, but not on PATH: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not on PATH: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("ui")
    shutil.copytree(from_command_line.folder / "dagster", folder / "home")
    run = from_command_line.copy(folder)
    env = environment(folder / "home", run.data)
    env |= {"COMPSIM_SOURCE": run.source, "COMPSIM_UNIVERSE": str(tiny_universe)}
    with serving(dagster_dev, env, folder / "server.log") as (url, server), browser(folder / "profile", url) as page:
        yield World(page, server, run.results.folder, dg.DagsterInstance.from_config(str(folder / "home")))


def test_the_server_listens_on_this_machine_only(world: World) -> None:
    family = [world.server, *world.server.children(recursive=True)]
    listening = [
        connection.laddr.ip
        for process in family
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) == {"127.0.0.1"}


def test_the_graph_shows_every_group_and_what_is_in_it(world: World) -> None:
    page = world.page
    page.open("/asset-groups")
    page.see("Global asset lineage", *GROUPS)
    for group in ("similarity", "figures"):
        page.click(f"//button[following-sibling::*//*[@title='{group}']]")  # the arrow before it
    page.see("pca_scores", FIGURE, "mean_correlation_by_year", "theta_by_year")


def test_a_table_shows_what_it_is_where_it_comes_from_and_its_rows(world: World) -> None:
    page = world.page
    page.open("/assets/descriptions")
    rows = pq.read_metadata(world.results / "descriptions.parquet").num_rows
    page.see("one row per company and year", "Row count", f"{rows:,}", "local")
    page.see("Columns", *(column.name for column in TABLES["descriptions"].columns))
    page.click("//a[contains(., 'Show Markdown')]")
    first = pq.read_table(world.results / "descriptions.parquet").slice(0, 1).to_pylist()[0]
    shown = page.element("//table[.//th[. = 'company_name']]//tr[td][1]").text
    assert str(first["report_id"]) in shown
    assert first["company_name"] in shown
    page.see(f"{rows - 12:,} more rows")


def test_a_figure_is_shown_inline(world: World) -> None:
    page = world.page
    page.open(f"/assets/{FIGURE}")
    page.see("Figure 1: how SAE feature values are distributed", "local")
    page.click("//a[contains(., 'Show Markdown')]")
    image = page.element(f"//img[@alt='{FIGURE}']")
    assert image.get_attribute("src").startswith("data:image/png;base64,")
    page.until(lambda _: image.get_property("complete"), "the image")
    assert image.get_property("naturalWidth") >= 600  # 0 where the PNG cannot be decoded
    assert image.size["width"] >= 500


def test_both_cutoff_modes_are_offered(world: World) -> None:
    page = world.page
    page.open("/assets/cutoffs")
    page.click("//button[contains(., 'Materialize')]")
    page.click("//div[text() = 'Select a partition or create one']")
    page.see("Select all (2)")
    for mode in ("base", "rolling"):
        page.element(f"//li//*[@title='{mode}']")
    page.see("Backfills all partitions in a single run")


def test_a_check_shows_what_it_found_in_each_mode(world: World) -> None:
    page = world.page
    page.open("/assets/clusters?view=checks")
    page.see("every_report_in_one_cluster", "This is a blocking asset check", "Passed", "base: reports missing")


def test_the_weekly_schedule_is_there_and_off(world: World) -> None:
    page = world.page
    page.open("/automation")
    page.see("weekly_rebuild", "Scheduled At 06:00 AM UTC, only on Monday")
    row = "//*[a[contains(@href, '/schedules/weekly_rebuild')]]"
    switch = f"{row}//input[ancestor::*[contains(@class, 'ListItem_right')]]"
    page.until(lambda _: _switch(page, switch) is not None, "the schedule's switch")
    assert _switch(page, switch) is False


def test_the_weekly_schedule_asks_for_one_run(world: World) -> None:
    page = world.page
    page.open("/locations/compsim/schedules/weekly_rebuild")
    for button in ("Preview tick result", "Continue"):
        page.click(f"//button[contains(., '{button}')]")
    page.see("Requested runs (1)")


def _switch(page: Page, xpath: str) -> bool | None:
    found = page.driver.find_elements("xpath", xpath)
    return found[0].is_selected() if found and found[0].is_enabled() else None


def test_a_click_materializes_an_asset(world: World) -> None:
    page, png = world.page, world.results / "figures" / f"{FIGURE}.png"
    before = png.read_bytes()
    png.unlink()
    page.open(f"/assets/{FIGURE}")
    page.click("//button[. = 'Materialize']")
    page.click("//a[. = 'View' and contains(@href, '/runs/')]")  # in the message "Launched run"
    status = page.until(_ended, "the run's end")
    assert status == "Success", page.text
    assert png.read_bytes() == before


@pytest.mark.parametrize("modes", [["rolling"], ["base", "rolling"]], ids=" and ".join)
def test_modes_are_materialized_in_one_run(world: World, modes: list[str]) -> None:
    page, paths = world.page, {mode: world.results / "cutoffs" / f"{mode}.parquet" for mode in ("base", "rolling")}
    before = {mode: (path.stat().st_ino, path.read_bytes()) for mode, path in paths.items()}
    earlier = {run.run_id for run in world.history.get_runs()}
    page.open("/assets/cutoffs")
    page.click("//button[contains(., 'Materialize')]")
    page.click("//div[text() = 'Select a partition or create one']")
    for mode in modes:
        page.click(f"//li//*[@title='{mode}']")
    page.click("//button[contains(., 'Launch')]")

    def ended(_: Page) -> list[dg.DagsterRun]:
        runs = [run for run in world.history.get_runs() if run.run_id not in earlier]
        return runs if all(run.is_finished for run in runs) else []

    (run,) = page.until(ended, "the run's end")
    assert run.is_success
    after = {mode: (path.stat().st_ino, path.read_bytes()) for mode, path in paths.items()}
    assert {mode for mode in paths if after[mode][0] != before[mode][0]} == set(modes)
    assert {mode: data for mode, (_, data) in after.items()} == {mode: data for mode, (_, data) in before.items()}


def _ended(page: Page) -> str | None:
    words = page.text.splitlines()
    return next((word for word in ("Success", "Failure", "Canceled") if word in words), None)
