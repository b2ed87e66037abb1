"""Rows of a frame as what JSON can hold: no NaN, no NumPy."""

from typing import TYPE_CHECKING, Any

from compsim_assets.explore.companies import Company

if TYPE_CHECKING:
    import pandas as pd


def records(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """A dict per row; None for a missing value."""
    return [{str(name): plain_value(value) for name, value in row.items()} for row in table.to_dict("records")]


def plain_value(value: Any) -> Any:
    """A value as Python's own; None where it is missing."""
    if not isinstance(value, str) and hasattr(value, "__len__"):
        return [plain_value(each) for each in value]
    if value is None or type(value).__name__ == "NAType" or value != value:
        return None
    return value.item() if hasattr(value, "item") else value


def company_record(company: Company) -> dict[str, Any]:
    """A company as all answers give it."""
    return {
        "ticker": company.ticker,
        "name": company.name,
        "cik": company.cik,
        "report_id": company.report_id,
        "year": company.year,
        "sic_code": company.sic_code or None,
        "gics_sector": company.sector or None,
    }
