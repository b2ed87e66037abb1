"""Returns less their factors, on simulated companies whose betas are known."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from compsim_assets.science.correlation.factors import adjusted_returns, check_alignment

YEARS = range(2000, 2009)
NOTHING_CLIPPED = (0.0, 1.0)


@dataclass
class Simulated:
    """Companies with betas (c, 2), factors (months, 2), own returns and all returns (c, months), and the tables."""

    betas: np.ndarray
    factors: np.ndarray
    own: np.ndarray
    returns: np.ndarray

    @property
    def factor_table(self) -> pd.DataFrame:
        months = pd.MultiIndex.from_product([YEARS, range(1, 13)], names=["year", "month"])
        return pd.DataFrame(self.factors, index=months, columns=["market", "size"]).reset_index()

    def tables(self) -> tuple[pd.DataFrame, pd.Series]:
        """Returns by report in no order, and the company of each report."""
        rows = [
            (1000 * year + company, year, self.returns[company, 12 * (year - 2000) :][:12])
            for company in range(len(self.betas))
            for year in YEARS
        ]
        table = pd.DataFrame(rows, columns=["report_id", "year", "returns"])
        table = table.sample(frac=1, random_state=0, ignore_index=True)
        ids = table["report_id"].to_numpy()
        return table, pd.Series([f"c{i % 1000}" for i in ids], index=ids)

    def adjusted(self, **options: tuple[float, float]) -> pd.DataFrame:
        table, company = self.tables()
        return adjusted_returns(table, company, self.factor_table, **options)


def simulate(seed: int = 0, companies: int = 40, noise: float = 0.03) -> Simulated:
    rng = np.random.default_rng(seed)
    months = 12 * len(YEARS)
    factors = rng.normal(scale=(0.05, 0.03), size=(months, 2)) + 0.005
    betas = np.column_stack([rng.uniform(0.5, 1.5, companies), rng.normal(size=companies)])
    own = rng.normal(scale=noise, size=(companies, months))
    return Simulated(betas, factors, own, 0.002 + betas @ factors.T + own)


def mean_correlation(returns: pd.DataFrame) -> float:
    """Mean over years of the mean correlation of all pairs."""
    values = []
    for _, year in returns.groupby("year"):
        rho = np.corrcoef(np.stack(year["returns"].to_list()))
        values.append(rho[~np.eye(len(rho), dtype=bool)].mean())
    return float(np.mean(values))


def test_what_the_factors_explain_is_gone_and_what_is_own_stays() -> None:
    market = simulate()
    table, _ = market.tables()
    found = market.adjusted(winsorise=NOTHING_CLIPPED)
    judged = found[found["year"] >= 2002]
    assert mean_correlation(table) > 0.3
    assert abs(mean_correlation(judged)) < 0.02
    like = [
        np.corrcoef(residual, market.own[report % 1000, 12 * (year - 2000) :][:12])[0, 1]
        for report, year, residual in judged.itertuples(index=False)
    ]
    assert np.mean(like) > 0.95
    assert min(like) > 0.4


def test_without_noise_betas_are_exact() -> None:
    market = simulate(noise=0.0)
    found = market.adjusted(winsorise=NOTHING_CLIPPED)
    judged = np.stack(found.loc[found["year"] >= 2002, "returns"].to_list())
    # What is left is the constant, which no correlation sees.
    np.testing.assert_allclose(judged, 0.002, atol=1e-12)


def test_residuals_are_those_of_a_regression_on_the_months_before() -> None:
    market = simulate(seed=1, companies=6)
    market.returns[2, [40, 50]] = np.nan
    found = market.adjusted(winsorise=NOTHING_CLIPPED).set_index("report_id")["returns"]
    for company in range(6):
        for year in (2002, 2004, 2008):
            begin = 12 * (year - 2000)
            window = slice(max(0, begin - 60), begin)
            y, x = market.returns[company, window], market.factors[window]
            fit = sm.OLS(y, sm.add_constant(x), missing="drop").fit()
            months = slice(begin, begin + 12)
            wanted = market.returns[company, months] - market.factors[months] @ fit.params[1:]
            np.testing.assert_allclose(found.loc[1000 * year + company], wanted, atol=1e-12)


def test_companies_with_less_than_24_months_before_have_no_residuals() -> None:
    market = simulate(companies=5)
    market.returns[1, :37] = np.nan  # 23 months before 2005
    market.returns[2, :36] = np.nan  # 24 months
    found = market.adjusted().set_index("report_id")["returns"]
    known = {report: np.isfinite(values).all() for report, values in found.items()}
    assert not any(known[1000 * year + company] for year in (2000, 2001) for company in range(5))
    assert all(known[1000 * year] for year in range(2002, 2009))
    assert (known[2005001], known[2005002]) == (False, True)
    assert known[2006001]


def test_later_years_change_nothing_before_them() -> None:
    market = simulate()
    first = market.adjusted().set_index("report_id").sort_index()
    later = slice(12 * 6, None)
    rng = np.random.default_rng(9)
    # The market stays in step, or the check of the months would refuse the table.
    market.factors[later] = rng.normal(size=market.factors[later].shape)
    market.returns[:, later] = rng.normal(scale=0.1, size=(40, 36)) + market.factors[later, 0]
    second = market.adjusted().set_index("report_id").sort_index()
    for year in YEARS:
        one, other = (np.stack(t.loc[t["year"] == year, "returns"].to_list()) for t in (first, second))
        assert (one.tobytes() == other.tobytes()) == (year < 2006)


def test_outliers_are_clipped_month_by_month() -> None:
    market = simulate(companies=100)
    year, month = 2006, 4
    column = 12 * (year - 2000) + month
    plain = market.returns[:, column].copy()
    market.returns[7, column] = 50.0
    adjusted = market.adjusted(winsorise=(0.02, 0.98)).set_index("report_id")["returns"]
    values = market.returns[:, column]
    high = np.quantile(values, 0.98)
    assert high < plain.max() + 1e-9
    gone = adjusted.loc[1000 * year + 7][month]
    market.returns[7, column] = high
    again = market.adjusted(winsorise=NOTHING_CLIPPED).set_index("report_id")["returns"]
    # Betas differ a little, since other months were clipped too.
    assert gone == pytest.approx(again.loc[1000 * year + 7][month], abs=0.02)
    assert abs(gone) < 0.5


def test_factors_in_per_cent_give_the_same_residuals() -> None:
    market = simulate()
    table, company = market.tables()
    per_cent = market.factor_table.assign(market=lambda t: 100 * t["market"])
    first, second = (
        np.stack(adjusted_returns(table, company, given)["returns"].to_list())
        for given in (market.factor_table, per_cent)
    )
    np.testing.assert_allclose(first, second, atol=1e-12)


def test_rows_keep_their_order_and_unknown_companies_have_no_residuals() -> None:
    market = simulate(companies=4)
    table, company = market.tables()
    company[company == "c1"] = None
    found = adjusted_returns(table, company, market.factor_table)
    assert found["report_id"].tolist() == table["report_id"].tolist()
    assert found["year"].tolist() == table["year"].tolist()
    known = found[np.isfinite(np.stack(found["returns"].to_list())).all(axis=1)]
    assert set(known["report_id"] % 1000) == {0, 2, 3}
    assert set(known["year"]) == set(range(2002, 2009))


def test_a_month_without_factors_has_no_residual() -> None:
    market = simulate(companies=3)
    table, company = market.tables()
    factors = market.factor_table
    gap = (factors["year"] == 2005) & (factors["month"] == 3)
    found = adjusted_returns(table, company, factors[~gap]).set_index("report_id")["returns"]
    assert np.flatnonzero(np.isnan(found.loc[2005000])).tolist() == [2]
    assert np.isfinite(found.loc[2006000]).all()


@pytest.mark.parametrize("noise", [0.0, 1e-7])
def test_a_constant_factor_explains_nothing(noise: float) -> None:
    """Constant throughout, or in the months of some companies; exactly, or up to the file's precision."""
    market = simulate(companies=5)
    table, company = market.tables()
    rng = np.random.default_rng(1)
    plain = market.factor_table.drop(columns="size")
    wanted = adjusted_returns(table, company, plain, winsorise=NOTHING_CLIPPED)
    constant = plain.assign(flat=0.003 + noise * rng.uniform(-1, 1, len(plain)))
    found = adjusted_returns(table, company, constant, winsorise=NOTHING_CLIPPED)
    np.testing.assert_allclose(np.stack(found["returns"].to_list()), np.stack(wanted["returns"].to_list()), atol=1e-9)
    # Varies from 2007 on: companies of which only earlier months are there have no beta to it.
    late = plain["year"] >= 2007
    stepped = plain.assign(flat=constant["flat"] + late * rng.normal(0, 0.05, len(plain)))
    early = table[table["year"].isin([2004, 2005, 2008])]
    found = adjusted_returns(early, company, stepped, winsorise=NOTHING_CLIPPED).set_index("report_id")["returns"]
    for report in (2008000, 2008003):
        own = market.returns[report % 1000]
        fitted = sm.OLS(own[48:72], sm.add_constant(market.factors[48:72, :1])).fit()  # 2004 and 2005
        np.testing.assert_allclose(found[report], own[96:] - market.factors[96:, 0] * fitted.params[1], atol=1e-6)


