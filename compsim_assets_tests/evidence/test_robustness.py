"""The `robustness` table: rows of every kind against the functions and the arithmetic behind them."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_mutual_info_score
from statsmodels.stats.multitest import multipletests

from compsim_assets.contracts import TABLES
from compsim_assets.evidence import robustness
from compsim_assets.science.inference.permutation import permutation_null
from compsim_assets.science.inference.tests import hac_mean
from compsim_assets.science.peers.agreement import agreement_by_year

YEARS = list(range(2001, 2013))
RNG = np.random.default_rng(5)


def by_year() -> pd.DataFrame:
    rows = [
        (method, year, level + RNG.normal(0, 0.02), level / 2 + RNG.normal(0, 0.02))
        for method, level in (("base", 0.4), ("walk_forward", 0.31), ("sic_code", 0.3))
        for year in [2000, *YEARS]
    ]
    columns = ["method", "year", "mean_correlation", "pair_weighted"]
    return pd.DataFrame(rows, columns=columns).sample(frac=1, random_state=0)


def test_differences_by_year_are_corrected_together() -> None:
    table = by_year()
    found = robustness.yearly_rows(table, YEARS, ["sic_code"])
    assert list(found) == TABLES["robustness"].names
    assert found[["statistic", "method", "versus"]].apply(tuple, axis=1).tolist() == [
        (statistic, method, "sic_code")
        for statistic in ("yearly_difference", "yearly_pair_weighted_difference")
        for method in ("base", "walk_forward")
    ]
    value = table.pivot(index="year", columns="method", values="mean_correlation").loc[YEARS]
    for row in found[found["statistic"] == "yearly_difference"].itertuples():
        expected = hac_mean(value[row.method] - value["sic_code"])
        assert (row.value, row.low, row.high, row.p_value, row.n) == pytest.approx(tuple(expected))
        assert row.in_sample == (row.method == "base")
    for _, family in found.groupby("family"):
        assert len(family) == 2
        corrected = multipletests(family["p_value"], method="holm")[1]
        np.testing.assert_allclose(family["p_adjusted"], corrected)
        assert (family["p_adjusted"] > family["p_value"]).any()


def universe(n: int = 24, years: int = 6) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Groups of four that share a factor, and their returns."""
    label, year = np.tile(np.arange(n) // 4, years), np.repeat(YEARS[:years], n)
    factor = RNG.normal(size=(years, n // 4, 12)).reshape(-1, 12).repeat(4, axis=0)
    monthly = factor + RNG.normal(size=(n * years, 12))
    reports = pd.DataFrame({"year": year, "report_id": np.arange(n * years)})
    return reports.assign(cluster_id=label), reports.assign(returns=list(monthly))


def test_chance_keeps_sizes_and_leaves_the_population_out() -> None:
    groups, returns = universe()
    shuffled = groups.assign(cluster_id=RNG.permutation(groups["cluster_id"]))
    methods = {"base": groups, "sic_code": shuffled, "population": groups.assign(cluster_id=1)}
    found = robustness.permutation_rows(methods, returns, YEARS[:6], 200, 3)
    assert found["method"].unique().tolist() == ["base", "sic_code"]
    rows = found.set_index(["statistic", "method"])
    for method in ("base", "sic_code"):
        null = permutation_null(methods[method], returns, years=YEARS[:6], permutations=200, seed=3)
        for name, expected in null.items():
            row = rows.loc[(f"{name}_by_chance", method)]
            assert (row["value"], row["low"], row["high"], row["p_value"]) == pytest.approx(
                (expected.value, expected.low, expected.high, expected.p_value)
            )
    assert rows.loc[("mean_correlation_by_chance", "base"), "p_adjusted"] < 0.05
    assert rows.loc[("mean_correlation_by_chance", "sic_code"), "p_value"] > 0.05


def statistics() -> pd.DataFrame:
    rows = []
    for year in YEARS:
        for method, gain, known in (("pca", 0.02, True), ("walk_forward", 0.0, False)):
            for level in (1.0, 10.0):
                random = RNG.normal(0.2, 0.03)
                value = random + gain + RNG.normal(0, 0.01)
                rows.append((method, year, "neighbours", level, value, random, known))
            rows.append((method, year, "spearman", 0.0, RNG.normal(0.03, 0.01), math.nan, known))
    for year in YEARS[-4:]:
        rows.append(("supervised", year, "neighbours", 1.0, 0.3, 0.2, False))
    columns = ["method", "year", "statistic", "level", "value", "random", "in_sample"]
    return pd.DataFrame(rows, columns=columns).sample(frac=1, random_state=1)


def test_peers_have_a_mean_and_a_lift() -> None:
    table = statistics()
    found = robustness.peer_rows(table).set_index(["statistic", "method", "level"])
    own = table[(table["method"] == "pca") & (table["level"] == 10)].set_index("year")
    mean, lift = hac_mean(own["value"]), hac_mean(own["value"] - own["random"])
    row = found.loc[("neighbours", "pca", "10")]
    assert (row["value"], row["low"], row["high"], row["n"]) == pytest.approx((*mean[:3], mean.n))
    assert (row["family"], row["in_sample"]) == ("", True)
    assert math.isnan(row["p_value"])
    row = found.loc[("neighbours_lift", "pca", "10")]
    assert (row["value"], row["low"], row["high"], row["p_value"]) == pytest.approx(lift[:4])
    family = found[found["family"] == "neighbours_lift"]
    assert len(family) == 5
    corrected = multipletests(family["p_value"].dropna(), method="holm")[1]
    np.testing.assert_allclose(family["p_adjusted"].dropna(), corrected)
    # What has no random peers has no lift.
    assert ("spearman_lift", "pca", "") not in found.index
    assert ("spearman", "pca", "") in found.index


def test_the_supervised_is_compared_in_the_years_that_it_is_judged() -> None:
    table = statistics()
    found = robustness.supervised_rows(table)
    (row,) = found.to_dict("records")
    pca = table[(table["method"] == "pca") & (table["statistic"] == "neighbours")]
    pca = pca[(pca["level"] == 1) & pca["year"].isin(YEARS[-4:])]
    assert (row["method"], row["versus"], row["level"], row["n"]) == ("supervised", "pca", "1", 4)
    assert row["value"] == pytest.approx(0.3 - pca["value"].mean())


def test_agreement_with_codes_over_the_common_years() -> None:
    groups, _ = universe()
    codes = groups.rename(columns={"cluster_id": "code"})
    noise = groups.assign(cluster_id=RNG.permutation(groups["cluster_id"]))
    methods = {"base": groups, "sic_code": noise, "population": groups}
    found = robustness.agreement_rows(methods, {"sic_code": codes}, YEARS[:3])
    (row,) = found.to_dict("records")  # codes are not compared with themselves, nor the population
    assert (row["statistic"], row["method"], row["n"]) == ("agreement_sic_code", "base", 3)
    assert row["value"] == pytest.approx(1.0)
    found = robustness.agreement_rows({"base": noise}, {"sic2": codes}, YEARS[:4])
    (row,) = found.to_dict("records")
    by_year = agreement_by_year(noise[noise["year"].isin(YEARS[:4])], codes)
    assert row["value"] == pytest.approx(by_year["value"].mean())


def test_intervals_by_size_are_kept_for_methods_and_dropped_for_differences() -> None:
    columns = ["statistic", "method", "versus", "level", "value", "low", "high", "n"]
    rows = [
        ("mean_correlation", "walk_forward", "", "", 0.3, 0.2, 0.4, 9),
        ("mean_correlation_by_size", "walk_forward", "", "2", 0.3, 0.2, 0.4, 9),
        ("mean_correlation", "walk_forward", "base", "", 0.3, 0.2, 0.4, 9),
        ("mean_correlation_by_size", "walk_forward", "base", "2", 0.3, 0.2, 0.4, 9),
    ]
    found = robustness.resampled_rows(pd.DataFrame(rows, columns=columns), "_factor_adjusted")
    assert found["statistic"].tolist() == [
        "mean_correlation_factor_adjusted",
        "mean_correlation_by_size_factor_adjusted",
        "mean_correlation_factor_adjusted",
    ]
    assert found["in_sample"].tolist() == [False, False, True]
    assert found["family"].eq("").all()


def test_methods_without_common_years_are_compared_on_the_years_of_the_two() -> None:
    table = by_year()
    table = table[(table["method"] != "walk_forward") | table["year"].isin([2009, 2010, 2011, 2012])]
    apart = {("walk_forward", ""): [2009, 2010, 2011, 2012], ("walk_forward", "sic_code"): [2009, 2010, 2011, 2012]}
    early = list(range(2001, 2009))
    found = robustness.yearly_rows(table, early, ["sic_code"], apart).set_index(["statistic", "method"])
    value = table.pivot(index="year", columns="method", values="mean_correlation")
    for method, years in (("base", early), ("walk_forward", [2009, 2010, 2011, 2012])):
        row = found.loc[("yearly_difference", method)]
        expected = hac_mean((value[method] - value["sic_code"]).loc[years])
        assert (row["value"], row["low"], row["n"]) == pytest.approx((expected.mean, expected.low, len(years)))
        assert ("2009 to 2012 (4)" in row["how"]) == (method == "walk_forward")
    plain = robustness.yearly_rows(table, early, ["sic_code"])
    assert not plain["how"].str.contains("common").any()


def test_resamples_apart_are_made_once_for_the_same_years() -> None:
    asked: list[tuple[list[str], list[int], list[str]]] = []

    def bootstrap(methods: list[str], years: list[int], against: list[str]) -> pd.DataFrame:
        asked.append((methods, years, against))
        pairs = [(method, versus) for versus in ("", *against) for method in methods if method != versus]
        return pd.DataFrame(pairs, columns=["method", "versus"]).assign(
            statistic="mean_correlation", level="", value=0.1, low=0.0, high=0.2, n=3
        )

    apart = {("late", ""): [5, 6], ("late", "base"): [5, 6], ("late", "sic_code"): [5], ("base", "late"): [5, 6]}
    parts = robustness.resampled_apart(bootstrap, apart)
    assert asked == [(["late", "base"], [5, 6], ["base", "late"]), (["late", "sic_code"], [5], ["sic_code"])]
    rows = pd.concat(parts)
    assert list(zip(rows["method"], rows["versus"], strict=True)) == [
        ("late", ""), ("late", "base"), ("base", "late"), ("late", "sic_code"),
    ]  # fmt: skip
    assert rows["how"].str.extract(r"years (.*), not")[0].tolist() == ["5 to 6 (2)"] * 3 + ["5 to 5 (1)"]


def test_a_companys_second_report_agrees_with_no_code() -> None:
    """Twelve companies of which each has two reports: as with one report each."""
    n = 12
    company = pd.Series(np.tile(np.arange(n), 2), index=np.arange(2 * n))
    keys = {"year": 2001, "report_id": np.arange(2 * n)}
    label, code = np.tile(RNG.integers(0, 4, n), 2), np.tile(RNG.integers(0, 4, n), 2)
    groups, codes = pd.DataFrame(keys | {"cluster_id": label}), pd.DataFrame(keys | {"code": code})
    found = robustness.agreement_rows({"base": groups}, {"sic2": codes}, [2001], company)
    assert found["value"].iloc[0] == pytest.approx(adjusted_mutual_info_score(code[:n], label[:n]), abs=1e-12)
    doubled = robustness.agreement_rows({"base": groups}, {"sic2": codes}, [2001])
    assert doubled["value"].iloc[0] != pytest.approx(found["value"].iloc[0], abs=1e-3)
