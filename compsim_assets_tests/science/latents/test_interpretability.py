import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student

from compsim_assets.science.latents.interpretability import (
    interpretability_curve,
    interpretability_gain,
    strong_feature_proportion,
)
from compsim_assets_tests.science.strategies import examples


def scores_of(values: dict[int, float]) -> pd.DataFrame:
    return pd.DataFrame({"latent": list(values), "interpretability": list(values.values())})


def strong_in(times: dict[int, int]) -> pd.DataFrame:
    return pd.DataFrame({"latent": [latent for latent, count in times.items() for _ in range(count)]}, dtype="int64")


@examples(30)
@given(
    st.dictionaries(st.integers(0, 30), st.one_of(st.floats(0, 100), st.just(math.nan)), max_size=12),
    st.dictionaries(st.integers(0, 40), st.integers(0, 25)),
    st.integers(25, 400),
)
def test_curve_equals_counting_latent_by_latent(
    values: dict[int, float], times: dict[int, int], n_clusters: int
) -> None:
    curve = interpretability_curve(strong_in(times), n_clusters, scores_of(values))
    assert curve["min_share"].tolist() == list(range(31))
    answered = {latent: value for latent, value in values.items() if not math.isnan(value)}
    for row in curve.itertuples():
        # f_j >= p per cent in whole numbers.
        left = [
            value for latent, value in answered.items() if times.get(latent, 0) * 100 >= int(row.min_share) * n_clusters
        ]
        assert row.n_latents == len(left)
        assert row.share_of_latents == pytest.approx(len(left) / len(answered) if answered else 0)
        expected = sum(left) / len(left) if left else math.nan
        assert row.mean_interpretability == pytest.approx(expected, nan_ok=True)


def test_zero_per_cent_keeps_every_scored_latent() -> None:
    curve = interpretability_curve(strong_in({}), 10, scores_of({1: 50.0, 2: 70.0, 3: math.nan}))
    assert curve.loc[0, ["mean_interpretability", "n_latents", "share_of_latents"]].tolist() == [60.0, 2, 1.0]
    # A bin without latents is left out, not drawn as 0.
    assert curve["mean_interpretability"][1:].isna().all()
    assert (curve["n_latents"][1:] == 0).all()


@pytest.mark.parametrize(("times", "n_clusters", "share"), [(7, 25, 28), (29, 100, 29), (3, 10, 30), (57, 190, 30)])
def test_a_share_of_exactly_p_per_cent_counts(times: int, n_clusters: int, share: int) -> None:
    # 7 / 25 * 100 and 0.29 * 100 are not whole numbers in floating point.
    curve = interpretability_curve(strong_in({4: times}), n_clusters, scores_of({4: 80.0}))
    assert curve["n_latents"].tolist() == [1] * (share + 1) + [0] * (30 - share)


def test_latents_without_a_score_do_not_count() -> None:
    curve = interpretability_curve(strong_in({1: 5, 99: 10}), 10, scores_of({1: 90.0, 2: 10.0}))
    assert curve["mean_interpretability"][30] == 90.0
    assert curve["share_of_latents"][30] == 0.5


def test_no_clusters_studied_leaves_no_latent_above_zero_per_cent() -> None:
    curve = interpretability_curve(strong_in({}), 0, scores_of({1: 60.0}))
    assert curve["n_latents"].tolist() == [1] + [0] * 30


def test_proportion_divides_by_the_clusters_own_candidates() -> None:
    summary = pd.DataFrame(
        {
            "year": [2001, 2001, 2002], "cluster_id": [1, 2, 1], "n_members": [9, 2, 4],
            "n_candidates": [980, 40, 0], "n_strong": [98, 2, 0],
        },
        index=[5, 6, 7],
    )  # fmt: skip
    found = strong_feature_proportion(summary)
    assert found.columns.tolist() == ["year", "cluster_id", "n_members", "proportion"]
    # A cluster without candidates has no proportion.
    assert found.to_numpy().tolist() == [[2001, 1, 9, 0.1], [2001, 2, 2, 0.05]]
    assert found.index.tolist() == [0, 1]


def test_the_gain_of_latents_strong_in_many_clusters() -> None:
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(80, 4, 12), rng.normal(60, 9, 40), [math.nan]])
    scores = scores_of(dict(enumerate(values)))
    # Twelve latents are strong in 20 of 100 clusters, the first two of them in 30.
    strong = strong_in({0: 30, 1: 30, **dict.fromkeys(range(2, 12), 20), 15: 3})
    as_published, gain, low, high = interpretability_gain(strong, 100, scores)
    assert as_published == pytest.approx(values[:2].mean() - values[:52].mean())
    many, others = values[:12], values[12:52]
    assert gain == pytest.approx(many.mean() - others.mean())
    # Welch's interval by hand.
    parts = [many.var(ddof=1) / 12, others.var(ddof=1) / 40]
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 11 + parts[1] ** 2 / 39)
    reach = student.ppf(0.975, freedom) * math.sqrt(sum(parts))
    assert (low, high) == pytest.approx((gain - reach, gain + reach))


@pytest.mark.parametrize("n", [0, 1, 15])
def test_there_is_no_interval_of_the_gain_of_a_few_latents(n: int) -> None:
    found = interpretability_gain(strong_in({0: 5}), 10, scores_of({i: 50.0 + i for i in range(n)}))
    assert all(math.isnan(number) for number in found[1:])
