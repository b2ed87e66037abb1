"""The figure of the accounting yardstick draws this year's shares, in the panels of the metrics that most have."""

from compsim_assets.plots.fundamentals import fundamentals_by_method
from compsim_assets_tests.plots.frames import drawn, explained, gids, line_of, shown, texts
from compsim_assets_tests.plots.readable import assert_readable

LONG = "turnover of assets, net of goodwill"


def test_a_panel_for_each_metric_but_those_of_few_companies() -> None:
    titles = [axes.get_title(loc="left") for axes in shown("fundamentals").axes]
    assert titles == ["growth", "margin", f"{LONG[:27]}\N{HORIZONTAL ELLIPSIS}"]


def test_each_method_has_this_years_share_beyond_all_and_beyond_its_industry() -> None:
    table = explained()
    for axes, metric in zip(shown("fundamentals").axes, ("growth", "margin", LONG), strict=True):
        for scope, marker in (("all", "o"), ("industry", "s")):
            rows = table[(table["metric"] == metric) & (table["scope"] == scope) & (table["ahead"] == 0)]
            rows = rows[rows["level"] != 1]
            names = {f"{row.method}{' nearest' if row.level else ''}": row for row in rows.itertuples()}
            assert {gid for gid in gids(axes) if gid.startswith(f"value:{marker}:")} == {
                f"value:{marker}:{name}" for name in names
            }
            for name, row in names.items():
                value = line_of(axes, f"value:{marker}:{name}")
                assert value.get_xdata() == [row.value]
                assert (value.get_markerfacecolor() == "white") == row.in_sample
                assert list(line_of(axes, f"interval:{marker}:{name}").get_xdata()) == [row.low, row.high]


def test_nearest_peers_and_clusters_of_one_name_have_a_row_each() -> None:
    written = texts(shown("fundamentals"))
    assert {"SAE clusters, walk-forward", "SAE similarity, walk-fwd", "10 nearest peers", "Same two-digit SIC"} <= set(
        written
    )
    assert_readable(fundamentals_by_method(explained(), False))


def test_groups_alone_and_nothing_at_all() -> None:
    table = explained()
    groups = fundamentals_by_method(table[table["level"] == 0], False)
    assert "10 nearest peers" not in texts(groups)
    assert drawn(fundamentals_by_method(table.assign(value=float("nan")), True), "no-data")
