"""Themes in words: the terms of the reports in which a theme's latents are most active."""

import numpy as np
import pandas as pd

from compsim_assets.science.companies import names_of
from compsim_assets.science.latents.activity import Companies, top_reports
from compsim_assets.science.words import count_terms, describe_groups

# Top reports are of at most this part of the companies, or few: of half of them nothing sets the others apart.
_OF_COMPANIES, _REPORTS_AT_LEAST = 8, 4


def words_of_themes(
    activity: np.ndarray, reports: pd.DataFrame, company: np.ndarray, n_reports: int, n_terms: int, seed: int
) -> pd.DataFrame:
    """theme, label, terms, label_auc.

    Args:
        activity: (n, T) of each report in each theme.
        reports: report_id, description (a null has none), company_name, ticker of each.
        company: (n,) numbers of their companies. n_reports: most active ones of a theme, one per company, and
            of an eighth of the companies at most.
    """
    texts = reports["description"].astype(object).where(reports["description"].notna(), None).tolist()
    most = max(_REPORTS_AT_LEAST, (int(company.max(initial=-1)) + 1) // _OF_COMPANIES)
    top = top_reports(activity, Companies.of(company, reports["report_id"].to_numpy()), min(n_reports, most))
    words = describe_groups(count_terms(texts, names_of(reports, company)), top, company, n_terms=n_terms, seed=seed)
    terms = [", ".join(some) for some in words.terms]
    return pd.DataFrame(
        {"theme": np.arange(activity.shape[1]), "label": words.label, "terms": terms, "label_auc": words.auc}
    )
