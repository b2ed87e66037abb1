"""Maps of years: neighbours stay neighbours, later years play no part, and no case is too small."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from compsim_assets.science.peers.year_map import YearMap, year_maps

GROUPS, EACH = 8, 12


def made(years: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of companies in groups, their years and companies: the same companies in every year, a little moved."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(GROUPS, 30))
    company = np.tile(np.arange(GROUPS * EACH), years)
    own = np.repeat(centres, EACH, axis=0) + 0.4 * rng.normal(size=(GROUPS * EACH, 30))
    scores = np.tile(own, (years, 1)) + 0.1 * rng.normal(size=(len(company), 30))
    return scores.astype(np.float32), np.repeat(np.arange(2000, 2000 + years), GROUPS * EACH), company


MADE = made()
MAPS = list(year_maps(*MADE))


def nearest(points: np.ndarray, metric: str) -> np.ndarray:
    """(n, 10) rows of each point's nearest, by scikit-learn."""
    neighbours = NearestNeighbors(n_neighbors=11, metric=metric).fit(points).kneighbors(points, return_distance=False)
    return np.array([[i for i in row if i != point][:10] for point, row in enumerate(neighbours)])


@pytest.mark.parametrize("year", [0, 1])
def test_neighbours_stay_neighbours_and_near_says_for_how_many(year: int) -> None:
    each = MAPS[year]
    scores = MADE[0][each.rows]
    by_cosine, on_map = nearest(scores, "cosine"), nearest(each.places, "euclidean")
    shares = [len(set(a) & set(b)) / 10 for a, b in zip(by_cosine.tolist(), on_map.tolist(), strict=True)]
    np.testing.assert_allclose(each.near, shares)
    assert each.near.mean() > 0.7
    of_group = (on_map // EACH == (np.arange(GROUPS * EACH) // EACH)[:, None]).mean()
    assert of_group > 0.95


def test_maps_of_consecutive_years_look_alike() -> None:
    first, second = (each.places for each in MAPS)
    moved = np.linalg.norm(first - second, axis=1).mean()
    apart = np.linalg.norm(first[:, None] - first[None], axis=2).mean()
    assert moved < 0.3 * apart
    alone = next(iter(year_maps(*(part[MADE[1] == 2001] for part in MADE))))
    assert np.linalg.norm(alone.places - second, axis=1).mean() > 2 * moved  # or the last line would say nothing


def test_the_same_scores_give_the_same_map_on_any_number_of_threads() -> None:
    with threadpool_limits(1):
        alone = list(year_maps(*MADE))
    for one, other in zip(MAPS, alone, strict=True):
        assert one.places.tobytes() == other.places.tobytes()


def test_what_comes_later_changes_nothing() -> None:
    scores, year, company = made(3)
    changed = np.where((year == 2002)[:, None], -scores[::-1], scores)
    before, after = (list(year_maps(each, year, company)) for each in (scores, changed))
    for one, other in zip(before[:2], after[:2], strict=True):
        np.testing.assert_array_equal(one.places, other.places)
    assert not np.array_equal(before[2].places, after[2].places)


def test_a_place_is_within_the_circle_and_in_the_order_of_the_rows() -> None:
    for each in MAPS:
        away = np.linalg.norm(each.places, axis=1)
        assert away.max() == pytest.approx(1)
        np.testing.assert_allclose(each.places.mean(axis=0), 0, atol=1e-12)
        assert (np.diff(each.rows) > 0).all()


def map_of(scores: np.ndarray) -> YearMap:
    (one,) = year_maps(scores, np.full(len(scores), 2000), np.arange(len(scores)))
    return one


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 12])
def test_few_reports_have_a_map(n: int) -> None:
    one = map_of(np.random.default_rng(n).normal(size=(n, 4)))
    assert np.isfinite(one.places).all()
    assert one.places.shape == (n, 2)
    assert ((one.near >= 0) & (one.near <= 1)).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_reports_that_are_all_the_same_or_without_content_have_a_map(value: float) -> None:
    one = map_of(np.full((9, 3), value))
    assert np.isfinite(one.places).all()


def test_copies_of_a_text_lie_together() -> None:
    rng = np.random.default_rng(2)
    own = rng.normal(size=(40, 6))
    one = map_of(np.concatenate([own, own[:3]]))
    apart = np.linalg.norm(one.places[:3] - one.places[40:], axis=1)
    assert apart.max() < np.median(np.linalg.norm(one.places - one.places[::-1], axis=1)) / 3


def test_there_are_no_maps_of_nothing() -> None:
    assert list(year_maps(np.empty((0, 3)), np.empty(0, int), np.empty(0, int))) == []
