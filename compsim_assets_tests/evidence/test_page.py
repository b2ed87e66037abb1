"""The findings as Markdown and HTML: every claim with its numbers, whatever the texts hold."""

import math
from html.parser import HTMLParser

import pandas as pd

from compsim_assets.evidence.page import html_page, markdown_page

NAN = math.nan
FINDINGS = pd.DataFrame(
    [
        ("Clusters | move <together>", 0.128, 0.25, 0.0515, 0.01, 0.09, "weaker", "short & low", "table_1"),
        ("Sharpe above 10", 12.18, 14.02, NAN, NAN, NAN, "not testable here", "no prices", "pairs_backtest"),
    ],
    columns=["claim", "published", "as_published", "honest", "low", "high", "verdict", "why", "table"],
)  # fmt: skip
TABLES = {
    "table_1": pd.DataFrame({"method": ["<b>base</b>"], "value": [0.123456], "none": [math.nan]}),
    "pairs_backtest": pd.DataFrame({"method": ["base"], "sharpe": [1.5]}),
}


def test_markdown_has_a_line_a_claim() -> None:
    page = markdown_page(FINDINGS, "a universe", ["They are survivors."])
    assert "Computed on a universe." in page
    assert "- They are survivors." in page
    lines = [line for line in page.splitlines() if line.startswith("|")]
    assert lines[2] == (
        "| Clusters \\| move <together> | 0.128 | 0.250 | 0.051 [0.010, 0.090] | weaker | short & low "
        "| [table_1](table_1.parquet) |"
    )
    assert lines[3] == (
        "| Sharpe above 10 | 12.18 | 14.02 |  | not testable here | no prices "
        "| [pairs_backtest](pairs_backtest.parquet) |"
    )
    assert len(lines) == 4


def test_the_ui_gets_links_to_assets() -> None:
    page = markdown_page(FINDINGS, "a universe", [], link="/assets/{table}")
    assert "[table_1](/assets/table_1)" in page


class _Reader(HTMLParser):
    """Cells of all tables, targets of links and anchors."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.links: list[str] = []
        self.anchors: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._open = tag in ("td", "th") or (self._open and tag == "a")
        if tag in ("td", "th"):
            self.cells.append("")
        self.links += [str(found["href"])] if "href" in found else []
        self.anchors += [str(found["id"])] if "id" in found else []

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._open:
            self.cells[-1] += data


def test_html_links_every_claim_to_a_table_that_is_on_the_page() -> None:
    page = html_page(FINDINGS, "a <small> universe", ["One & all."], TABLES)
    reader = _Reader()
    reader.feed(page)
    assert reader.cells[7:14] == [
        "Clusters | move <together>",
        "0.128",
        "0.250",
        "0.051 [0.010, 0.090]",
        "weaker",
        "short & low",
        "table_1",
    ]
    targets = [link.removeprefix("#") for link in reader.links if link.startswith("#")]
    assert targets == ["table_1", "pairs_backtest"]
    assert set(targets) <= set(reader.anchors)
    assert {"table_1.parquet", "pairs_backtest.parquet"} <= set(reader.links)
    assert "a &lt;small&gt; universe" in page
    assert "One &amp; all." in page
    # What tables hold is text, not markup.
    assert "<b>base</b>" in reader.cells
    assert "0.1235" in reader.cells
