"""Checks of assets, on what comes in and on what goes out.

What belongs here: questions that a value answers with yes or no, and the counts that say how bad it is. A check is a
function of what it looks at; it runs inside the step that makes its asset, which says so with `spec` and asks with
`judge`. What does not: types, limits and keys of a table, which its contract checks before it is written.
"""

from compsim_assets.checks.data_checks import (
    features_are_finite,
    pca_explains_variance,
    pca_has_settled,
    report_ids_are_unique,
    sae_has_learned,
    sae_is_finite,
    scores_are_not_zero,
)
from compsim_assets.checks.judge import Verdict, judge, spec
from compsim_assets.checks.rebuild_checks import (
    STOPPED,
    everything_was_compared,
    nothing_is_suspicious,
    nothing_stops_publication,
)
from compsim_assets.checks.result_checks import (
    correlations_are_correlations,
    every_report_in_one_cluster,
    figure_decodes,
)

__all__ = [
    "STOPPED",
    "Verdict",
    "correlations_are_correlations",
    "every_report_in_one_cluster",
    "everything_was_compared",
    "features_are_finite",
    "figure_decodes",
    "judge",
    "nothing_is_suspicious",
    "nothing_stops_publication",
    "pca_explains_variance",
    "pca_has_settled",
    "report_ids_are_unique",
    "sae_has_learned",
    "sae_is_finite",
    "scores_are_not_zero",
    "spec",
]
