"""The scores of every control, through the same scaler and PCA as the SAE's features."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd

from compsim_assets.evidence.control_matrices import ControlMatrix
from compsim_assets.science.pca.arrays import SparseFeatures
from compsim_assets.science.pca.fit import NoVariance, fit_pca
from compsim_assets.science.pca.resumed import EIGENPAIRS, PRODUCTS
from compsim_assets.science.words.tfidf import cosine_scores
from compsim_assets.storage.controls import PLAIN_COSINE, Control, ControlFeatures
from compsim_assets.storage.finished import PartsOf
from compsim_assets.storage.shards import FeatureShards


@dataclass(frozen=True)
class Scored:
    """A control's scores (m, P) of its different rows, and which of these each report has; of how many columns."""

    control: Control
    n_columns: int
    report_id: np.ndarray
    row: np.ndarray
    scores: np.ndarray


def made_from(features: FeatureShards, extracted: ControlFeatures, descriptions: pd.DataFrame) -> Iterator[str]:
    """What decides the controls' matrices.

    Args:
        descriptions: report_id, description.
    """
    yield features.manifest["content"]
    yield json.dumps(extracted.manifest, sort_keys=True)
    texts = blake2b(descriptions["report_id"].to_numpy("int64").tobytes(), digest_size=16)
    for text in descriptions["description"].fillna(""):
        texts.update(blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest())
    yield texts.hexdigest()


@dataclass(frozen=True)
class ControlPca:
    """How controls are scored.

    n_components, block, tolerance, seed: see the asset's Launchpad.
    allowed: called with a control, reports and columns before its PCA; may refuse it.
    notes: why one has no scores is added.
    parts: where controls' fits and their scores are kept until all are published.
    """

    n_components: int
    block: int
    tolerance: float
    seed: int
    device: str
    allowed: Callable[[Control, int, int], None]
    log: Callable[[str], None]
    notes: list[str]
    parts: PartsOf

    def scored(self, matrices: Iterable[ControlMatrix]) -> Iterator[Scored]:
        """Each one's scores; those of words by their plain cosine, too."""
        for each in matrices:
            yield from self._through_pca(each)
            if isinstance(each.matrix, SparseFeatures):
                scores = cosine_scores(each.matrix.values, self.n_components, self.device, self.log)
                yield Scored(PLAIN_COSINE, each.matrix.shape[1], each.report_id, each.row, scores)

    def _through_pca(self, of: ControlMatrix) -> Iterator[Scored]:
        """Scores from scaler and PCA as ours; none where there is no axis."""
        control, matrix, parts = of.control, of.matrix, self.parts.of(of.control.file)
        if finished := parts.find("scores"):
            self.log(f"an earlier run has finished {control.name}, draw {control.seed}")
            yield Scored(control, matrix.shape[1], of.report_id, of.row, finished["scores"])
            return
        self.log(f"PCA of {control.name}, draw {control.seed}")
        self.allowed(control, *matrix.shape)
        copies = np.bincount(of.row, minlength=matrix.shape[0])
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
                parts=parts,
            )
        except NoVariance:
            self.notes.append(f"{control.name}: every report has the same values")
            return
        parts.keep("scores", {"scores": fitted.scores})
        parts.drop(PRODUCTS, EIGENPAIRS)
        yield Scored(control, matrix.shape[1], of.report_id, of.row, fitted.scores)
