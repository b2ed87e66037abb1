"""The whole chain from earlier years only: scaler, PCA, scale of distances and cutoff of a year know nothing of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from compsim_assets.science.cutoffs.choice import (
    ROLLING_LATTICE,
    ROLLING_WINDOW,
    StepFunction,
    choose_rolling,
    evaluate,
    step_function,
)
from compsim_assets.science.cutoffs.tables import standardised
from compsim_assets.science.linkage.blocked import blocked_linkage
from compsim_assets.science.linkage.dendrogram import Dendrogram, cut, fits_dense, single_linkage
from compsim_assets.science.linkage.distance import DistanceScale, Moments, YearDistances, fit_scale, moments_of
from compsim_assets.science.pca.fit import NoVariance, PrincipalComponents, fit_pca
from compsim_assets.science.pca.standardise import ChosenRows, Progress, SelectableFeatures


@dataclass(frozen=True)
class Reports:
    """All n reports with features, ordered by year and report id.

    year: (n,). text: (n,) which row of the features each has; identical reports may share one.
    clustered: (n,) bool, the reports that are compared; the others take part in scaler and PCA alone.
    unit_returns, defined: (n, months), (n,) from `normalise_returns`.
    """

    year: np.ndarray
    text: np.ndarray
    clustered: np.ndarray
    unit_returns: np.ndarray
    defined: np.ndarray

    def evaluated(self) -> list[int]:
        """Years with `ROLLING_WINDOW` earlier ones, of those that have reports to compare."""
        return self.compared_years()[ROLLING_WINDOW:]

    def compared_years(self) -> list[int]:
        """Years with reports to compare, ascending."""
        years: list[int] = np.unique(self.year[self.clustered]).tolist()
        return years


@dataclass(frozen=True)
class EvaluatedYear:
    """One year as earlier years see it.

    rows: positions of all its reports. scores: (len(rows), P) float32 on the axes of the earlier years.
    compared: positions of the clustered ones among all reports. cluster_id: theirs, as `cut` numbers them.
    theta, distance: the cutoff, in units of the earlier years' distances and as cosine distance.
    mean_correlation: MeanCorr of the clusters, the only thing that knows this year's returns; NaN where there is none.
    n_earlier: reports of scaler and PCA. varies: False where all of them have the same features: scores are zero then.
    converged: as of `PrincipalComponents`.
    """

    year: int
    rows: np.ndarray
    scores: np.ndarray
    compared: np.ndarray
    cluster_id: np.ndarray
    theta: float
    distance: float
    mean_correlation: float
    n_earlier: int
    varies: bool
    converged: bool


def walk_forward(
    features: SelectableFeatures,
    reports: Reports,
    n_components: int,
    *,
    block: int = 4096,
    device: str = "cpu",
    tolerance: float = 1e-5,
    seed: int = 0,
    progress: Progress | None = None,
    log: Callable[[str], None] | None = None,
) -> Iterator[EvaluatedYear]:
    """Scores, cutoff and clusters of every year that has five earlier ones (method section 1, `walk-forward`).

    For year t: scaler and PCA of all reports of the years before t; mean and deviation of the cosine distance over all
    pairs within each of these years; theta of -4.5..-1.0 that was best over the five years before t; single linkage of
    year t's reports, projected on the axes, cut at that theta. Whatever happens in later years changes no bit of it.

    Args:
        features: (m, D) features; `reports.text` says which row is whose.
        reports: see `Reports`.
        n_components, block, device, tolerance, seed, log: as in `fit_pca`.
        progress: called with (years done, years in all) after each year.

    Yields:
        `EvaluatedYear`, years ascending; none with fewer than six years.

    A text that an earlier year has keeps the score of the fit, which its projection equals; new texts are projected
    through their products with the fitted ones: no (P, D) axes are made (`fit_pca`, held_out).

    What to know when reading the clusters: of a new text only the part along the axes is left, of a fitted text that has
    its own axes (fewer texts than latents, all axes kept) everything. New texts are then closer to others than fitted ones
    are. That is how the axes see them, and no look-ahead.

    Cost: sum over evaluated years t of `fit_pca` on the n_t different texts before t, n_t D min(n_t, D) / 2
    multiply-adds and an eigenproblem, since another scaler weights every latent anew and no product of an earlier fit
    can be kept; and of n_y^2 P / 2 for every year y before t, whose distances are listed for their moments. Memory:
    `fit_pca` of the last year, scores of all different texts, distances of one year.
    """
    years = reports.compared_years()
    fit = partial(
        fit_pca,
        n_components=n_components,
        components=False,
        block=block,
        device=device,
        tolerance=tolerance,
        seed=seed,
        log=log,
    )
    linkage = _Linkage(device)
    for done, position in enumerate(range(ROLLING_WINDOW, len(years)), start=1):
        yield _evaluated(features, reports, years[: position + 1], fit, linkage)
        if progress is not None:
            progress(done, len(years) - ROLLING_WINDOW)


def _evaluated(
    features: SelectableFeatures,
    reports: Reports,
    years: list[int],
    fit: Callable[..., PrincipalComponents],
    linkage: "_Linkage",
) -> EvaluatedYear:
    """The last one of the years; nothing later is looked at."""
    *earlier, year = years
    model = _fitted(features, reports, year, fit)
    scale, theta = _cutoff(reports, model, earlier, linkage)
    distance = float(scale.distance(theta))
    rows = np.flatnonzero(reports.year == year)
    compared = rows[reports.clustered[rows]]
    tree, _ = linkage.tree_and_moments(model.scores_of(reports.text[compared]))
    steps = step_function(tree, reports.unit_returns[compared], reports.defined[compared])
    return EvaluatedYear(
        year=year,
        rows=rows,
        scores=model.scores_of(reports.text[rows]),
        compared=compared,
        cluster_id=cut(tree, distance),
        theta=theta,
        distance=distance,
        mean_correlation=float(steps.at(np.array([distance]))[0]),
        n_earlier=int((reports.year < year).sum()),
        varies=model.varies,
        converged=model.converged,
    )


@dataclass(frozen=True)
class _Model:
    """Scores of the different texts up to some year, `text` ascending."""

    text: np.ndarray
    scores: np.ndarray
    varies: bool
    converged: bool

    def scores_of(self, text: np.ndarray) -> np.ndarray:
        """(k, P) scores of these texts, copied."""
        return self.scores[np.searchsorted(self.text, text)]


def _fitted(
    features: SelectableFeatures, reports: Reports, year: int, fit: Callable[..., PrincipalComponents]
) -> _Model:
    """Scores of the texts up to this year from scaler and PCA of the years before it."""
    known, copies = _in_order(reports.text[reports.year < year])
    own, _ = _in_order(reports.text[reports.year == year])
    new = own[~np.isin(own, known)]
    text = np.concatenate([known, new])
    order = np.argsort(text)
    held_out = ChosenRows(features, new) if len(new) else None
    try:
        found = fit(ChosenRows(features, known), copies=copies, held_out=held_out)
    except NoVariance:
        return _Model(text[order], np.zeros((len(text), 1), dtype=np.float32), False, True)
    scores = found.scores
    if found.held_out_scores is not None:
        scores = np.concatenate([scores, found.held_out_scores])
    return _Model(text[order], scores[order], True, found.converged)


def _in_order(text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different texts in the order of their first reports, and their numbers of reports.

    The order of the features' rows may depend on later years; that of the reports does not, and neither does the
    rounding of sums over them then.
    """
    different, first, counts = np.unique(text, return_index=True, return_counts=True)
    order = np.argsort(first)
    return different[order], counts[order]


