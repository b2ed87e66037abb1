"""The `peer_statistics` table: every similarity that a universe has, asked year by year whether peers move together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import pandas as pd

from compsim_assets.contracts.methods import BY_NAME
from compsim_assets.evidence.groups import company_of
from compsim_assets.science.linkage.pairs import positions_of
from compsim_assets.science.peers.returns import Levels, year_statistics
from compsim_assets.science.peers.squares import Values
from compsim_assets.science.peers.statistics import YearReports, cosines, dense, group_statistics
from compsim_assets.science.peers.supervised import length_free, shared_weight, training_years
from compsim_assets.storage.controls import ControlScores
from compsim_assets.storage.embeddings import EmbeddingFolder
from compsim_assets.storage.pairs import PairTable
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.storage.similarity import PairSimilarity, ScoreSimilarity

# The similarity (n, n) of a year's reports and their positions in the year; None without any.
Similar = tuple[Values, np.ndarray] | None


class OfYear(Protocol):
    """Reports of one year, ids ascending, that similarities are asked of."""

    @property
    def year(self) -> int: ...

    @property
    def report_id(self) -> np.ndarray: ...


@dataclass(frozen=True)
class PeerMethod:
    """A way to choose peers; `of_year` gives similarities, no `of_year` means peers by the two-digit SIC code."""

    name: str
    of_year: Callable[[OfYear], Similar] | None

    @property
    def in_sample(self) -> bool:
        """Whether it knows the years that it is judged on. Encoders, which the registry does not name, do not."""
        return self.name in BY_NAME and BY_NAME[self.name].in_sample


class PeerReports:
    """The universe's reports with their correlations, made year by year as they are asked for.

    Reports of one company have no correlation: they are no pair and no peers.

    Args:
        similarity: whose correlations are taken.
        descriptions: report_id, cik, ticker, company_name, sic_code.
        returns: report_id, year, returns.
        length: total activation of each report.
    """

    def __init__(
        self,
        similarity: ScoreSimilarity | PairSimilarity,
        descriptions: pd.DataFrame,
        returns: pd.DataFrame,
        length: dict[int, float],
    ) -> None:
        table = returns.merge(descriptions, on="report_id", how="left", validate="one_to_one")
        table["company"] = pd.factorize(company_of(table))[0]
        table["sic2"] = pd.factorize(table["sic_code"].astype("string").str.slice(0, 2))[0]
        table["length"] = table["report_id"].map(length).astype(float)
        self._by_year = {int(year): table.loc[table["year"] == year] for year in table["year"].unique()}
        self._similarity = similarity
        self.years = sorted(self._by_year)

    def of_year(self, year: int) -> YearReports:
        """One year's reports, ids ascending."""
        rows = self._by_year[year].sort_values("report_id")
        ids, monthly = rows["report_id"].to_numpy(), np.stack(rows["returns"].to_list())
        codes = {name: rows[name].to_numpy() for name in ("sic2", "company", "length")}
        correlation = self._similarity.correlation_of(year, ids, monthly, codes["company"])
        return YearReports(year=year, report_id=ids, correlation=correlation, returns=monthly, **codes)


def peer_rows(
    method: PeerMethod, reports: PeerReports, levels: Levels, progress: Callable[[int, int], None]
) -> Iterator[dict[str, Any]]:
    """Rows of all years that a method has; each year is looked at on its own, but for what stayed since the last."""
    before = None
    for done, year in enumerate(reports.years, start=1):
        of_year = reports.of_year(year)
        if method.of_year is None:
            statistics = group_statistics(of_year)
        elif (similar := method.of_year(of_year)) is not None:
            similarity, positions = similar
            statistics, before = year_statistics(similarity, of_year.take(positions), levels, before)
        else:
            statistics = []
        progress(done, len(reports.years))
        for statistic in statistics:
            yield {"method": method.name, "year": year, "in_sample": method.in_sample} | statistic._asdict()


