"""SIC codes and their divisions."""

import pandas as pd

from compsim_assets.science.companies import NOTHING

# First and last two-digit major group of each division of the 1987 Standard Industrial Classification.
DIVISIONS = {
    "Agriculture, Forestry, And Fishing": (1, 9),
    "Mining": (10, 14),
    "Construction": (15, 17),
    "Manufacturing": (20, 39),
    "Transportation, Communications, Electric, Gas, And Sanitary Services": (40, 49),
    "Wholesale Trade": (50, 51),
    "Retail Trade": (52, 59),
    "Finance, Insurance, And Real Estate": (60, 67),
    "Services": (70, 89),
    "Public Administration": (91, 97),
    "Nonclassifiable Establishments": (99, 99),
}


# Industries of the major groups 01 to 09: codes that lose a zero as numbers.
_AGRICULTURE = """
    0111 0112 0115 0116 0119 0131 0132 0133 0134 0139 0161 0171 0172 0173 0174 0175 0179 0181 0182 0191
    0211 0212 0213 0214 0219 0241 0251 0252 0253 0254 0259 0271 0272 0273 0279 0291
    0711 0721 0722 0723 0724 0741 0742 0751 0752 0761 0762 0781 0782 0783 0811 0831 0851 0912 0913 0919 0921 0971
"""
# And their groups, as the SEC (0100) and Compustat (0170) write them.
AGRICULTURE = {group for code in _AGRICULTURE.split() for group in (code, f"{code[:3]}0", f"{code[:2]}00")}


def not_sic(code: pd.Series, digits: int | None = None) -> pd.Series:
    """Whether each value is something else than a SIC code of one to four digits, or to `digits`; a null is not."""
    text = _texts(code)
    return text.notna() & ~text.str.fullmatch(rf"\d{{1,{digits or 4}}}").fillna(False).astype(bool)


def normalise_sic(code: pd.Series, digits: int | None = None, no_industry: bool = False) -> pd.Series:
    """SIC codes as text of two to four digits; null where there is none.

    The longest code says how many digits the column's codes have. A code of one digit less has lost its leading zero
    where the code with a zero exists (agriculture); any other shorter one is the group that it names: "28" and "283"
    stay as they are. Codes of zeros and of major group 99 (nonclassifiable) are null.

    Args:
        code: numbers or texts. digits: of all codes; shorter ones have lost their zeros.
        no_industry: whether codes of zeros and of group 99 are codes, as they were to the paper's authors.

    Raises:
        ValueError: names the first code that is not one to four digits, or longer than `digits`.
    """
    wrong = not_sic(code, digits)
    if wrong.any():
        raise ValueError(
            f"row {int(wrong.to_numpy().argmax())}: sic_code {_texts(code)[wrong].iloc[0]!r} is not a code of up to "
            f"{digits or 4} digits"
        )
    text = _texts(code)
    different = text.dropna().unique()
    longest = max(map(len, different), default=4)
    spelled: dict[str, str | None] = {
        one: one.zfill(digits) if digits else _with_zero(one, longest) for one in different
    }
    if not no_industry:
        spelled = {one: None if code and _is_no_industry(code) else code for one, code in spelled.items()}
    return text.map(spelled).astype("string")


def _texts(code: pd.Series) -> pd.Series:
    text = code.astype("string").str.strip().str.replace(r"\.0*$", "", regex=True)
    return text.mask(text.str.lower().isin(NOTHING).fillna(False).astype(bool))


def _with_zero(code: str, longest: int) -> str:
    """The code with its leading zero where it lost one, and at least two digits."""
    there = AGRICULTURE if longest == 4 else {agriculture[:3] for agriculture in _AGRICULTURE.split()}
    return f"0{code}" if len(code) == longest - 1 and f"0{code}" in there else code.zfill(2)


def _is_no_industry(code: str) -> bool:
    return not code.strip("0") or code.startswith("99")


def sic_division(code: pd.Series) -> pd.Series:
    """Division of each four-digit code by its first two digits; null where there is no code or no such division."""
    group = pd.to_numeric(code.str.slice(0, 2)).astype("Int64")
    division = pd.Series(pd.NA, index=code.index, dtype="string")
    for name, (first, last) in DIVISIONS.items():
        division = division.mask(group.between(first, last).fillna(False), name)
    return division
