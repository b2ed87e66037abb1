"""What a universe cannot show, whatever the numbers: read from its own reports."""

import pandas as pd

from compsim_assets.evidence.groups import company_of


def cautions(descriptions: pd.DataFrame, population: float, published: float) -> list[str]:
    """Sentences on what limits every finding of this universe.

    Args:
        descriptions: report_id, cik, company_name, ticker, year, description.
        population: mean correlation of all pairs here. published: in the paper.
    """
    company = company_of(descriptions).to_numpy()
    years = descriptions["year"]
    sentences = [
        _same_texts(descriptions.assign(company=company)),
        _survivors(pd.DataFrame({"company": company, "year": years})),
    ]
    if population > 1.25 * published:
        sentences.append(
            f"Any two companies correlate by {population:.2f} here and by {published:.2f} in the paper, as large "
            "companies do: correlations of any grouping lie above the paper's."
        )
    return [sentence for sentence in sentences if sentence]


def _same_texts(reports: pd.DataFrame) -> str:
    several = reports.dropna(subset="description").groupby("company")["description"]
    texts, n_reports = several.nunique(), several.size()
    repeated = (texts == 1) & (n_reports > 1)
    share = repeated.sum() / max((n_reports > 1).sum(), 1)
    if share < 0.5:
        return ""
    return (
        f"{share:.0%} of the companies have one and the same description in every year: it knows what came later, so "
        "any link between texts and past returns is partly hindsight."
    )


def _survivors(reports: pd.DataFrame) -> str:
    first, last = reports["year"].min(), reports["year"].max()
    there = reports.loc[reports["year"] == first, "company"]
    survive = there.isin(reports.loc[reports["year"] == last, "company"]).mean()
    if first == last or survive < 0.95:
        return ""
    return (
        f"{survive:.0%} of the companies of {first} are still there in {last}: these are survivors. None that failed "
        "or was bought is among them."
    )
