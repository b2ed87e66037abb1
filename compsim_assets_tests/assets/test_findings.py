"""The verdicts as assets: every claim judged by the other tables, on a page whose links lead somewhere."""

import re

import pytest

from compsim_assets.definitions import defs
from compsim_assets.evidence.verdicts import verdict
from compsim_assets_tests.runs import Rebuilt

VERDICTS = {"stands", "weaker", "reversed", "not testable here"}


def test_every_claim_has_a_verdict_that_its_numbers_give(rebuilt: Rebuilt) -> None:
    table = rebuilt.read("findings")
    assert len(table) == 14
    assert set(table["verdict"]) <= VERDICTS
    assert (table["why"].str.len() > 0).all()
    tested = table[table["verdict"] != "not testable here"]
    # Clusters are compared, and the latents' scores; the tiny sample has no encoder.
    assert len(tested) >= 5
    assert tested[["as_published", "honest", "low", "high"]].notna().all(axis=None)
    for row in tested.to_dict("records"):
        direction = -1 if "less than those of the same SIC code" in row["claim"] else 1
        given = (row[name] for name in ("honest", "low", "high", "published"))
        assert verdict(*given, direction)[0] == row["verdict"]
        assert row["low"] <= row["honest"] <= row["high"]


def test_the_first_claim_is_the_difference_of_two_rows_of_table_1(rebuilt: Rebuilt) -> None:
    claim = rebuilt.read("findings").iloc[0]
    table = rebuilt.read("table_1").set_index(["block", "method"])["mean_correlation"]
    own, common = table["as_published"], table["honest"]
    assert claim["as_published"] == pytest.approx(own["base"] - own["sic_code"])
    assert claim["honest"] == pytest.approx(common["walk_forward"] - common["sic_code"])


def test_the_page_is_written_and_says_what_it_is_of(rebuilt: Rebuilt) -> None:
    folder = rebuilt.results.folder
    markdown, html = ((folder / f"findings.{kind}").read_text() for kind in ("md", "html"))
    table = rebuilt.read("findings")
    for page in (markdown, html):
        assert "the synthetic sample" in page
        assert "says nothing about real companies" in page
        assert all(verdict in page for verdict in set(table["verdict"]))
    links = re.findall(r"\]\(([^)]+)\)", markdown)
    assert len(links) == len(table)
    assert all((folder / link).exists() for link in links)
    anchors = set(re.findall(r'id="([^"]+)"', html))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= anchors


def test_the_ui_shows_the_page_with_links_to_assets(rebuilt: Rebuilt) -> None:
    said = rebuilt.metadata("findings")
    names = {key.path[-1] for key in defs.resolve_asset_graph().get_all_asset_keys()}
    links = set(re.findall(r"\]\(/assets/([^)]+)\)", said["page"]))
    assert links
    assert links <= names
    counts = rebuilt.read("findings")["verdict"].value_counts()
    assert {name: said[name] for name in counts.index} == counts.to_dict()
