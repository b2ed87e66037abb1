"""The scores of every control, one after the other: what is there in this universe, and why the rest is not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from compsim_assets.science.latents.shuffled import shuffled_columns
from compsim_assets.science.pca.arrays import ArrayFeatures
from compsim_assets.science.pca.fit import NoVariance, fit_pca
from compsim_assets.science.pca.standardise import ChosenRows, FeatureMatrix
from compsim_assets.science.words.tfidf import SparseFeatures, cosine_scores, tfidf_rows
from compsim_assets.storage.controls import Control, ControlFeatures
from compsim_assets.storage.shards import FeatureShards


@dataclass(frozen=True)
class Scored:
    """A control's scores (m, P) of its different rows, and which of these each report has; of how many columns."""

    control: Control
    n_columns: int
    report_id: np.ndarray
    row: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class ControlPca:
    """How controls are scored.

    shuffles, words, n_components, block, tolerance, seed: see the asset's Launchpad.
    scratch: folder for a dealt-out copy of the features, 4 bytes x different reports x latents.
    allowed: called with a control, reports and columns before its PCA; may refuse it.
    notes: what is not there, and why, is added.
    """

    shuffles: int
    words: int
    n_components: int
    block: int
    tolerance: float
    seed: int
    scratch: Path
    device: str
    allowed: Callable[[Control, int, int], None]
    log: Callable[[str], None]
    notes: list[str] = field(default_factory=list)

    def controls(
        self, features: FeatureShards, extracted: ControlFeatures, descriptions: pd.DataFrame
    ) -> Iterator[Scored]:
        """Every control of the reports that have features; where there are none, words of all reports.

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

    def _extracted(self, features: FeatureShards, extracted: ControlFeatures) -> Iterator[Scored]:
        ids, row = extracted.rows()
        usable = np.isin(ids, features.report_id)
        used, row = np.unique(row[usable], return_inverse=True)
        for control, matrix in extracted.matrices():
            yield from self._through_pca(control, ChosenRows(matrix, used), ids[usable], row)

    def _shuffled(self, features: FeatureShards) -> Iterator[Scored]:
        distinct = features.distinct()
        for seed in range(1, self.shuffles + 1):
            path = self.scratch / "shuffled.npy"
            dealt = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=distinct.shape)
            for start, values in shuffled_columns(distinct, [self.seed, seed]):
                dealt[:, start : start + values.shape[1]] = values
            control = Control("shuffled_features", seed)
            yield from self._through_pca(control, ArrayFeatures(dealt), features.report_id, distinct.inverse)

    def _words(self, reports: pd.DataFrame) -> Iterator[Scored]:
        reports = reports[reports["description"].fillna("").str.strip() != ""].sort_values("report_id")
        row, different = pd.factorize(reports["description"])
        weights = tfidf_rows(list(different), self.words) if len(different) else None
        if weights is None or weights.shape[1] == 0:
            self.notes.append("the reports have no texts: there are no words")
            return
        ids = reports["report_id"].to_numpy(np.int64)
        yield from self._through_pca(Control("tfidf"), SparseFeatures(weights), ids, row)
        scores = cosine_scores(weights, self.n_components, self.device, self.log)
        yield Scored(Control("tfidf_cosine"), weights.shape[1], ids, row, scores)

    def _through_pca(
        self, control: Control, matrix: FeatureMatrix, report_id: np.ndarray, row: np.ndarray
    ) -> Iterator[Scored]:
        """Scores from scaler and PCA as ours; none where there is no axis."""
        self.log(f"PCA of {control.name}, draw {control.seed}")
        self.allowed(control, *matrix.shape)
        copies = np.bincount(row, minlength=matrix.shape[0])
        try:
            fitted = fit_pca(
                matrix,
                self.n_components,
                copies=copies,
                components=False,
                block=self.block,
                device=self.device,
                tolerance=self.tolerance,
                seed=self.seed,
            )
        except NoVariance:
            self.notes.append(f"{control.name}: every report has the same values")
            return
        yield Scored(control, matrix.shape[1], report_id, row, fitted.scores)
