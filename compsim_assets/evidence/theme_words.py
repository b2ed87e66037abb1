"""Themes in words: the terms of the reports in which a theme's latents are most active."""

import numpy as np
import pandas as pd

from compsim_assets.evidence.latent_words import names_of
from compsim_assets.science.latents.activity import Companies, top_reports
from compsim_assets.science.words import count_terms, describe_groups


def words_of_themes(
    activity: np.ndarray, reports: pd.DataFrame, company: np.ndarray, n_reports: int, n_terms: int, seed: int
) -> pd.DataFrame:
    """theme, label, terms, label_auc.

    Args:
        activity: (n, T) of each report in each theme.
        reports: report_id, description (a null has none), company_name, ticker of each.
        company: (n,) numbers of their companies. n_reports: most active ones of a theme, one per company.
    """
    texts = reports["description"].astype(object).where(reports["description"].notna(), None).tolist()
    top = top_reports(activity, Companies.of(company, reports["report_id"].to_numpy()), n_reports)
    words = describe_groups(count_terms(texts, names_of(reports, company)), top, company, n_terms=n_terms, seed=seed)
    terms = [", ".join(some) for some in words.terms]
    return pd.DataFrame(
        {"theme": np.arange(activity.shape[1]), "label": words.label, "terms": terms, "label_auc": words.auc}
    )
