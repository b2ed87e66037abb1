"""Confidence and reasons of listed peers, from one pass over the features."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from compsim_assets.science.companies import company_codes
from compsim_assets.science.reasons.confidence import random_groups
from compsim_assets.science.reasons.contributions import Wanted, reasons_of_years
from compsim_assets.science.reasons.lists import confidences, difference, explanations, lists_by_year
from compsim_assets.science.reasons.parts import ScoredReports


class UnlikeScores(ValueError):
    """Features and PCA do not give the cosines that the peers are listed by."""

    def __init__(self, difference: float) -> None:
        super().__init__(
            f"features and axes give cosines that differ by up to {difference:.2g} from those of the scores, expected "
            f"at most {_ALIKE:g}: materialize pca and pca_scores again"
        )


@dataclass(frozen=True)
class Options:
    """What is asked of the peers.

    confidence: whether to draw; draws. n_explained: nearest of each scope that get reasons; 0: none.
    most_for, most_against: latents and themes listed. gigabytes: of sums; twice as much for a block of latents.
    """

    confidence: bool
    draws: int
    n_explained: int
    most_for: int
    most_against: int
    gigabytes: float


# A cosine from features and axes, and one from scores: beyond what an iterated PCA's rounding explains.
_ALIKE = 1e-3


def reasons_of_peers(
    reports: ScoredReports,
    report_id: np.ndarray,
    year: np.ndarray,
    peers: pd.DataFrame,
    theme: np.ndarray,
    company: pd.Series | None,
    options: Options,
    device: str,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[np.ndarray, pd.DataFrame, float]:
    """Confidence of each row of `peers` (NaN where none is asked for), rows of `peer_explanations`, and how far off a
    sum is at most.

    What a sum of contributions differs from the cosine by is rounding of scores and axes; it is a part of "all others".

    Args:
        report_id, year: (n,) of the reports. peers: see `listed_peers`. theme: (D,) of each latent, -1 for none.
        company: see `company_codes`.

    Raises:
        UnlikeScores: it is more than rounding.
    """
    explained = options.n_explained
    pairs = peers if options.confidence else peers[peers["rank"] <= explained]
    rows, codes = np.flatnonzero(reports.inverse_length > 0), company_codes(company, report_id)
    lists = list(lists_by_year(pairs, rows, report_id, year, codes, explained))
    group = random_groups(reports.n_latents) if options.confidence else np.full(reports.n_latents, -1)
    n_groups, n_themes = int(group.max(initial=-1)) + 1, int(theme.max(initial=-1)) + 1
    wanted = Wanted(theme, n_themes, group, n_groups, options.most_for, options.most_against)
    sums = int(options.gigabytes * 1e9)
    years = [one.compared for one in lists]
    reasons = reasons_of_years(
        reports, years, wanted, device=device, block_bytes=2 * sums, sums_bytes=sums, progress=progress
    )
    shares, parts, off = np.full(len(peers), np.nan), [], 0.0
    for of_year, why in zip(lists, reasons, strict=True):
        if options.confidence:
            shares[of_year.rows] = confidences(of_year, why, pairs, options.draws, device)
        rows_of_year = explanations(of_year, why, pairs, explained, options.most_for, options.most_against)
        parts.append(pd.DataFrame(rows_of_year))
        off = max(off, difference(of_year, why, pairs))
    if off > _ALIKE:
        raise UnlikeScores(off)
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return shares, table, off
