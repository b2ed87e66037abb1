"""The two halves of a cosine by latents, for a few reports: standardised features, and what their scores say of them.

With x~ = (x - mu) / s and x^ = W z the contributions of latents to the cosine of two reports are
(x~_aj x^_bj + x~_bj x^_aj) / (2 |z_a| |z_b|) (method section 8): they need the features of the two reports and one pass
over the axes, whoever the two are.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from compsim_assets.explore.questions import Unanswerable
from compsim_assets.explore.tables import Tables
from compsim_assets.storage.reading import DamagedResult

if TYPE_CHECKING:
    import numpy as np

_AXES = 64  # taken from the disk at once
_OFF = 1e-4  # of the scores' lengths: what floats of 4 bytes explain, and a damaged file does not


@dataclass(frozen=True)
class Halves:
    """k reports, all D latents or J of them.

    Attributes:
        latents: (J,) ascending.
        standardised: (k, J) x~. reconstructed: (k, J) x^. Both float64, in units of the report's length |z|, so that
            contributions are plain products; zeros where that is 0.
        cosine: (k, k) of the reports' scores.
    """

    latents: "np.ndarray"
    standardised: "np.ndarray"
    reconstructed: "np.ndarray"
    cosine: "np.ndarray"

    def contributions(self, first: int, second: int) -> "np.ndarray":
        """(J,) parts of the cosine of two of the reports, by position; of all latents they sum to it."""
        x, y = self.standardised, self.reconstructed
        return (x[first] * y[second] + x[second] * y[first]) / 2

    def cosines(self, first: int) -> "np.ndarray":
        """(k,) cosines of one report with each over these latents alone; NaN where they are undefined, which they are
        where these latents' parts of a report's own length do not add up to anything above zero.
        """
        import numpy as np

        x, y = self.standardised, self.reconstructed
        together = (x @ y[first] + y @ x[first]) / 2
        alone = (x * y).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where((alone > 0) & (alone[first] > 0), together / np.sqrt(alone * alone[first]), np.nan)


def halves(tables: Tables, year: int, report_ids: "np.ndarray", latents: "np.ndarray | None" = None) -> Halves:
    """Both halves of some reports of one year.

    Args:
        latents: (J,) those that are wanted, ascending; all by default.

    Raises:
        Unanswerable: a report without features, or companies that are compared by pairs.
        DamagedResult: features, axes and scores do not fit each other.

    Cost: the reports' rows, one pass over the (P, D) axes and 2 k P D multiply-adds. Memory O(k D) and a block of axes.
    """
    import numpy as np

    scores, pca = _scores(tables, year, report_ids), tables.pca()
    standardised = standardised_features(tables, report_ids, latents)
    reconstructed = _reconstructed(scores, np.asarray(pca.axes()), latents)
    lengths = np.linalg.norm(scores.astype(np.float64), axis=1)
    per = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)[:, None]
    unit = scores * per
    wanted = np.arange(standardised.shape[1]) if latents is None else latents
    answer = Halves(wanted, standardised * per, reconstructed * per, unit @ unit.T)
    if latents is None:
        _check(answer, pca.path)
    return answer


def _reconstructed(scores: "np.ndarray", axes: "np.ndarray", latents: "np.ndarray | None") -> "np.ndarray":
    """(k, D) x^ of scores (k, P), or (k, J); products of 4-byte floats, sums of 8-byte ones where all axes are used."""
    import numpy as np

    if latents is not None:
        return (scores @ np.concatenate([axes[some].take(latents, axis=1) for some in _slices(len(axes))])).astype(
            float
        )
    sums = np.zeros((len(scores), axes.shape[1]))
    for some in _slices(len(axes)):
        sums += scores[:, some] @ axes[some]
    return sums


def _slices(n: int) -> "list[slice]":
    return [slice(start, start + _AXES) for start in range(0, n, _AXES)]


def standardised_features(
    tables: Tables, report_ids: "np.ndarray", latents: "np.ndarray | None" = None
) -> "np.ndarray":
    """(k, D) x~ of some reports, or (k, J) of some latents; float64.

    Raises:
        Unanswerable: a report without features.
    """
    import numpy as np
    import pandas as pd

    shards = tables.features()
    at = pd.Index(shards.report_id).get_indexer(report_ids)
    if (at < 0).any():
        raise Unanswerable(_without_features(report_ids[at < 0][0]))
    mean, scale = tables.pca().scaler()
    rows = shards.rows(at) if latents is None else shards.select(latents, at)
    some = slice(None) if latents is None else latents
    return (rows.astype(np.float64) - mean[some]) / scale[some]


def _without_features(report_id: int) -> str:
    return f"report {report_id} has no features: nothing can be said about its text"


def _check(answer: Halves, path: "object") -> None:
    import numpy as np

    sums = answer.standardised @ answer.reconstructed.T
    off = float(np.abs((sums + sums.T) / 2 - answer.cosine).max(initial=0))
    if not off <= _OFF:
        raise DamagedResult(
            f"{path} and the reports' features and scores do not fit each other: contributions miss the cosine by "
            f"{off:.2g}. `compsim verify` names the damaged file; `compsim materialize pca --force` makes it again"
        )


def _scores(tables: Tables, year: int, report_ids: "np.ndarray") -> "np.ndarray":
    """(k, P) float32 in the order of the reports, all of that year."""
    import numpy as np

    if tables.pairs_alone:
        raise Unanswerable("companies are compared by the universe's published pairs: there are no features to explain")
    at = {report: place for place, report in enumerate(report_ids.tolist())}
    rows, places = [], list[int]()
    for ids, scores in tables.scores().of_year(year):
        inside = np.isin(ids, report_ids)
        rows.append(scores[inside])
        places += [at[report] for report in ids[inside].tolist()]
    if without := sorted(set(range(len(report_ids))) - set(places)):
        raise Unanswerable(_without_features(report_ids[without[0]]))
    return np.concatenate(rows)[np.argsort(places)]
