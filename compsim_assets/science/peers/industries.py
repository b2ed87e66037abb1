"""SIC codes and their divisions."""

import pandas as pd

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


def normalise_sic(code: pd.Series) -> pd.Series:
    """SIC codes as four digits of text: numbers and texts that lost a leading zero get it back, nulls stay null.

    Raises:
        ValueError: names the first code that is not one to four digits.
    """
    text = code.astype("string").str.strip().str.removesuffix(".0")
    text = text.mask(text == "")
    wrong = text.notna() & ~text.str.fullmatch(r"\d{1,4}").fillna(False)
    if wrong.any():
        raise ValueError(
            f"row {int(wrong.to_numpy().argmax())}: sic_code {code[wrong].iloc[0]!r} is not a code of up to 4 digits"
        )
    return text.str.zfill(4)


def sic_division(code: pd.Series) -> pd.Series:
    """Division of each four-digit code by its first two digits; null where there is no code or no such division."""
    group = pd.to_numeric(code.str.slice(0, 2)).astype("Int64")
    division = pd.Series(pd.NA, index=code.index, dtype="string")
    for name, (first, last) in DIVISIONS.items():
        division = division.mask(group.between(first, last).fillna(False), name)
    return division
