"""Where latents are active, and their nearest ones, against plain loops."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from compsim_assets.science.latents import twins as module
from compsim_assets.science.latents.activity import Companies, activity, ranked, top_reports
from compsim_assets.science.latents.twins import twins
from compsim_assets_tests.science.strategies import examples


def features(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Values with many zeros and ties, companies, shuffled report ids, and how many reports are wanted."""
    rng = np.random.default_rng(seed)
    n, width = int(rng.integers(1, 25)), int(rng.integers(1, 6))
    values = (rng.integers(0, 4, (n, width)) * (rng.random((n, width)) < 0.7)).astype(np.float32)
    return values, rng.integers(0, 8, n), rng.permutation(1000)[:n], int(rng.integers(1, 6))


@examples(150)
@given(st.integers(0, 2**32 - 1))
def test_top_reports_are_one_per_company_and_ties_go_by_id(seed: int) -> None:
    values, company, ids, k = features(seed)
    top = top_reports(values, Companies.of(company, ids), k)
    for latent, rows in enumerate(top):
        order = sorted(np.flatnonzero(values[:, latent] > 0), key=lambda i: (-values[i, latent], ids[i]))
        seen: list[int] = []
        expected = [i for i in order if company[i] not in seen and not seen.append(company[i])]  # type: ignore[func-returns-value]
        assert rows[rows >= 0].tolist() == expected[:k]
        assert (rows[len(expected) :] == -1).all()


@examples(50)
@given(st.integers(0, 2**32 - 1))
def test_tops_of_a_year_are_those_of_its_reports_alone(seed: int) -> None:
    values, company, ids, k = features(seed)
    year = 2000 + np.random.default_rng(seed).integers(0, 3, len(ids))
    columns = ranked(values, company, ids, k, year)
    rows = list(zip(*(columns[name].tolist() for name in ("latent", "year", "rank", "report_id")), strict=True))
    expected = []
    for latent in range(values.shape[1]):
        for one in np.unique(year).tolist():
            some = np.flatnonzero(year == one)
            top = top_reports(values[some], Companies.of(company[some], ids[some]), k)[latent]
            expected += [(latent, one, rank, int(ids[some[row]])) for rank, row in enumerate(top[top >= 0], start=1)]
    assert rows == expected
    value = dict(zip(ids.tolist(), values, strict=True))
    assert [value[report][latent] for latent, _, _, report in rows] == columns["activation"].tolist()
    every = ranked(values, company, ids, k)
    assert "year" not in every
    assert every["rank"].tolist() == [
        rank for top in top_reports(values, Companies.of(company, ids), k) for rank in range(1, (top >= 0).sum() + 1)
    ]


@examples(100)
@given(st.integers(0, 2**32 - 1))
def test_activity_is_counted_and_summed_up_where_there_is_any(seed: int) -> None:
    values = features(seed)[0]
    active, quantiles = activity(values)
    for latent in range(values.shape[1]):
        there = values[values[:, latent] > 0, latent]
        assert active[latent] == len(there)
        expected = np.quantile(there.astype(float), [0, 0.25, 0.5, 0.75, 1]) if len(there) else [np.nan] * 5
        np.testing.assert_allclose(quantiles[latent], expected, rtol=1e-6)


def test_without_reports_nothing_is_active() -> None:
    active, quantiles = activity(np.empty((0, 3), np.float32))
    assert active.tolist() == [0, 0, 0]
    assert np.isnan(quantiles).all()
    none = Companies.of(np.empty(0, np.int64), np.empty(0, np.int64))
    assert (top_reports(np.empty((0, 3), np.float32), none, 2) == -1).all()


@pytest.mark.parametrize("block_bytes", [1, 700, 2**20])
def test_twins_are_the_nearest_directions(block_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BLOCK_BYTES", block_bytes)
    directions = torch.from_numpy(np.random.default_rng(1).normal(size=(40, 6)))
    directions[7] = 0
    directions[11] = 3 * directions[20]
    nearest, cosine = twins(directions)
    plain = directions.numpy()
    unit = plain / np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), 1e-300)
    every = unit @ unit.T
    np.fill_diagonal(every, -np.inf)
    every[:, 7] = -np.inf
    rest = np.arange(40) != 7
    assert nearest[rest].tolist() == every.argmax(axis=1)[rest].tolist()
    np.testing.assert_allclose(cosine[rest], every.max(axis=1)[rest], atol=1e-6)
    assert nearest[7] == -1
    assert np.isnan(cosine[7])
    assert (nearest[11], nearest[20]) == (20, 11)


def test_of_equal_twins_the_lower_one() -> None:
    nearest, _ = twins(torch.tensor([[1.0, 0], [1.0, 0], [1.0, 0], [0, 1.0]]))
    assert nearest.tolist() == [1, 0, 0, 0]


def test_one_direction_alone_has_no_twin() -> None:
    nearest, cosine = twins(torch.tensor([[1.0, 0], [0, 0]]))
    assert nearest.tolist() == [-1, -1]
    assert np.isnan(cosine).all()
