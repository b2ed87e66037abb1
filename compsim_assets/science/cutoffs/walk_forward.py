"""The whole chain from earlier years only: scaler, PCA, scale of distances and cutoff of a year know nothing of it."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from compsim_assets.science.cutoffs.choice import ROLLING_LATTICE, choose_rolling, evaluate, rolling_windows
from compsim_assets.science.cutoffs.step_function import StepFunction, step_function
from compsim_assets.science.linkage.cut import cut
from compsim_assets.science.linkage.dendrogram import Dendrogram
from compsim_assets.science.linkage.scale import DistanceScale, Moments, fit_scale
from compsim_assets.science.linkage.years import DENSE_BYTES, YearLinkage
from compsim_assets.science.pca.fit import NoVariance, PrincipalComponents, fit_pca
from compsim_assets.science.pca.standardise import ChosenRows, FeatureMatrix, Progress

# Products of more multiply-adds than that are float32, added up in float64: twenty fits of seconds are minutes.
FLOAT64_WORK = 1e11


@dataclass(frozen=True)
class Reports:
    """All n reports with features, ordered by year and report id.

    year: (n,). text: (n,) which row of the features each has; identical reports may share one.
    clustered: (n,) bool, the reports that are compared; the others take part in scaler and PCA alone.
    unit_returns, defined: (n, months), (n,) from `normalise_returns`.
    company: (n,) numbers of the reports' companies; None: all are different.
    """

    year: np.ndarray
    text: np.ndarray
    clustered: np.ndarray
    unit_returns: np.ndarray
    defined: np.ndarray
    company: np.ndarray | None = None

    def evaluated(self) -> dict[int, list[int]]:
        """Years with reports to compare and `ROLLING_WINDOW` earlier ones that have returns: the last of these."""
        years = self.compared_years()
        windows = rolling_windows(np.array([self._has_pair(year) for year in years], dtype=bool))
        return {years[position]: [years[row] for row in rows] for position, rows in windows.items()}

    def _has_pair(self, year: int) -> bool:
        """Whether two companies that are compared in this year have returns."""
        rows = np.flatnonzero((self.year == year) & self.clustered & self.defined)
        return len(rows if self.company is None else np.unique(self.company[rows])) >= 2

    def curve(self, rows: np.ndarray, tree: Dendrogram) -> StepFunction:
        """MeanCorr of the reports at these positions, the tree's points, at every cutoff."""
        company = None if self.company is None else self.company[rows]
        return step_function(tree, self.unit_returns[rows], self.defined[rows], company)

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
    features: FeatureMatrix,
    reports: Reports,
    n_components: int,
    *,
    only: Collection[int] | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    dense_bytes: int = DENSE_BYTES,
    **options: Any,
) -> Iterator[EvaluatedYear]:
    """Scores, cutoff and clusters of every year that has five earlier ones with returns (method section 1,
    `walk-forward`).

    For year t: scaler and PCA of all reports of the years before t; mean and deviation of the cosine distance over all
    pairs within each of these years; theta of -4.5..-1.0 that was best over the last five of them that have returns;
    single linkage of year t's reports, projected on the axes, cut at that theta. Whatever happens in later years
    changes no bit of it.

    Args:
        features: (m, D) features; `reports.text` says which row is whose.
        reports: see `Reports`.
        n_components, device, options: as in `fit_pca`.
        only: the years that are wanted; None for all. What these features are of may have read later years than others.
        progress: called with (years done, years in all) after each year.
        dense_bytes: as in `YearLinkage`.

    Yields:
        `EvaluatedYear`, years ascending; none where fewer than five years before the last one have returns.

    A text that an earlier year has keeps the score of the fit, which its projection equals; new texts are projected
    through their products with the fitted ones: no (P, D) axes are made (`fit_pca`, held_out).

    What to know when reading the clusters: of a new text only the part along the axes is left, of a fitted text that
    has its own axes (fewer texts than latents, all axes kept) everything. New texts are then closer to others than
    fitted ones are. That is how the axes see them, and no look-ahead.

    Each year is made from the reports alone, not from what another year was made of: any of them can be asked for
    alone, with the same bits.

    Cost: sum over evaluated years t of `fit_pca` on the n_t different texts before t, n_t D min(n_t, D) / 2
    multiply-adds and an eigenproblem, since another scaler weights every latent anew and no product of an earlier fit
    can be kept (docs/speed.md, what did not work); and of n_y^2 P / 2 for every year y before t, whose distances are
    listed for their moments. Memory: `fit_pca` of the last year, scores of all different texts, distances of one year.
    """
    years, windows = reports.compared_years(), reports.evaluated()
    windows = {year: window for year, window in windows.items() if only is None or year in only}
    options = {"components": False, "float64_work": FLOAT64_WORK, **options}
    fit = partial(fit_pca, n_components=n_components, device=device, **options)
    linkage = YearLinkage(device, dense_bytes)
    for done, (year, window) in enumerate(windows.items(), start=1):
        yield _evaluated(features, reports, [y for y in years if y <= year], window, fit, linkage)
        if progress is not None:
            progress(done, len(windows))


