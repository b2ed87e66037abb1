"""Every way to choose peers that a universe has: similarities of a year's reports, method by method."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compsim_assets.storage.embeddings import read_embeddings
from compsim_assets.storage.results import Results, read_table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from compsim_assets.science.peers.statistics import YearReports

    # The similarity (n, n) of a year's reports, the first argument, and their positions in the year; None without any.
    OfYear = Callable[[YearReports], tuple[np.ndarray, np.ndarray] | None]


@dataclass(frozen=True)
class PeerMethod:
    """A way to choose peers; `of_year` gives similarities, no `of_year` means peers by the two-digit SIC code."""

    name: str
    in_sample: bool
    of_year: "OfYear | None" = field(repr=False)


@dataclass(frozen=True)
class _Vectors:
    """Cosines of vectors by report id; only of reports in the year that is asked for."""

    report_id: "np.ndarray"
    year: "np.ndarray"
    matrix: "np.ndarray"
    similarity: "Callable[[np.ndarray], np.ndarray]"

    def __call__(self, reports: "YearReports") -> "tuple[np.ndarray, np.ndarray] | None":
        import numpy as np

        from compsim_assets.science.linkage.pairs import positions_of

        own = np.flatnonzero(self.year == reports.year)
        own = own[np.argsort(self.report_id[own], kind="stable")]
        positions = positions_of(reports.report_id, self.report_id[own])
        own, positions = own[positions >= 0], positions[positions >= 0]
        return (self.similarity(self.matrix[own]), positions) if len(own) else None


def peer_methods(
    results: Results,
    activity: "tuple[np.ndarray, np.ndarray]",
    latents: "pd.DataFrame",
    returns: "pd.DataFrame",
    published: bool,
) -> Iterator[PeerMethod]:
    """Every method that has similarities in this universe; a table is read when its turn comes."""
    from compsim_assets.science.peers.statistics import cosines
    from compsim_assets.storage.pairs import PairTable

    yield PeerMethod("sic2", False, None)
    if published:
        yield PeerMethod("pairs", True, _of_pairs(PairTable(results.table("published_pairs"))))
    yield from _by_scores("pca", True, results.table("pca_scores"))
    yield from _by_scores("walk_forward", False, results.table("walk_forward_scores"))
    for name, found in read_embeddings(results).items():
        yield PeerMethod(name, False, _Vectors(found.report_id, found.year, found.matrix, cosines))
    yield from _by_latents(activity, latents, returns)


def _of_pairs(table: Any) -> "OfYear":
    def of_year(reports: "YearReports") -> "tuple[np.ndarray, np.ndarray] | None":
        import numpy as np

        from compsim_assets.science.peers.statistics import dense

        pairs = table.of_year(reports.year)
        if len(pairs) == 0:
            return None
        similarity = np.round(dense(pairs, reports.report_id, pairs.cosine), 12)
        return similarity, np.arange(len(reports.report_id))

    return of_year


def _by_scores(name: str, in_sample: bool, path: Path) -> Iterator[PeerMethod]:
    from compsim_assets.science.peers.statistics import cosines
    from compsim_assets.storage.matrices import matrix_of

    table = read_table(path, ["report_id", "year", "scores"])
    if len(table):
        ids, year = (table[key].to_numpy() for key in ("report_id", "year"))
        vectors = _Vectors(ids, year, matrix_of(table["scores"]), cosines)
        yield PeerMethod(name, in_sample, vectors)


def _by_latents(
    activity: "tuple[np.ndarray, np.ndarray]", latents: "pd.DataFrame", returns: "pd.DataFrame"
) -> Iterator[PeerMethod]:
    """The two supervised similarities, for the years after the training ones alone."""
    from functools import partial

    import numpy as np

    from compsim_assets.science.peers.supervised import length_free, shared_weight, training_years

    report_id, active = activity
    if active.shape[1] == 0:
        return
    weight = latents.loc[latents["selected"], "score"].to_numpy()
    year = returns.set_index("report_id")["year"].loc[report_id].to_numpy()
    judged = ~np.isin(year, training_years(year))
    ids, year, active = report_id[judged], year[judged], active[judged]
    for name, similarity in (("supervised", shared_weight), ("supervised_length_controlled", length_free)):
        vectors = _Vectors(ids, year, active, partial(similarity, weight=weight))
        yield PeerMethod(name, False, vectors)


def activity_of(results: Results, latents: "pd.DataFrame") -> "tuple[tuple[np.ndarray, np.ndarray], dict[int, float]]":
    """Report ids with (n, J) bool, where the selected latents are active, and each report's total activation.

    The total grows with the tokens of a description, each of which has the same number of active latents. One pass
    over the features; memory n J bytes and one part of the shards.
    """
    import numpy as np

    from compsim_assets.storage.shards import FeatureShards

    shards = FeatureShards(results.array_folder("sae_features"))
    selected = latents.loc[latents["selected"], "latent"].to_numpy()
    active, total = [np.empty((0, len(selected)), dtype=bool)], [np.empty(0)]
    for part in shards.parts():
        active.append(part[:, selected] > 0)
        total.append(part.sum(axis=1, dtype=np.float64))
    length = dict(zip(shards.report_id.tolist(), np.concatenate(total).tolist(), strict=True))
    return (shards.report_id, np.concatenate(active)), length
