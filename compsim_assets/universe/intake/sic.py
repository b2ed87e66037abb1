"""SIC codes of reports: numbers, texts, and the coarser groups of two or three digits."""

from typing import TYPE_CHECKING

from compsim_assets.universe.intake.decisions import Notes
from compsim_assets.universe.intake.values import Place
from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    import pandas as pd

_SUBJECT = "sic_code"
_REMEDY = 'universe.toml: [reports] sic_digits = "2", "3" or "4"'


def sic_codes(codes: "pd.Series", digits: str, as_published: bool, place: Place, notes: Notes) -> "pd.Series":
    """SIC codes as `normalise_sic` spells them; says which ones it changed, and which are groups.

    Args:
        codes: of all reports; missing ones are null. digits: of all codes, where universe.toml says it; else empty.
        as_published: whether codes of no industry stay codes.

    Raises:
        UniverseError: names the first value that is no code, or a column of NAICS codes.
    """
    from compsim_assets.science.peers.industries import normalise_sic, not_sic

    given = int(digits) if digits else None
    text = codes.astype("string").str.strip().str.replace(r"\.0*$", "", regex=True)
    wrong = not_sic(codes, given)
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        remedy = f", as universe.toml says: {_REMEDY}" if given and not not_sic(codes).any() else ""
        if text.str.fullmatch(r"\d{5,6}").sum() > 0.5 * text.notna().sum():
            remedy = ". The column looks like NAICS: give SIC codes, or leave the column out"
        raise UniverseError(
            f"{place(row)}: sic_code {codes.iloc[row]!r} is not a code of up to {given or 4} digits, "
            f"expected a SIC code like 2834{remedy}"
        )
    spelled = normalise_sic(codes, given, as_published)
    _say(text, spelled, place, notes)
    return spelled


def _say(text: "pd.Series", spelled: "pd.Series", place: Place, notes: Notes) -> None:
    """Codes that are none, codes with a zero before them, and groups."""

    def first(rows: "pd.Series") -> str:
        row = int(rows.to_numpy().argmax())
        return f"{place(row)}: {text.iloc[row]}"

    none = text.notna() & spelled.isna()
    if none.any():
        what = "codes of no industry (0, or of group 99: nonclassifiable) are read as missing"
        notes.left_out(_SUBJECT, what, int(none.sum()), first(none))
    length = spelled.str.len().fillna(0).astype(int)
    longest = int(length.max()) if len(length) else 0
    restored = spelled.notna() & (text.str.len() < length)
    short = (length > 0) & (length < 4)
    if restored.any():
        notes.assumed(_SUBJECT, "codes get the leading zero back that they lost", int(restored.sum()), first(restored),
            _REMEDY)  # fmt: skip
    if short.any():
        what = f"codes of at most {longest} digits are groups of industries, as they are" if longest < 4 else (
            "codes of 2 or 3 digits among codes of 4 are groups of industries, as they are"
        )  # fmt: skip
        notes.assumed(_SUBJECT, what, int(short.sum()), first(short), _REMEDY)
    if restored.any() and (length == longest - 1).any():
        what = f"codes of {longest - 1} digits may be groups, too, or may have lost a zero: read as having lost it"
        notes.suspicious(_SUBJECT, what, int(restored.sum()), first(restored), _REMEDY)