@pytest.mark.parametrize(("shift", "better", "sign"), [(1, "later", "-"), (-1, "earlier", "+")])
def test_a_factor_table_shifted_by_a_month_fails_with_the_better_lag(shift: int, better: str, sign: str) -> None:
    market = simulate()
    table, company = market.tables()
    check_alignment(table, market.factor_table)
    market.factors = np.roll(market.factors, shift, axis=0)
    with pytest.raises(ValueError, match=rf"'market' .* 1 month {better}: .* by [{sign}]1"):
        adjusted_returns(table, company, market.factor_table)


def test_a_factor_that_falls_when_returns_rise_fails() -> None:
    market = simulate()
    table, _ = market.tables()
    upside_down = market.factor_table.assign(market=-market.factors[:, 0])
    with pytest.raises(ValueError, match="does not move with the mean return"):
        check_alignment(table, upside_down)


def test_a_factor_without_any_month_in_common_fails() -> None:
    market = simulate()
    table, _ = market.tables()
    elsewhere = market.factor_table.assign(year=lambda t: t["year"] + 50)
    with pytest.raises(ValueError, match=r"0 months in common.*are of 2000 to 2008, the factors of 2050 to 2058"):
        check_alignment(table, elsewhere)


def test_a_second_report_of_a_year_changes_nothing_but_has_residuals_too() -> None:
    """An amendment: the same returns. Betas by regression on the company's months, each of them once."""
    market = simulate(companies=6)
    table, company = market.tables()
    amendment = table[table["report_id"] == 2004002].assign(report_id=9)
    both = pd.concat([amendment, table], ignore_index=True)
    plain = adjusted_returns(table, company, market.factor_table).set_index("report_id")["returns"]
    found = adjusted_returns(both, pd.concat([company, pd.Series({9: "c2"})]), market.factor_table)
    found = found.set_index("report_id")["returns"]
    assert all(found[report].tobytes() == plain[report].tobytes() for report in plain.index)
    assert found[9].tobytes() == plain[2004002].tobytes()
    assert np.isfinite(found[9]).all()


