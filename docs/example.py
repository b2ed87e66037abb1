"""`python -m docs.example FOLDER`: forty generated companies in CSV, as a newcomer has his own: texts and Yahoo prices.

Everything in it is generated and says nothing about the world.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from compsim_assets.sample import SampleSize, generate

SIZE = SampleSize(companies=40, years=8, first_year=2013, lines=6, latents=160, scored_latents=0, cointegrated_pairs=2)


def write_example(folder: Path) -> None:
    """Write `reports.csv` (Ticker, Company, Year, SIC, Description) and `prices.csv`, as yfinance downloads it."""
    import pandas as pd

    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        generate(Path(scratch) / "sample", size=SIZE)
        reports = pd.read_parquet(Path(scratch) / "sample" / "reports.parquet")
        prices = pd.read_parquet(Path(scratch) / "sample" / "prices.parquet")
    names = {"ticker": "Ticker", "company_name": "Company", "year": "Year", "sic_code": "SIC"}
    names["section_1"] = "Description"
    reports[list(names)].rename(columns=names).to_csv(folder / "reports.csv", index=False)
    wide = prices.pivot(index="date", columns="ticker", values="adj_close").round(4).rename_axis("Date")
    columns = pd.MultiIndex.from_product([["Close"], wide.columns], names=["Price", "Ticker"])
    wide.set_axis(columns, axis=1).to_csv(folder / "prices.csv")


if __name__ == "__main__":
    write_example(Path(sys.argv[1]).expanduser())
    print(f"{sys.argv[1]}: reports.csv and prices.csv of forty generated companies")
