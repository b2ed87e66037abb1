"""What a universe cannot show, whatever the numbers: read from its own reports."""

from collections.abc import Mapping, Sequence

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


def of_the_encoder(
    origin: str, knowledge: str, walked: pd.DataFrame, embedded: Mapping[str, Mapping[str, Sequence[int]]]
) -> str:
    """What the models behind the features may have read, and which results are clean of it.

    Args:
        origin: of the features: extracted, imported or none.
        knowledge: last day of what the model and SAE of `sae_features` have read; empty where it is not known.
        walked: `walk_forward_cutoffs`. embedded: years that each vintage read, by its day, of encoders that have some.
    """
    days = walked.dropna(subset="knowledge")
    texts = "".join(f" Clusters {name}_kmeans are clean of it as well." for name in embedded)
    if days.empty:
        ready = {"imported": "Features came ready-made", "none": "Similarities came ready-made"}.get(origin)
        why = f"{ready}: the" if ready else "The"
        return (
            f"{why} encoder may have read later texts, its knowledge date is unknown: no result from SAE features is "
            f"clean of that, walk-forward included.{texts}"
        )
    years, knows = (days[name].astype(str) for name in ("year", "knowledge"))
    return (
        f"Walk-forward results of {years.min()} to {years.max()} are clean of the encoder too: the model and the SAE "
        f"that read a year, and the earlier years that it is fitted on, know nothing later than their vintage, which "
        f"is older than the year ({knows.min()} to {knows.max()}). All other results from SAE features are read by the "
        f"vintage of {knowledge}: of most years it has read what came later.{texts}"
    )
