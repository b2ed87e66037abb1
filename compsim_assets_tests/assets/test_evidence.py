"""Robustness and findings: intervals, common factors taken out, and every claim judged by the other tables."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compsim_assets.definitions import defs
from compsim_assets.evidence.page import CONTROLS, HEADLINE
from compsim_assets.evidence.verdicts import verdict
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.runs import Rebuilt, Run, tiny_sample

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


def test_the_first_claim_is_the_nearest_of_an_industry_against_a_random_one(rebuilt: Rebuilt) -> None:
    claim, statistics = rebuilt.read("findings").iloc[0], rebuilt.read("peer_statistics")
    nearest = statistics.query("statistic == 'neighbours_same_sic2' and level == 1").set_index(["method", "year"])
    lift = (nearest["value"] - nearest["random"]).groupby("method").mean()
    assert claim["as_published"] == pytest.approx(lift["pca"])
    assert claim["honest"] == pytest.approx(lift["walk_forward"])
    both = nearest.loc["walk_forward", ["value", "random"]].dropna().mean()
    assert f"{both['value']:.3f} against {both['random']:.3f}" in claim["why"]


def test_the_page_leads_with_it(rebuilt: Rebuilt) -> None:
    claim = rebuilt.read("findings").iloc[0]
    table = rebuilt.read("robustness").query("statistic == 'neighbours_same_sic2_lift' and level == '1'")
    row = table.set_index("method").loc["walk_forward"]
    difference = f"{claim['honest']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"
    for kind in ("md", "html"):
        page = (rebuilt.results.folder / f"findings.{kind}").read_text()
        assert page.index(HEADLINE) < page.index(difference) < page.index(CONTROLS) < page.index(claim["claim"])


def test_of_clusters_the_first_is_the_difference_of_two_rows_of_table_1(rebuilt: Rebuilt) -> None:
    claim = rebuilt.read("findings").query("table == 'table_1'").iloc[0]
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


# -- Robustness where the universe has common return factors --------------------------------------------------------


def market(run: Rebuilt) -> pd.DataFrame:
    """The mean return of all companies by month, as a simple return."""
    returns = run.read("returns")
    rows = [
        {"date": f"{year}-{month + 1:02d}", "market": np.expm1(mean)}
        for year, own in returns.groupby("year")
        for month, mean in enumerate(np.nanmean(np.stack(own["returns"].to_list()), axis=0))
    ]
    return pd.DataFrame(rows)


def robust(run: Run, factors: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table of this run's results in a universe with these factors, and what was said."""
    factors.to_parquet(run.universe / "factors.parquet")
    with tiny_sample():
        run.run(["robustness"])
    return run.read("robustness"), run.metadata("robustness")


def test_without_the_market_companies_move_together_less(rebuilt: Rebuilt, tmp_path: Path) -> None:
    table, said = robust(rebuilt.copy(tmp_path), market(rebuilt))
    assert said["factors"] == "returns winsorised at 1.0%, factors: market"
    value = table[table["versus"] == ""].set_index(["statistic", "method"])["value"]
    raw, adjusted = "mean_correlation", "mean_correlation_factor_adjusted"
    # The market is what two random companies have in common; clusters have more.
    assert abs(value[adjusted, "population"]) < value[raw, "population"] / 3
    assert value[adjusted, "walk_forward"] > value[adjusted, "population"] + 0.05
    assert not table.duplicated(["statistic", "method", "versus", "level"]).any()


def test_factors_of_other_months_are_refused(rebuilt: Rebuilt, tmp_path: Path) -> None:
    shifted = market(rebuilt)
    shifted["market"] = shifted["market"].shift(1, fill_value=0.0)
    with pytest.raises(UniverseError, match=r"^factors\.parquet: "):
        robust(rebuilt.copy(tmp_path), shifted)


def test_without_factors_it_says_so(rebuilt: Rebuilt) -> None:
    assert "no factors.parquet" in rebuilt.metadata("robustness")["factors"]
    statistics = rebuilt.read("robustness")["statistic"]
    assert not statistics.str.contains("factor_adjusted").any()
