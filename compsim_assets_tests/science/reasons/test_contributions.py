"""Contributions against brute force: sums, groups, the largest latents, means, and what removing a theme does."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from compsim_assets.science.reasons import contributions as module
from compsim_assets.science.reasons.contributions import ComparedYear, Reasons, Wanted, reasons_of_years
from compsim_assets.science.reasons.parts import AxesOfScores, HeldAxes, ScoredReports
from compsim_assets.science.strong_features.removal import cosines as cosines_after
from compsim_assets_tests.science.reasons.made_reports import Rows, contributions, cosines, scored, topical

_FOR, _AGAINST = 6, 4


def _year(rows: np.ndarray, every: int = 1) -> ComparedYear:
    a, b = np.triu_indices(len(rows), 1)
    return ComparedYear(rows, a, b, np.arange(0, len(a), every))


def _wanted(n_latents: int, rng: np.random.Generator, n_themes: int = 4) -> Wanted:
    theme = rng.integers(-1, n_themes, n_latents)
    return Wanted(theme, n_themes, rng.permutation(n_latents) % 8, 8, _FOR, _AGAINST)


def _rounding(reports: ScoredReports) -> float:
    """What scores and axes of four bytes may be off by: more where the axes hold little of a report."""
    assert isinstance(reports.features, Rows)
    text = (reports.features.values - reports.mean) / reports.scale
    return 1e-6 * max(1.0, float((np.linalg.norm(text, axis=1) * reports.inverse_length).max()) / 2)


def _check(reports: ScoredReports, year: ComparedYear, wanted: Wanted, reasons: Reasons) -> None:
    a, b = year.rows[year.a], year.rows[year.b]
    every = contributions(reports, a, b)
    cosine, explained = every.sum(axis=1), every[year.explained]
    assert cosine == pytest.approx(cosines(reports, a, b), abs=_rounding(reports))
    assert reasons.total == pytest.approx(cosine[year.explained], abs=1e-6)
    assert reasons.groups.sum(axis=1) == pytest.approx(cosine, abs=1e-6)
    for number in range(wanted.n_groups):
        assert reasons.groups[:, number] == pytest.approx(every[:, wanted.group == number].sum(axis=1), abs=1e-6)
    for theme in range(wanted.n_themes):
        assert reasons.themes[:, theme] == pytest.approx(explained[:, wanted.theme == theme].sum(axis=1), abs=1e-6)
        assert reasons.theme_mean[theme] == pytest.approx(every.mean(axis=0)[wanted.theme == theme].sum(), abs=1e-6)
    assert reasons.mean == pytest.approx(cosine.mean(), abs=1e-6)
    ordered = np.sort(explained, axis=1)
    for (latents, values, means), most in (
        (reasons.latents_for, np.maximum(ordered[:, ::-1][:, :_FOR], 0)),
        (reasons.latents_against, np.minimum(ordered[:, :_AGAINST], 0)),
    ):
        assert values[:, : most.shape[1]] == pytest.approx(most, abs=1e-6)
        pair, place = np.nonzero(latents >= 0)
        assert explained[pair, latents[pair, place]] == pytest.approx(values[pair, place], abs=1e-6)
        assert every.mean(axis=0)[latents[pair, place]] == pytest.approx(means[pair, place], abs=1e-6)
        assert (values[latents < 0] == 0).all()


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 14),
    n_latents=st.integers(3, 90),
    n_components=st.integers(1, 12),
    block_bytes=st.sampled_from([1, 1 << 29]),
    own=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_everything_sums_to_the_cosine_as_by_brute_force(
    seed: int, n: int, n_latents: int, n_components: int, block_bytes: int, own: bool
) -> None:
    rng = np.random.default_rng(seed)
    features = topical(rng, 2 * n, n_latents)
    if (features == features[0]).all():
        features[0, 0] += 1
    own_mean = 0.3 * rng.standard_normal(n_latents) if own else None
    reports = scored(features, n_components, own_mean)
    there = reports.inverse_length > 0
    years = [_year(rows[there[rows]]) for rows in np.split(rng.permutation(2 * n), 2)]
    wanted = _wanted(n_latents, rng)
    together = list(reasons_of_years(reports, years, wanted, block_bytes=block_bytes))
    apart = list(reasons_of_years(reports, years, wanted, sums_bytes=8))
    for year, reasons, other in zip(years, together, apart, strict=True):
        _check(reports, year, wanted, reasons)
        assert other.total == pytest.approx(reasons.total, abs=1e-9)


def test_blocks_of_latents_and_products_in_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "products_dtype", lambda work: torch.float32)
    rng = np.random.default_rng(3)
    reports = scored(topical(rng, 30, 700), 20)
    year, wanted = _year(np.arange(30), every=3), _wanted(700, rng)
    (reasons,) = reasons_of_years(reports, [year], wanted, block_bytes=1)
    _check(reports, year, wanted, reasons)


def test_axes_that_were_not_stored_give_the_same() -> None:
    rng = np.random.default_rng(4)
    features = topical(rng, 40, 120)
    reports = scored(features, 15)
    assert isinstance(reports.axes, HeldAxes)
    variance = np.square(reports.scores.astype(np.float64)).sum(axis=0) / 39
    axes = AxesOfScores(Rows(features), reports.scores, reports.mean, reports.scale, variance, block_bytes=5000)
    assert axes.block(3, 77) == pytest.approx(reports.axes.block(3, 77), abs=2e-6)


def test_reports_of_one_company_are_no_pair_of_the_mean() -> None:
    rng = np.random.default_rng(5)
    reports = scored(topical(rng, 12, 60), 8)
    own = (np.array([0, 3]), np.array([5, 4]))
    year = _year(np.arange(12))
    with_own = ComparedYear(year.rows, year.a, year.b, year.explained, own)
    (reasons,) = reasons_of_years(reports, [with_own], _wanted(60, rng))
    others = np.ones(len(year.a), dtype=bool)
    for a, b in zip(*own, strict=True):
        others &= ~((year.a == a) & (year.b == b)) & ~((year.a == b) & (year.b == a))
    assert others.sum() == len(year.a) - 2
    assert reasons.mean == pytest.approx(cosines(reports, year.a, year.b)[others].mean(), abs=1e-6)


def test_identical_reports_share_all_of_their_reasons() -> None:
    rng = np.random.default_rng(6)
    features = topical(rng, 10, 50)
    features[7] = features[2]
    reports = scored(features, 9)
    year = _year(np.arange(10))
    (reasons,) = reasons_of_years(reports, [year], _wanted(50, rng))
    pair = np.flatnonzero((year.a == 2) & (year.b == 7))[0]
    assert reasons.total[pair] == pytest.approx(1, abs=1e-6)
    assert reasons.groups[pair] == pytest.approx(reasons.report_groups[2], abs=1e-9)
    assert (reasons.latents_against[1][pair] <= 0).all()


def test_removing_a_theme_changes_the_cosine_as_the_removal_says() -> None:
    """Where the theme is all that the axes hold of its latents, what is left is the cosine of the other themes."""
    rng = np.random.default_rng(7)
    reports = scored(topical(rng, 16, 40), 15)
    assert isinstance(reports.features, Rows)
    assert isinstance(reports.axes, HeldAxes)
    theme = np.arange(40) % 3
    year, wanted = _year(np.arange(16)), Wanted(theme, 3, theme, 3)
    (reasons,) = reasons_of_years(reports, [year], wanted)
    # The removal takes (x_aj / s_j) W_j; with features centred in advance it takes the standardised part.
    text = (reports.features.values.astype(np.float64) - reports.mean) / reports.scale
    scores, axes = reports.scores.astype(np.float64), reports.axes.components.astype(np.float64)
    for number in range(3):
        inside = theme == number
        taken = text[:, inside] @ axes[:, inside].T
        dots = np.einsum("mp,mp->m", (scores - taken)[year.a], (scores - taken)[year.b])
        squares = np.square(scores - taken).sum(axis=1)
        after = cosines_after(
            torch.from_numpy(dots)[None],
            torch.from_numpy(squares)[None],
            torch.from_numpy(np.square(scores).sum(axis=1))[None],
            torch.from_numpy(np.stack([year.a, year.b], axis=1))[None],
            1e-12,
        )[0].numpy()
        length = np.linalg.norm(scores, axis=1)
        scale = length[year.a] * length[year.b]
        # What the removal takes twice: the product of the two removed parts.
        again = np.einsum("mp,mp->m", taken[year.a], taken[year.b]) / scale
        left = (cosines(reports, year.a, year.b) - 2 * reasons.themes[:, number] + again) * scale
        expected = left / np.sqrt(squares[year.a] * squares[year.b])
        assert after == pytest.approx(expected, abs=1e-6)