def _cutoff(reports: Reports, model: _Model, years: list[int], linkage: "_Linkage") -> tuple[DistanceScale, float]:
    """Scale of all distances within these years, and the theta that was best over the last five of them."""
    moments: list[Moments] = []
    curves: list[StepFunction] = []
    for year in years:
        rows = np.flatnonzero((reports.year == year) & reports.clustered)
        scores = model.scores_of(reports.text[rows])
        if year not in years[-ROLLING_WINDOW:]:
            moments.append(linkage.moments(scores))
            continue
        tree, found = linkage.tree_and_moments(scores)
        moments.append(found)
        curves.append(step_function(tree, reports.unit_returns[rows], reports.defined[rows]))
    scale = fit_scale(moments)
    by_theta = [standardised(curve, scale) for curve in curves]
    # The rule chooses for the year after its window: one of which nothing is known.
    unknown = np.full((1, len(ROLLING_LATTICE)), np.nan)
    by_year = np.concatenate([evaluate(by_theta, ROLLING_LATTICE), unknown])
    return scale, float(ROLLING_LATTICE[choose_rolling(by_year)[0]])


class _Linkage:
    """Trees and moments of single years, from lists of distances in the same memory, or in blocks where too large."""

    def __init__(self, device: str) -> None:
        self._device, self._distances = device, YearDistances(device)

    def moments(self, scores: np.ndarray) -> Moments:
        """Moments alone; a year too large for a list gives its tree in the same pass."""
        if fits_dense(len(scores)):
            return moments_of(self._distances.of(scores))
        return blocked_linkage(scores, self._device)[1]

    def tree_and_moments(self, scores: np.ndarray) -> tuple[Dendrogram, Moments]:
        """Single linkage of the rows of (n, P) scores, and the moments of their distances."""
        if fits_dense(len(scores)):
            listed = self._distances.of(scores)
            return single_linkage(listed, len(scores)), moments_of(listed)
        return blocked_linkage(scores, self._device)