def _evaluated(
    features: FeatureMatrix,
    reports: Reports,
    years: list[int],
    window: list[int],
    fit: Callable[..., PrincipalComponents],
    linkage: YearLinkage,
) -> EvaluatedYear:
    """The last one of the years; nothing later is looked at."""
    *earlier, year = years
    model = _fitted(features, reports, year, fit)
    scale, theta = _cutoff(reports, model, earlier, window, linkage)
    distance = float(scale.distance(theta))
    rows = np.flatnonzero(reports.year == year)
    compared = rows[reports.clustered[rows]]
    tree = linkage.tree(model.scores_of(reports.text[compared]))
    steps = reports.curve(compared, tree)
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


def _fitted(features: FeatureMatrix, reports: Reports, year: int, fit: Callable[..., PrincipalComponents]) -> _Model:
    """Scores of the texts up to this year from scaler and PCA of the years before it."""
    earlier, copies = _in_order(reports.text[reports.year < year])
    of_year, _ = _in_order(reports.text[reports.year == year])
    new = of_year[~np.isin(of_year, earlier)]
    text = np.concatenate([earlier, new])
    order = np.argsort(text)
    held_out = ChosenRows(features, new) if len(new) else None
    try:
        pca = fit(ChosenRows(features, earlier), copies=copies, held_out=held_out)
    except NoVariance:
        return _Model(text[order], np.zeros((len(text), 1), dtype=np.float32), False, True)
    scores = pca.scores
    if pca.held_out_scores is not None:
        scores = np.concatenate([scores, pca.held_out_scores])
    return _Model(text[order], scores[order], True, pca.converged)


def _in_order(text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different texts in the order of their first reports, and their numbers of reports.

    The order of the features' rows may depend on later years; that of the reports does not, and neither does the
    rounding of sums over them then.
    """
    different, first, counts = np.unique(text, return_index=True, return_counts=True)
    order = np.argsort(first)
    return different[order], counts[order]


def _cutoff(
    reports: Reports, model: _Model, years: list[int], window: list[int], linkage: YearLinkage
) -> tuple[DistanceScale, float]:
    """Scale of all distances within these years, and the theta that was best over those of the window."""
    moments: list[Moments] = []
    curves: list[StepFunction] = []
    for year in years:
        rows = np.flatnonzero((reports.year == year) & reports.clustered)
        scores = model.scores_of(reports.text[rows])
        if year not in window:
            moments.append(linkage.moments(scores))
            continue
        tree, of_year = linkage.tree_and_moments(scores)
        moments.append(of_year)
        curves.append(reports.curve(rows, tree))
    scale = fit_scale(moments)
    by_theta = [curve.standardised(scale) for curve in curves]
    # The rule chooses for the year after its window: one of which nothing is known.
    unknown = np.full((1, len(ROLLING_LATTICE)), np.nan)
    by_year = np.concatenate([evaluate(by_theta, ROLLING_LATTICE), unknown])
    return scale, float(ROLLING_LATTICE[choose_rolling(by_year)[0]])
