"""Which reports say something: placeholders and boilerplate are no descriptions."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from compsim_assets.universe.intake.decisions import Notes

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TEXT = "section_1"
# A placeholder is short, and so is boilerplate ("incorporated by reference to the annual report").
_PLACEHOLDER, _BOILERPLATE = 24, 400
_FEW = 3


def without_texts(reports: "pd.DataFrame", place: Callable[[int], str], notes: Notes) -> None:
    """Make descriptions null that describe nothing, in place, and say so; name texts that several companies share.

    A placeholder is a usual spelling of a missing value. Boilerplate is a short text that at least three companies of
    different industries (first two digits of their SIC codes) share. Longer texts that companies share stay.

    Cost: O(characters) time; memory of one text.
    """
    if reports[TEXT].isna().all():
        return
    text = reports[TEXT].astype("string")
    placeholder = _placeholders(text)
    if placeholder.any():
        row = int(placeholder.argmax())
        what = "texts that are placeholders are read as missing: these reports are in no cluster"
        notes.left_out("description", what, int(placeholder.sum()), f"{place(row)}: {text.iloc[row]!r}")
    boilerplate = _shared(reports, text.mask(placeholder), place, notes)
    silent = int(text.isna().sum())
    if silent:
        what = "reports without a text are in no cluster"
        notes.left_out("description", what, silent, place(int(text.isna().to_numpy().argmax())))
    if placeholder.any() or boilerplate.any():
        reports[TEXT] = text.mask(placeholder | boilerplate)


def _placeholders(text: "pd.Series") -> "np.ndarray":
    from compsim_assets.science.companies import NOTHING

    short = (text.str.len() <= _PLACEHOLDER).fillna(False)
    plain = text[short].str.strip().str.rstrip(".").str.lower()
    wrong = short.copy()
    wrong[short] = plain.isin(
        [*NOTHING, "not applicable", "none reported", "no description", "tbd", "see annual report"]
    )
    return wrong.to_numpy(dtype=bool)


def _shared(reports: "pd.DataFrame", text: "pd.Series", place: Callable[[int], str], notes: Notes) -> "np.ndarray":
    """(n,) bool: boilerplate. Texts that two companies share, and which are none, are named."""
    import numpy as np
    import pandas as pd

    from compsim_assets.science.companies import company_of

    # Python's hash of each text, since a table of all different texts would hold them a second time.
    codes = pd.factorize(np.array([0 if value is pd.NA else hash(value) or 1 for value in text]))[0]
    company = pd.factorize(company_of(reports.assign(report_id=np.arange(len(reports)))))[0]
    table = pd.DataFrame({"text": codes, "company": company, "sic": reports["sic_code"].astype("string").str[:2]})
    by_text = table[text.notna().to_numpy()].groupby("text")
    companies, industries = by_text["company"].nunique(), by_text["sic"].nunique()
    several = table["text"].map(companies).fillna(0).to_numpy() > 1
    several &= text.notna().to_numpy()
    unlike = (table["text"].map(companies).fillna(0) >= _FEW) & (table["text"].map(industries).fillna(0) > 1)
    short = (text.str.len() <= _BOILERPLATE).fillna(False).to_numpy(dtype=bool)
    boilerplate = several & unlike.to_numpy() & short
    if boilerplate.any():
        row = int(boilerplate.argmax())
        what = "short texts that unlike companies share are boilerplate: these reports are in no cluster"
        notes.left_out("description", what, int(boilerplate.sum()), f"{place(row)}: {text.iloc[row][:60]!r}")
    if (same := several & ~boilerplate).any():
        row = int(same.argmax())
        what = "reports whose text another company has, too: such companies look the same"
        notes.suspicious("description", what, int(same.sum()), f"{place(row)}: {text.iloc[row][:60]!r}")
    return boilerplate
