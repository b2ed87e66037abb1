"""The pair that the figure shows is chosen by a rule."""

import pytest

from compsim_assets.explore.typical_pair import typical_pair
from compsim_assets_tests.explore.page.generated import generated

TABLES = generated()
OTHERS = TABLES.themes, TABLES.descriptions


def test_it_is_in_the_middle_of_the_newest_years_nearest_within_an_industry() -> None:
    pair = typical_pair(TABLES.peers, TABLES.explanations, *OTHERS)
    nearest = TABLES.peers.query("rank == 1 and scope == 'industry' and year == 2003")
    below, above = (nearest["cosine"] < pair.cosine).sum(), (nearest["cosine"] > pair.cosine).sum()
    assert pair.year == 2003
    assert abs(below - above) <= 1
    assert pair.reasons["contribution"].is_monotonic_decreasing
    (report, peer), *_ = nearest.loc[nearest["cosine"] == pair.cosine, ["report_id", "peer_report_id"]].to_numpy()
    parts = TABLES.explanations.query("report_id == @report and peer_report_id == @peer and kind == 'theme'")
    assert pair.reasons["contribution"].sum() + pair.rest == pytest.approx(parts["contribution"].sum())
    assert len(pair.reasons) == len(parts) - 1 == 6
    names = TABLES.descriptions.set_index("report_id")["company_name"]
    assert pair.names == (names[report], names[peer])


def test_without_industries_it_is_among_all_and_without_reasons_it_has_none() -> None:
    everywhere = TABLES.peers[TABLES.peers["scope"] == "all"]
    pair = typical_pair(everywhere, TABLES.explanations.iloc[:0], *OTHERS)
    assert pair.cosine in set(everywhere.query("rank == 1 and year == 2003")["cosine"])
    assert pair.reasons.empty
    assert typical_pair(everywhere.iloc[:0], TABLES.explanations, *OTHERS).reasons.empty


def test_a_theme_without_a_label_goes_by_its_number() -> None:
    pair = typical_pair(TABLES.peers, TABLES.explanations, TABLES.themes.assign(label=""), TABLES.descriptions)
    assert pair.reasons["label"].str.fullmatch(r"theme \d+").all()
