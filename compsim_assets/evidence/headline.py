"""The first thing on the page of findings: the nearest peer of an industry, and clusters, against the industry."""

import numpy as np
import pandas as pd

from compsim_assets.contracts.methods import BY_NAME
from compsim_assets.evidence.judge import lifted
from compsim_assets.evidence.robustness import robust_row
from compsim_assets.evidence.verdicts import signed

# Number of nearest peers, and what they are held against: random ones of the same two-digit SIC code.
_NEAREST, _LIFT = "1", "neighbours_same_sic2_lift"
# Of each question the method that knows earlier years alone, before one that knows all.
_PEERS, _CLUSTERS, _CODES = ("walk_forward", "pca", "pairs"), ("walk_forward", "base"), "sic_code"
COLUMNS = ("", "by", "correlation", "of the industry", "difference")


def headline(peer_statistics: pd.DataFrame, robustness: pd.DataFrame) -> pd.DataFrame:
    """What stands above the claims: return correlation with the nearest peer of the same industry and with a random one
    of it, then within clusters and within SIC codes, each with the interval of the difference; a row for each method
    that has both.
    """
    rows = []
    for method in _PEERS:
        between = robust_row(robustness, _LIFT, method, level=_NEAREST)
        both = lifted(peer_statistics, _LIFT, method, _NEAREST)
        what = "Nearest peer of the industry, against a random one of it"
        rows.append((what, BY_NAME[method].similarity, *both, between))
    for method in _CLUSTERS:
        between = robust_row(robustness, "mean_correlation", method, _CODES)
        both = _mean_correlation(robustness, method), _mean_correlation(robustness, _CODES)
        what = "Companies of one cluster, against those of one SIC code (MeanCorr)"
        rows.append((what, BY_NAME[method].label, *both, between))
    told = [
        (what, label, f"{here:.3f}", f"{there:.3f}", signed(**between))
        for what, label, here, there, between in rows
        if not np.isnan(between["value"])
    ]
    return pd.DataFrame(told, columns=list(COLUMNS))


def _mean_correlation(robustness: pd.DataFrame, method: str) -> float:
    return robust_row(robustness, "mean_correlation", method)["value"]
