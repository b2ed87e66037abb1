"""Who is like a company, and why, in Python: frames with named columns. The command line asks the same questions.

Where results lie is said by the environment (COMPSIM_SOURCE, COMPSIM_DATA), or by `source` and `data`; `version` names
one of `compsim versions`. What cannot be answered is a `LookupError` that says what there is.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.explore.explain import Explanation
from compsim_assets.explore.tables import Tables
from compsim_assets.read import open_results

if TYPE_CHECKING:
    import pandas as pd


def peers(
    company: str,
    year: int | None = None,
    *,
    within: str | None = None,
    about: str | None = None,
    top: int = 10,
    version: str | None = None,
    source: str | None = None,
    data: str | Path | None = None,
) -> "pd.DataFrame":
    """The nearest companies of a company's year.

    >>> table = peers("KO", 2015, within="all", top=3)
    >>> table["ticker"].tolist()
    ['MNST', 'KDP', 'PEP']
    >>> table.attrs["within"]
    'all'

    Args:
        company: ticker, CIK, or name, or a part of it.
        year: by default the company's newest.
        within: "industry" (two-digit SIC code), "sector" (GICS) or "all"; by default industry where it has one.
        about: words; companies are then compared by the latents whose label or terms have them.
        top: how many; 50 at most, but with `about`.
        version, source, data: see `open_results`.

    Returns:
        rank, ticker, name, cik, report_id, year, cosine, percentile (share of the year's pairs that are less alike),
        confidence (share of draws of latents in which it stays among the ten nearest, or in the nearer half of fewer
        than twenty), peer_last_year, next_year_correlation (of the two stocks' returns); with `about` the cosine over
        its latents. `attrs` of the frame has `within`, and as `note` what has to be said beside it.

    Raises:
        LookupError: nobody of that name, several, or no report of that year; says who and which there are.
        FileNotFoundError, StaleResult, DamagedResult: see `read_asset`.
    """
    from compsim_assets.explore.peers import peers as ask

    answer = ask(_tables(version, source, data), company, year, within=within, about=about, n=top)
    answer.table.attrs.update(within=answer.within, note=answer.note)
    return answer.table


def explain(
    company: str,
    other: str,
    year: int | None = None,
    *,
    top: int = 8,
    version: str | None = None,
    source: str | None = None,
    data: str | Path | None = None,
) -> Explanation:
    """Why two companies are alike, whichever two of a year.

    >>> why = explain("KO", "PEP", 2015)
    >>> why.themes["label"].iloc[0]
    'beverages'
    >>> bool(abs(why.themes["contribution"].sum() + why.rest_of_themes - why.cosine) < 1e-6)
    True
    >>> why.plot().savefig("why.png")

    Args:
        company, other: each a ticker, CIK, or name, or a part of it.
        year: by default the newest in which both have a report.
        top: how many themes, and latents.
        version, source, data: see `open_results`.

    Returns:
        `cosine`; `themes` (theme, label, contribution, present, share, unusual) and `rest_of_themes`; `latents` (latent
        and the same) and `rest`; `covered`, the shares of the cosine that both show; `note`; `plot()`. What neither
        company has makes them alike, too: `present` says whether both have more of it than most, neither, or one.

    Raises:
        See `peers`.
    """
    from compsim_assets.explore.explain import explain as ask

    return ask(_tables(version, source, data), company, other, year, top)


def latents(
    words: str | None = None, *, version: str | None = None, source: str | None = None, data: str | Path | None = None
) -> "pd.DataFrame":
    """Latents in words: all, or those whose label or terms have all of some words, the best first.

    >>> latents("cloud infrastructure")["label"].iloc[0]
    'software'

    Args:
        words: a word may be the beginning of one.
        version, source, data: see `open_results`.

    Returns:
        latent, label, judge_label, terms, label_auc (.5 is chance), firing_rate, n_reports, theme, evidence; without
        words all columns of the table `latents`.

    Raises:
        See `peers`.
    """
    from compsim_assets.explore.latents import latents as ask

    return ask(_tables(version, source, data), words)


def _tables(version: str | None, source: str | None, data: str | Path | None) -> Tables:
    return Tables.of(open_results(version, source=source, data=data))