def test_two_share_classes_have_the_betas_of_their_mean() -> None:
    market = simulate(companies=4)
    table, company = market.tables()
    other = table[table["report_id"] == 2004002].assign(report_id=9)
    other["returns"] = [row + np.linspace(-0.02, 0.03, 12) for row in other["returns"]]
    both = pd.concat([table, other], ignore_index=True)
    found = adjusted_returns(
        both, pd.concat([company, pd.Series({9: "c2"})]), market.factor_table, winsorise=NOTHING_CLIPPED
    ).set_index("report_id")["returns"]
    months = market.returns[2].copy()
    months[48:60] += np.linspace(-0.02, 0.03, 12) / 2
    fitted = sm.OLS(months[12:72], sm.add_constant(market.factors[12:72])).fit()  # 2001 to 2005, for 2006
    wanted = market.returns[2, 72:84] - market.factors[72:84] @ fitted.params[1:]
    np.testing.assert_allclose(found[2006002], wanted, atol=1e-12)


def test_a_month_given_twice_is_an_error() -> None:
    market = simulate(companies=3)
    table, _ = market.tables()
    twice = pd.concat([market.factor_table, market.factor_table.tail(1)])
    with pytest.raises(ValueError, match="2008-12 twice"):
        check_alignment(table, twice)
