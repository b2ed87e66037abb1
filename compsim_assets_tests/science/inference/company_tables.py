"""Groups, returns and companies for tests of the bootstrap."""

import numpy as np
import pandas as pd

from compsim_assets.science.inference.resampled_correlation import ResampledCorrelation

Tables = tuple[pd.DataFrame, pd.DataFrame, pd.Series]


def one_year(sizes: list[int], seed: int = 0, alike: float = 1.0) -> Tables:
    """Clusters of these sizes in one year, each report of a company of its own."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    returns = alike * rng.normal(size=(len(sizes), 12))[labels] + rng.normal(size=(len(labels), 12))
    keys = {"year": 2000, "report_id": np.arange(len(labels))}
    return (
        pd.DataFrame(keys | {"cluster_id": labels}),
        pd.DataFrame(keys | {"returns": list(returns)}),
        pd.Series(np.arange(len(labels)), index=np.arange(len(labels))),
    )


def resampled(found: Tables, **options) -> ResampledCorrelation:
    return ResampledCorrelation(*found, pd.Index(np.unique(found[2])), **options)
