"""The page of what changed: every part of it, and nothing of a company's name becomes markup."""

from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from compsim_assets.comparison.change import Change
from compsim_assets.comparison.page import crossed, html_page, markdown_page
from compsim_assets.comparison.report import LAST, PINNED, failed, graded, nothing_before, worst_first
from compsim_assets.universe.intake.levels import default_levels
from compsim_assets_tests.comparison.versions import clusters, compared, descriptions

HOSTILE = "<script>alert(1)</script> | Gamma"
VERSIONS = {"last": "Published 2026-11-30 as 20261130T060000Z-1a2b3c4d.", "pinned": "Published <long> ago."}


@pytest.fixture
def report(tmp_path: Path) -> pd.DataFrame:
    """Every grade, hostile names, and two versions."""
    before = {"descriptions": descriptions(), "clusters/base": clusters(1, 1, 1, 2, 2, 3)}
    after = {"descriptions": descriptions(4), "clusters/base": clusters(1, 1, 2, 2, 2, 3)}
    changes = [
        *compared(tmp_path, before, after),
        failed("pca", ValueError("a ` and a | in\nan error")),
        Change("findings", "verdict", "Clusters [move](http://x) *together*", 0.1, 0.2, 0.1, 1, "weaker, was stands"),
        Change("cutoff_curve", "rows", "", 2, 2, 0, 0, "unchanged"),
    ]
    levels = default_levels()
    return worst_first([graded(changes, levels, LAST), graded(changes[:3], levels, PINNED)])


class Reader(HTMLParser):
    """Tags, and the rows of all tables."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_names_are_text_in_html(report: pd.DataFrame) -> None:
    reader = Reader(html_page(report, VERSIONS, "a <b>universe</b>"))
    wanted = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "div"}
    assert reader.tags == wanted | {"table", "thead", "tbody", "tr", "th", "td"}
    cells = [cell for row in reader.rows for cell in row]
    assert f"{HOSTILE} (T2)" in cells
    assert "Clusters [move](http://x) *together*" in cells
    assert all(len(row) in (6, 7, 9) for row in reader.rows)


def test_names_are_text_in_markdown(report: pd.DataFrame) -> None:
    page = markdown_page(report, VERSIONS, "a <b>universe</b>")
    assert "<" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; \\| Gamma (T2)" in page
    assert "Clusters \\[move\\](http://x) \\*together\\*" in page
    tables = [line for line in page.splitlines() if line.startswith("|")]
    bars = {line.replace("\\|", "").count("|") for line in tables}
    assert bars == {7, 8, 10}, "no name adds a column"
    assert "a \\` and a \\| in" in page


def test_it_says_what_is_not_fine_what_moved_and_every_tables_rows(report: pd.DataFrame) -> None:
    page = markdown_page(report, VERSIONS, "the synthetic sample")
    order = ["Against the last version", "Look at this", "Headline numbers", "cluster changed most",
             "Rows of every result", "Against the pinned version", "Published &lt;long&gt; ago"]  # fmt: skip
    places = [page.index(text) for text in order]
    assert places == sorted(places)
    assert "| descriptions | rows |  | 6 | 4 | -2 | 0.3 | stop |  |" in page
    assert "| descriptions | 6 | 4 | 2 | 0 | 0 |  |" in page
    assert "| cutoff\\_curve | 2 | 2 |  |  |  | unchanged |" in page
    assert "5 results, 1 of them unchanged. Of their numbers: " in page
    assert "1 failed" in page


def test_long_sections_are_cut_and_say_so(report: pd.DataFrame) -> None:
    page = markdown_page(report, VERSIONS, "the synthetic sample", most=1)
    assert "more in rebuild\\_report." in page
    assert len(page) < len(markdown_page(report, VERSIONS, "the synthetic sample"))


def test_a_first_rebuild_says_so() -> None:
    table = graded([nothing_before()], default_levels(), LAST)
    for page in (markdown_page(table, {}, "the sample"), html_page(table, {}, "the sample")):
        assert "nothing was published before: there is nothing to compare with" in page
        assert "None" not in page


def test_what_stops_is_said_with_both_values_and_the_level(report: pd.DataFrame) -> None:
    lines = crossed(report)
    assert lines[0] == "descriptions: rows 4, was 6; size -0.3333, stop from 0.3 on"
    assert "descriptions: companies 4, was 6; size -0.3333, stop from 0.3 on" in lines
    assert all("stop from" in line for line in lines)
    assert crossed(report, most=1)[1] == f"and {len(lines) - 1} more"
    suspicious = crossed(report, "suspicious", most=50)
    assert "descriptions: rows 4, was 6; size -0.3333, suspicious from 0.3 on, against the pinned version" in suspicious
