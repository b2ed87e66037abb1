"""What the page of findings leads with comes from the rows that it should come from, and says what it lacks."""

import math
from typing import Any

import pandas as pd

from compsim_assets.contracts import TABLES
from compsim_assets.evidence.headline import headline
from compsim_assets.evidence.page import CONTROLS, HEADLINE, html_page, markdown_page

LIFT, MEAN = "neighbours_same_sic2_lift", "mean_correlation"
ROBUST = [
    (LIFT, "walk_forward", "", "1", 0.06, 0.02, 0.10),
    (LIFT, "walk_forward", "", "10", 9.0, 9.0, 9.0),
    (LIFT, "pca", "", "1", 0.08, math.nan, math.nan),
    (MEAN, "walk_forward", "sic_code", "", 0.12, 0.1, 0.14),
    (MEAN, "walk_forward", "", "", 0.4, 0.3, 0.5),
    (MEAN, "sic_code", "", "", 0.28, 0.2, 0.3),
]
PEERS = [
    ("walk_forward", 2001, "neighbours_same_sic2", 1.0, 0.30, 0.25),
    ("walk_forward", 2002, "neighbours_same_sic2", 1.0, 0.32, 0.25),
    ("walk_forward", 2002, "neighbours_same_sic2", 3.0, 9.0, 9.0),
    ("pca", 2001, "neighbours_same_sic2", 1.0, 0.34, 0.26),
]
CLAIMS = pd.DataFrame(columns=TABLES["findings"].names)


def leading(robust: list[Any]) -> pd.DataFrame:
    peers = pd.DataFrame(PEERS, columns=["method", "year", "statistic", "level", "value", "random"])
    columns = ["statistic", "method", "versus", "level", "value", "low", "high"]
    return headline(peers, pd.DataFrame(robust, columns=columns))


def test_peers_of_an_industry_come_first_then_clusters_each_without_later_years_first() -> None:
    table = leading(ROBUST)
    assert table["by"].tolist() == [
        "SAE similarity, walk-fwd",
        "SAE similarity, all years",
        "SAE clusters, walk-forward",
    ]
    assert table["correlation"].tolist() == ["0.310", "0.340", "0.400"]
    assert table["of the industry"].tolist() == ["0.250", "0.260", "0.280"]
    assert table["difference"].tolist() == ["+0.060 [+0.020, +0.100]", "+0.080 no interval", "+0.120 [+0.100, +0.140]"]


def test_it_is_above_everything_else_on_the_page() -> None:
    controls = pd.DataFrame({"trained less": ["Words"]})
    pages = [
        markdown_page(CLAIMS, "a universe", [], controls=controls, headline=leading(ROBUST)),
        html_page(CLAIMS, "a universe", [], {}, controls, leading(ROBUST)),
    ]
    for page in pages:
        assert (
            page.index(HEADLINE) < page.index("+0.060 [+0.020, +0.100]") < page.index(CONTROLS) < page.index("Claims")
        )


def test_a_universe_without_either_has_no_headline() -> None:
    nothing = leading([])
    assert nothing.empty
    plain = markdown_page(CLAIMS, "a universe", [])
    assert markdown_page(CLAIMS, "a universe", [], headline=nothing) == plain
    assert HEADLINE not in plain