def peer_methods(
    similarity: ScoreSimilarity | PairSimilarity,
    pca_scores: ScoreTable,
    walk_forward_scores: ScoreTable,
    embeddings: EmbeddingFolder,
    controls: ControlScores,
    activity: tuple[np.ndarray, np.ndarray],
    latents: pd.DataFrame,
    returns: pd.DataFrame,
) -> Iterator[PeerMethod]:
    """Every method that has similarities in this universe; what it needs is read when its turn comes.

    Args:
        similarity: what companies are compared by.
        controls: scores of the controls, of which the first draw is shown.
        activity: from `activity_of`.
        latents: the `supervised_latents` table.
        returns: report_id, year of all reports.
    """
    yield PeerMethod("sic2", None)
    if isinstance(similarity, PairSimilarity):
        yield PeerMethod("pairs", partial(_of_pairs, similarity.pairs))
    yield from _by_scores("pca", pca_scores)
    yield from _by_scores("walk_forward", walk_forward_scores)
    for name, vectors in embeddings:
        yield PeerMethod(name, _Vectors(vectors.report_id, vectors.year, vectors.matrix, cosines))
    for control, vectors in controls.controls():
        if control.seed == 1:
            yield by_vectors(control.name, *vectors)
    yield from _by_latents(activity, latents, returns)


@dataclass(frozen=True)
class _Vectors:
    """Similarities of vectors by report id; only of reports in the year that is asked for."""

    report_id: np.ndarray
    year: np.ndarray
    matrix: np.ndarray
    similarity: Callable[[np.ndarray], Values]

    def __call__(self, reports: OfYear) -> Similar:
        rows = np.flatnonzero(self.year == reports.year)
        rows = rows[np.argsort(self.report_id[rows], kind="stable")]
        positions = positions_of(reports.report_id, self.report_id[rows])
        rows, positions = rows[positions >= 0], positions[positions >= 0]
        return (self.similarity(self.matrix[rows]), positions) if len(rows) else None


def _of_pairs(table: PairTable, reports: OfYear) -> Similar:
    pairs = table.of_year(reports.year)
    if len(pairs) == 0:
        return None
    similarity = np.round(dense(pairs, reports.report_id, pairs.cosine), 12)
    return similarity, np.arange(len(reports.report_id))


def _by_scores(name: str, table: ScoreTable) -> Iterator[PeerMethod]:
    if len(table):
        yield by_vectors(name, *table.read())


def by_vectors(name: str, report_id: np.ndarray, year: np.ndarray, matrix: np.ndarray) -> PeerMethod:
    """Peers by the cosine of vectors (n, P); a report at the origin is like nothing."""
    there = matrix.any(axis=1)
    if not there.all():
        report_id, year, matrix = report_id[there], year[there], matrix[there]
    return PeerMethod(name, _Vectors(report_id, year, matrix, cosines))


def _by_latents(
    activity: tuple[np.ndarray, np.ndarray], latents: pd.DataFrame, returns: pd.DataFrame
) -> Iterator[PeerMethod]:
    """The two supervised similarities, for the years after the training ones alone."""
    report_id, active = activity
    if active.shape[1] == 0:
        return
    weight = latents.loc[latents["selected"], "score"].to_numpy()
    year = returns.set_index("report_id")["year"].loc[report_id].to_numpy()
    judged = ~np.isin(year, training_years(year))
    ids, year, active = report_id[judged], year[judged], active[judged]
    for name, similarity in (("supervised", shared_weight), ("supervised_length_controlled", length_free)):
        yield PeerMethod(name, _Vectors(ids, year, active, partial(similarity, weight=weight)))


def activity_of(shards: FeatureShards, latents: pd.DataFrame) -> tuple[tuple[np.ndarray, np.ndarray], dict[int, float]]:
    """Report ids with (n, J) bool, where the selected latents are active, and each report's total activation.

    The total grows with the tokens of a description, each of which has the same number of active latents. One pass
    over the features; memory n J bytes and one part of the shards.
    """
    selected = latents.loc[latents["selected"], "latent"].to_numpy()
    active, total = [np.empty((0, len(selected)), dtype=bool)], [np.empty(0)]
    for part in shards.parts():
        active.append(part[:, selected] > 0)
        total.append(part.sum(axis=1, dtype=np.float64))
    length = dict(zip(shards.report_id.tolist(), np.concatenate(total).tolist(), strict=True))
    return (shards.report_id, np.concatenate(active)), length
