"""The matrix of every control, one after the other: what is there in this universe, and why the rest is not."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from compsim_assets.evidence.control_reasons import TRAINED, Matrix
from compsim_assets.science.latents.shuffled import shuffled
from compsim_assets.science.pca.arrays import ArrayFeatures, SparseFeatures
from compsim_assets.science.pca.standardise import ChosenRows, FeatureMatrix
from compsim_assets.science.words.tfidf import tfidf_rows
from compsim_assets.storage.controls import PLAIN_COSINE, Control, ControlFeatures, ControlScores, Draws
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.shards import FeatureShards

_LATENTS = 1024  # dealt out at once


@dataclass(frozen=True)
class ControlMatrix:
    """What stands in the place of the features: m different rows, and which of these each report has."""

    control: Control
    matrix: FeatureMatrix
    report_id: np.ndarray
    row: np.ndarray


@dataclass(frozen=True)
class ControlMatrices:
    """Every control of the reports that have features; where there are none, words of all reports.

    scratch: folder for a dealt-out copy of the features, 4 bytes x different reports x latents, where reports are read.
    notes: what is not there, and why, is added.
    """

    draws: Draws
    scratch: Path
    notes: list[str] = field(default_factory=list)

    def of(
        self, features: FeatureShards, extracted: ControlFeatures, descriptions: pd.DataFrame
    ) -> Iterator[ControlMatrix]:
        """One control after the other; a matrix is there until the next one is asked for.

        Args:
            descriptions: report_id, description.
        """
        there = descriptions["report_id"].isin(features.report_id)
        if len(features.report_id):
            self.notes.extend([extracted.note] if extracted.note else [])
            yield from self._extracted(features, extracted)
            yield from self._shuffled(features)
        else:
            self.notes.append("there are no features to hold against")
        yield from self._words(descriptions[there] if there.any() else descriptions)

    def _extracted(self, features: FeatureShards, extracted: ControlFeatures) -> Iterator[ControlMatrix]:
        ids, row = extracted.rows()
        usable = np.isin(ids, features.report_id)
        used, row = np.unique(row[usable], return_inverse=True)
        for control, matrix in extracted.matrices():
            yield ControlMatrix(control, ChosenRows(matrix, used), ids[usable], row)

    def _shuffled(self, features: FeatureShards) -> Iterator[ControlMatrix]:
        distinct = features.distinct()
        for number in range(1, self.draws.shuffles + 1):
            dealt = _Dealt(distinct, [self.draws.seed, number], self.scratch / "shuffled.npy")
            yield ControlMatrix(Control("shuffled_features", number), dealt, features.report_id, distinct.inverse)

    def _words(self, reports: pd.DataFrame) -> Iterator[ControlMatrix]:
        reports = reports[reports["description"].fillna("").str.strip() != ""].sort_values("report_id")
        row, different = pd.factorize(reports["description"])
        weights = tfidf_rows(list(different), self.draws.words) if len(different) else None
        if weights is None or weights.shape[1] == 0:
            self.notes.append("the reports have no texts: there are no words")
            return
        yield ControlMatrix(Control("tfidf"), SparseFeatures(weights), reports["report_id"].to_numpy(np.int64), row)


class _Dealt:
    """Features dealt out anew: latents as they are asked for; reports from a copy in a file, which is made then."""

    def __init__(self, features: FeatureMatrix, seed: list[int], path: Path) -> None:
        self.shape = features.shape
        self._features, self._seed, self._path = features, seed, path

    def columns(self, start: int, stop: int, positions: np.ndarray | None = None) -> np.ndarray:
        values = shuffled(self._features, self._seed, start, stop)
        return np.ascontiguousarray(values if positions is None else values[positions])

    def rows(self, positions: np.ndarray) -> np.ndarray:
        return self._copy.rows(positions)

    @cached_property
    def _copy(self) -> ArrayFeatures:
        copy = np.lib.format.open_memmap(self._path, mode="w+", dtype=np.float32, shape=self.shape)
        for start in range(0, self.shape[1], _LATENTS):
            stop = min(start + _LATENTS, self.shape[1])
            copy[:, start:stop] = self.columns(start, stop)
        return ArrayFeatures(copy)


@dataclass(frozen=True)
class MatricesOfControls:
    """The SAE's features and every control that was scored, with their scores.

    scratch: folder for a dealt-out copy of the features.
    """

    features: FeatureShards
    extracted: ControlFeatures
    scores: ControlScores
    pca_scores: ScoreTable
    scratch: Path

    @property
    def narrowest(self) -> int:
        """Columns of the matrix that has fewest."""
        return min([self.features.n_latents, *(each["columns"] for each in self.scores.manifest["encoders"])])

    def read(self, descriptions: pd.DataFrame) -> Iterator[Matrix]:
        """The SAE's own first. Where a report is, is its position among those with features.

        Args:
            descriptions: report_id, description.
        """
        distinct = self.features.distinct()
        there = pd.Index(self.features.report_id)
        ids, _, scores = self.pca_scores.read()
        row = np.asarray(distinct.inverse)[there.get_indexer(ids)]
        yield Matrix(TRAINED, 1, distinct, row, there.get_indexer(ids), scores)
        matrices = ControlMatrices(self.scores.draws, self.scratch).of(self.features, self.extracted, descriptions)
        made: ControlMatrix | None = None
        # Of the same controls in the same order: some were not scored, and words once more by their plain cosine.
        for control, (ids, _, scores) in self.scores.controls():
            while control != PLAIN_COSINE and (made is None or made.control != control):
                made = next(matrices)
            if made is not None and made.control == control:
                row = made.row[pd.Index(made.report_id).get_indexer(ids)]
                yield Matrix(control.name, control.seed, made.matrix, row, there.get_indexer(ids), scores)
