"""The page as a person uses it: a real Chromium, from disk, without a network."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys

from compsim_assets.explore.page.build import write_page
from compsim_assets_tests.explore.page.generated import generated
from compsim_assets_tests.explore.page.test_build import TABLES, without
from compsim_assets_tests.ui.real_ui import PROGRAMS, Page, browser

pytestmark = [pytest.mark.timeout(300), pytest.mark.waits(25)]

# What would run, end a script, open a comment, turn a line around or move a cursor, if the page let it.
HOSTILE = [
    "<script>document.title = 'ran'; window.ran = 1</script>",
    '<img src=x onerror="window.ran = 1">',
    "</script><script>window.ran = 1</script>",
    "<!-- --> <svg onload=window.ran=1>",
    "]]>\u2028\u2029'); window.ran = 1; ('",
    "\u202egnp.exe\u2066 evil\u200f",
    "\x1b[2J\x00\x07bell\r\nline",
    "javascript:window.ran=1",
    "{{constructor.constructor('window.ran=1')()}}`${window.ran=1}`",
    "../../../etc/passwd?year=2001#/x",
    "שלום עולם <b>bold</b>",
    "&lt;b&gt; &amp; 100 % 'quoted' \"twice\" \\n",
    "W" * 400,
    "__proto__",
    "constructor",
]


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A window on the page of generated tables; `url` is its folder."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing and os.environ.get("COMPSIM_REQUIRE_BROWSER") == "1":
        pytest.fail(f"COMPSIM_REQUIRE_BROWSER=1, but not on PATH: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not on PATH: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("explorer")
    for name, tables in PAGES.items():
        (folder / name).mkdir()
        write_page(folder / name, tables())
    with browser(folder / "profile", folder.as_uri(), 1200, 900) as page:
        page.driver.execute_cdp_cmd("Log.enable", {})
        yield page


OF_FEATURES = ("explanations", "themes", "latent_themes", "latents", "latent_years", "latent_windows")
PAGES = {
    "plain": lambda: TABLES,
    "hostile": lambda: generated(companies=30, years=2, texts=HOSTILE),
    "bare": lambda: without(TABLES, *OF_FEATURES, "places", "sectors"),
    "pairs": lambda: replace(
        without(TABLES, *OF_FEATURES, "places"),
        peers=TABLES.peers.assign(confidence=np.nan, peer_last_year=None),
        descriptions=TABLES.descriptions.assign(sic_code=None, ticker=None, description=None),
        about={"data": "pairs", "compared": "pairs"},
    ),
}  # fmt: skip


def go(window: Page, page: str, address: str = "", *seen: str) -> str:
    """Open an address of one of the pages anew, and wait for what is to be seen."""
    window.driver.get("about:blank")
    window.open(f"/{page}/index.html{address}")
    window.until(lambda w: w.driver.execute_script("return document.querySelector('main').dataset.shown"), "the page")
    return window.see(*seen)


def shown(window: Page) -> str:
    """Which page and year is shown."""
    return str(window.driver.execute_script("return document.querySelector('main').dataset.shown"))


def errors(window: Page) -> list[str]:
    """What the browser complains of since the last question."""
    return [entry["message"] for entry in window.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def press(window: Page, *keys: str) -> None:
    """Press keys, wherever the focus is."""
    window.driver.switch_to.active_element.send_keys(*keys)


def test_a_newcomer_finds_peers_of_a_year_and_why_in_three_clicks(window: Page) -> None:
    go(window, "plain", "", "Who is alike in 2003, and why", "40 companies of this year")
    window.driver.find_element("id", "search").send_keys("T005")
    window.click("//li[@role='option'][contains(., 'T005')]")  # 1
    window.see("Turbine Works 5", "Peers")
    window.click("//button[@id='earlier']")  # 2
    window.until(lambda w: shown(w) == "company/1005 2002", "the year before")
    window.click("//button[@aria-controls='why-1']")  # 3
    text = window.see("all others together", "Single latents")
    peers = TABLES.peers.query("scope == 'industry' and report_id == 185").sort_values("rank")
    nearest = window.element("(//table[contains(@class, 'peers')]//tr/th[@scope='row'])[1]").text
    company = (peers["peer_report_id"].iloc[0] - 100) % 40
    assert nearest.endswith(f"T{company:03d}")
    assert f"{peers['cosine'].iloc[0]:.3f}".lstrip("0") in text
    assert errors(window) == []


def test_the_keyboard_alone_goes_everywhere(window: Page) -> None:
    go(window, "plain", "", "Who is alike")
    press(window, "/")
    assert window.driver.switch_to.active_element.get_attribute("id") == "search"
    press(window, "turbine")
    window.element("//li[@role='option'][@aria-selected='true']")
    press(window, Keys.ARROW_DOWN, Keys.ENTER)
    window.until(lambda w: shown(w).startswith("company/"), "a company's page")
    assert window.driver.switch_to.active_element.tag_name == "h1"
    for _ in range(60):
        press(window, Keys.TAB)
        if (window.driver.switch_to.active_element.get_attribute("aria-controls") or "").startswith("why-"):
            break
    else:
        pytest.fail("no reason can be reached with the tab key")
    press(window, Keys.ENTER)
    window.see("all others together")
    assert window.driver.switch_to.active_element.get_attribute("aria-expanded") == "true"
    window.driver.execute_script("document.getElementById('year').focus()")
    press(window, Keys.ARROW_LEFT)
    window.until(lambda w: shown(w).endswith(" 2002"), "the year before")
    assert window.driver.switch_to.active_element.get_attribute("id") == "year"
    assert window.driver.switch_to.active_element.get_attribute("aria-valuetext") == "2002"
    window.driver.back()
    window.until(lambda w: shown(w).startswith(" "), "the map")


def test_the_map_is_walked_over_with_arrow_keys(window: Page) -> None:
    go(window, "plain", "#/?year=2001", "Who is alike in 2001")
    window.driver.execute_script("document.querySelector('canvas').focus()")
    press(window, Keys.ARROW_RIGHT)
    name = window.driver.execute_script("return document.getElementById('announce').textContent")
    assert "Works" in name
    press(window, Keys.ENTER)
    window.see(name, "Peers")


def test_everything_has_a_name_for_a_screen_reader(window: Page) -> None:
    for address in ("", "#/company/1005", "#/latent/7", "#/theme/2", "#/cluster/base/2?year=2001"):
        go(window, "plain", address)
        nodes = window.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        roles = {
            "button",
            "link",
            "slider",
            "combobox",
            "textbox",
            "listbox",
            "img",
            "canvas",
            "heading",
            "application",
        }
        named = [n for n in nodes if not n.get("ignored") and n.get("role", {}).get("value") in roles]
        assert len(named) > 8
        nameless = [n["role"]["value"] for n in named if not n.get("name", {}).get("value", "").strip()]
        assert nameless == [], address
        assert len([n for n in named if n["role"]["value"] == "heading" and n["properties"][0]]) >= 1


def test_pages_of_a_theme_a_latent_and_a_cluster(window: Page) -> None:
    go(window, "plain", "#/latent/7?year=2002", "Latent 7", "Where it is active", "Top companies, by year", "Median")
    marked = window.elements("//mark")
    assert len(marked) == 3 * 4  # windows with four active tokens each
    assert window.elements("//figure//mark[@class='a9']")
    go(window, "plain", "#/theme/3?year=2002", "Its latents", "Companies of 2002", "Pairs of 2002", "not tested")
    go(window, "plain", "#/cluster/rolling/2?year=2001", "Members", "95 % interval .20 to .40", "overlap 75\u00a0%")
    links = [link.get_attribute("href").partition("#")[2] for link in window.elements("//dd//a")]
    assert links[:3] == ["/theme/2?year=2001", "/latent/3?year=2001", "/latent/4?year=2001"]
    go(window, "plain", "#/company/1003?year=2001", "It has no SIC code", "Within its sector")
    go(window, "plain", "#/latent/99999", "There is no latent 99999")
    go(window, "plain", "#/company/%E0%A4%A", "Who is alike")  # a broken address
    assert errors(window) == []


def test_hostile_text_is_text_everywhere(window: Page) -> None:
    addresses = [
        "",
        "#/?year=2000",
        "#/latent/1",
        "#/latent/13",
        "#/theme/1",
        "#/theme/3",
        "#/cluster/base/1?year=2001",
    ]
    addresses += [f"#/company/{1000 + c}?year={year}" for c in range(len(HOSTILE)) for year in (2001,)]
    seen = ""
    for address in addresses:
        go(window, "hostile", address)
        for button in window.elements("//button[starts-with(@aria-controls, 'why-')]")[:1]:
            button.click()
        seen += window.text
        assert window.driver.execute_script("return window.ran") is None, address
        assert (
            window.driver.execute_script("return document.querySelectorAll('main script, main img, main b').length")
            == 0
        )
    assert "<script>document.title = 'ran'; window.ran = 1</script>" in seen
    assert '<img src=x onerror="window.ran = 1">' in seen
    assert "gnp.exe evil" in seen
    for text in ("<img", "constructor", "__proto__", "</script>", "עולם"):
        box = window.driver.find_element("id", "search")
        box.clear()
        box.send_keys(text)
        window.element("//li[@role='option']")
    assert window.driver.execute_script("return window.ran") is None
    assert errors(window) == []


def test_markup_cannot_be_made_even_on_purpose(window: Page) -> None:
    go(window, "plain")
    for script in (
        "document.body.innerHTML = '<b>x</b>'",
        "document.createElement('script').src = 'https://example.org/x.js'",
    ):
        refused = window.driver.execute_script(f"try {{ {script}; return 'made' }} catch (e) {{ return e.name }}")
        assert refused == "TypeError", script
    with pytest.raises(AssertionError):
        assert window.driver.execute_script("return eval('1 + 1')") == 3
    window.driver.get_log("browser")


def test_what_there_is_not_is_said(window: Page) -> None:
    go(window, "bare", "", "There is no map of this year")
    go(
        window,
        "bare",
        "#/company/1005",
        "There are no reasons: the asset peer_explanations has no rows",
        "Peers",
        "History",
    )
    go(window, "bare", "#/theme/1", "There are no themes")
    go(window, "bare", "#/latent/1", "There are no latents here")
    go(window, "pairs", "", "There is no map: companies are compared by published pairs")
    text = go(window, "pairs", "#/company/1005", "no reasons and no confidence", "The universe has no descriptions")
    assert "no SIC code" in text
    assert not window.elements("//button[starts-with(@aria-controls, 'why-')]")
    assert errors(window) == []


def test_dark_and_light_are_both_legible(window: Page) -> None:
    """Text against its ground, by the ratio of WCAG: 4.5 at least."""
    try:
        for scheme in ("light", "dark"):
            media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            window.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
            go(window, "plain", "#/company/1005", "History")
            colours = window.driver.execute_script(CONTRAST)
            assert len(colours) > 20
            assert {text: ratio for text, ratio in colours.items() if ratio < 4.5} == {}, scheme
    finally:
        window.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


CONTRAST = """
const share = (x) => (x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
const light = ([r, g, b]) => .2126 * share(r / 255) + .7152 * share(g / 255) + .0722 * share(b / 255);
const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
const ground = (node) => {
  for (let n = node; n; n = n.parentElement) {
    const c = rgb(getComputedStyle(n).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c.slice(0, 3);
  }
  return [255, 255, 255];
};
const result = {};
for (const node of document.querySelectorAll('body *')) {
  if (node.children.length || !node.textContent.trim() || !node.checkVisibility()) continue;
  if (node.matches(':disabled, .unseen, .unseen *')) continue;
  const a = light(rgb(getComputedStyle(node).color)), b = light(ground(node));
  const name = node.tagName + ' ' + node.textContent.trim().slice(0, 30);
  result[name] = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}
return result;
"""


def test_a_phone_needs_no_sideways_scrolling(window: Page) -> None:
    screen = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    window.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    try:
        for page in ("plain", "hostile"):
            for address in ("", "#/company/1005", "#/latent/7", "#/theme/2", "#/cluster/base/2?year=2001"):
                go(window, page, address)
                for button in window.elements("//button[starts-with(@aria-controls, 'why-')]")[:1]:
                    button.click()
                wide = window.driver.execute_script("return document.documentElement.scrollWidth")
                assert wide <= 390, (page, address)
    finally:
        window.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_folder_without_its_data_says_so(window: Page, tmp_path: Path) -> None:
    write_page(tmp_path, generated(companies=5, years=2))
    (tmp_path / "data" / "year-2001.js").unlink()
    window.driver.get(f"{tmp_path.as_uri()}/index.html")
    window.see("data/year-2001.js cannot be read")
    assert any("ERR_FILE_NOT_FOUND" in message for message in errors(window))
