"""A map of each year: reports in the plane, so that what is near by cosine is near on the map, as far as that goes."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from compsim_assets.science.linkage.distance import unit_rows
from compsim_assets.science.linkage.trees import rows_by_year

NEIGHBOURS = 10  # whose nearness is asked of a map
_PERPLEXITY, _ITERATIONS, _FEWEST = 30.0, 500, 5
_GOING_ON = 250  # iterations from where the year before has ended
_START = 1e-4  # deviation of the first positions, as t-SNE expects them


class YearMap(NamedTuple):
    """The map of one year."""

    rows: np.ndarray
    """(n,) positions of its reports in the input."""

    places: np.ndarray
    """(n, 2) float64, centred; the farthest report is at distance one."""

    near: np.ndarray
    """(n,) float64: share of a report's nearest ones by cosine that are among as many nearest on the map."""


def year_maps(
    scores: np.ndarray,
    year: np.ndarray,
    company: np.ndarray,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[YearMap]:
    """t-SNE of each year's cosine distances. A year goes on from where its companies were in the year before, so that
    maps of consecutive years look alike; the first one starts from its two principal axes.

    It keeps neighbours near, and nothing else: not how far groups are apart, nor how large or dense they are, and the
    axes mean nothing. Later years play no part in it.

    Args:
        scores: (n, P).
        year, company: (n,) each; companies as numbers.
        seed: of t-SNE.
        progress: called with years done and years in all.

    Yields:
        Maps, years ascending.

    Cost of a year with m reports: m^2 P multiply-adds and 250 steps of O(m log m), on one thread; memory 24 m^2 bytes.
    """
    years, rows = rows_by_year(year)
    before: dict[int, np.ndarray] = {}
    for done, members in enumerate(rows, 1):
        unit = unit_rows(scores[members])
        cosine = unit @ unit.T
        start, goes_on = _start(cosine, unit, company[members], before)
        settled = _settled(cosine, start, goes_on, seed)
        before = dict(zip(company[members].tolist(), settled, strict=True))
        places = settled - settled.mean(axis=0)
        places /= np.linalg.norm(places, axis=1).max() or 1.0
        yield YearMap(members, places, _near(cosine, places))
        if progress:
            progress(done, len(years))


def _start(
    cosine: np.ndarray, unit: np.ndarray, company: np.ndarray, before: dict[int, np.ndarray]
) -> tuple[np.ndarray, bool]:
    """(n, 2) first positions, and whether they are those of the year before: of a new company, beside the most similar
    one that was there.
    """
    was_there = np.array([code in before for code in company.tolist()], dtype=bool)
    if was_there.sum() < _FEWEST:
        return _two_axes(unit), False
    start = np.stack([before.get(code, np.zeros(2)) for code in company.tolist()])
    there = np.flatnonzero(was_there)
    for row in np.flatnonzero(~was_there):
        start[row] = start[there[np.argmax(cosine[row, there])]]
    # Apart from it, in a way that depends on nothing but its number: equal positions have no direction to move in.
    spread = start.std() or 1.0
    turn = 2.399963 * np.arange(len(start))  # the golden angle
    return start + 0.01 * spread * np.stack([np.cos(turn), np.sin(turn)], axis=1), True


def _two_axes(unit: np.ndarray) -> np.ndarray:
    """(n, 2) coordinates on the two principal axes, signs fixed."""
    centred = unit - unit.mean(axis=0)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    top = vectors[:, ::-1][:, :2] * np.sqrt(np.maximum(values[::-1][:2], 0))
    if top.shape[1] < 2:
        top = np.pad(top, ((0, 0), (0, 2 - top.shape[1])))
    largest = np.abs(top).argmax(axis=0)
    return top * np.where(top[largest, [0, 1]] < 0, -1, 1)


def _settled(cosine: np.ndarray, start: np.ndarray, goes_on: bool, seed: int) -> np.ndarray:
    """(n, 2) where t-SNE brings the reports to; what goes on is not pulled together first, and keeps its shape."""
    from sklearn.manifold import TSNE

    n, deviation = len(cosine), start.std()
    if n < _FEWEST or not deviation > 0:
        return start
    distance = np.maximum(1 - (cosine + cosine.T) / 2, 0)
    np.fill_diagonal(distance, 0)
    model = TSNE(
        metric="precomputed",
        init=(start if goes_on else start * (_START / deviation)).astype(np.float32),
        early_exaggeration=1.0 if goes_on else 12.0,
        perplexity=min(_PERPLEXITY, (n - 1) / 3),
        max_iter=_GOING_ON if goes_on else _ITERATIONS,
        random_state=seed,
    )
    # Threads would add their parts in any order, and the last bits decide where a report goes.
    with threadpool_limits(1):
        settled: np.ndarray = model.fit_transform(distance).astype(np.float64)
    return settled


def _near(cosine: np.ndarray, places: np.ndarray, k: int = NEIGHBOURS) -> np.ndarray:
    """(n,) share of the k most similar that are among the k nearest on the map; fewer than k where there are fewer."""
    n = len(cosine)
    k = min(k, n - 1)
    if k < 1:
        return np.ones(n)
    # Of equals the first, so that copies of one text are the same neighbours in both.
    apart = ((places[:, None, :] - places[None, :, :]) ** 2).sum(axis=2)
    similar, nearest = -cosine.copy(), apart
    for matrix in (similar, nearest):
        np.fill_diagonal(matrix, np.inf)
    masks = []
    for matrix in (similar, nearest):
        mask = np.zeros((n, n), dtype=bool)
        np.put_along_axis(mask, np.argpartition(matrix, k - 1, axis=1)[:, :k], True, axis=1)
        masks.append(mask)
    return (masks[0] & masks[1]).sum(axis=1) / k
