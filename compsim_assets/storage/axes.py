"""A stored PCA's axes, in blocks of latents, and the reports as that PCA knows them."""

from typing import TYPE_CHECKING

from compsim_assets.storage.pca import Pca
from compsim_assets.storage.reading import DamagedResult
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.shards import FeatureShards

if TYPE_CHECKING:
    import numpy as np

    from compsim_assets.science.reasons.parts import ScoredReports


class StoredAxes:
    """Components of a few latents at a time, read and not mapped: what was read does not stay in this process.

    Raises:
        FileNotFoundError: the components do not exist (made with `components: none`).
    """

    def __init__(self, pca: Pca) -> None:
        import numpy as np

        mapped = pca.axes()
        assert isinstance(mapped, np.memmap)
        self.path, self.shape, self._offset = pca.path, mapped.shape, mapped.offset

    def block(self, start: int, stop: int) -> "np.ndarray":
        """(P, stop - start) float32 components of these latents."""
        import numpy as np

        n_axes, n_latents = self.shape
        values = np.empty((n_axes, stop - start), dtype=np.float32)
        with self.path.open("rb", buffering=0) as file:
            for axis in range(n_axes):
                file.seek(self._offset + 4 * (axis * n_latents + start))
                if file.readinto(memoryview(values[axis]).cast("B")) != values[axis].nbytes:
                    raise DamagedResult.of(self.path, "is cut", "pca")
        return values


def scored_reports(features: FeatureShards, pca: Pca, scores: ScoreTable) -> "tuple[ScoredReports, np.ndarray]":
    """All reports with features, and their years; axes that were not stored follow from the scores.

    Raises:
        ValueError: the scores are of other reports.

    Memory: the scores.
    """
    import numpy as np

    from compsim_assets.science.reasons.parts import AxesOfScores, ScoredReports

    ids, year, values = scores.read()
    if not np.array_equal(ids, features.report_id):
        raise ValueError(f"{scores.path} is of other reports than {features.folder}: materialize pca_scores")
    mean, scale = pca.scaler()
    if pca.described["components"] == "all":
        return ScoredReports(features, values, StoredAxes(pca), mean, scale), year
    variance = pca.arrays(["explained_variance"])["explained_variance"]
    return ScoredReports(features, values, AxesOfScores(features, values, mean, scale, variance), mean, scale), year
