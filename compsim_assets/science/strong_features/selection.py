"""Which clusters' strong features are searched: all, a seeded sample, or named ones."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def select_clusters(
    clusters: pd.DataFrame, only: pd.DataFrame | None, n_sample: int, key: Sequence[int]
) -> pd.DataFrame:
    """Members of the clusters to study; singletons never are.

    Args:
        clusters: year, cluster_id, report_id.
        only: (year, cluster_id) to keep; None keeps all.
        n_sample: clusters drawn without replacement; 0 keeps all.
        key: non-negative integers that seed the draw.

    Raises:
        ValueError: a named cluster that does not exist or has one member.
    """
    sizes = clusters.groupby(["year", "cluster_id"]).size()
    studied = sizes.index[sizes >= 2]
    if only is not None:
        named = pd.MultiIndex.from_frame(only[["year", "cluster_id"]])
        unknown = named[~named.isin(studied)]
        if len(unknown):
            raise ValueError(
                f"cluster {unknown[0][1]} of {unknown[0][0]} is not a cluster of at least two reports "
                f"({len(unknown)} such names)"
            )
        studied = studied[studied.isin(named)]
    if 0 < n_sample < len(studied):
        drawn = np.random.default_rng(list(key)).choice(len(studied), size=n_sample, replace=False)
        studied = studied[np.sort(drawn)]
    return clusters[pd.MultiIndex.from_frame(clusters[["year", "cluster_id"]]).isin(studied)]
