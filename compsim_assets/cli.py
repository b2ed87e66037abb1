"""The command line: Table 1 and the findings of the materialized results, and where the pictures are."""

from typing import TYPE_CHECKING

from compsim_assets.read import read_asset
from compsim_assets.settings import Settings
from compsim_assets.storage.previews import plain_rows
from compsim_assets.storage.results import Results

if TYPE_CHECKING:
    import pandas as pd

# By block of Table 1: its title, its columns, and their headers.
_BLOCKS = {
    "as_published": (
        "As published, traps included: each method's own years, every cluster counts once",
        {
            "mean_correlation": "MeanCorr",
            "pair_weighted": "by pairs",
            "coverage": "coverage",
            "n_clusters": "clusters",
            "largest_cluster": "largest",
            "sharpe": "Sharpe",
            "published": "published",
            "published_sharpe": "published Sharpe",
        },
    ),
    "honest": (
        "Honest: common years, 95 % intervals over companies, trading estimated beforehand and after costs",
        {
            "mean_correlation": "MeanCorr",
            "low": "low",
            "high": "high",
            "pair_weighted": "by pairs",
            "pair_low": "low",
            "pair_high": "high",
            "coverage": "coverage",
            "sharpe": "Sharpe",
            "notes": "notes",
        },
    ),
}
_FINDINGS = {
    "claim": "claim",
    "published": "published",
    "as_published": "as published, here",
    "honest": "corrected",
    "low": "low",
    "high": "high",
    "verdict": "verdict",
}


def main() -> None:
    """Print Table 1 and the verdicts, whether their data are synthetic, and the figures' paths."""
    settings = Settings.from_environment()
    results = Results.of(settings)
    table, findings = read_asset("table_1"), read_asset("findings")
    what = "synthetic sample, generated" if settings.synthetic else f"source: {settings.source}"
    print(f"\nTable 1 ({what}; `published` is the paper's universe)")
    for block, (title, headers) in _BLOCKS.items():
        print(f"\n{title}\n")
        _print(table[table["block"] == block], {"method": "method", "n_years": "years", **headers})
    print(f"\nFindings ({what})\n")
    _print(findings, _FINDINGS)
    print("\nFigures and the page of the findings:")
    for path in [*sorted((results.folder / "figures").rglob("*.png")), results.folder / "findings.html"]:
        print(f"  {path}")
    print("\nmake ui shows all of it in Dagster; compsim_assets.read_asset('clusters', 'rolling') reads a table.")


def _print(table: "pd.DataFrame", headers: dict[str, str]) -> None:
    """Columns under their headers."""
    from tabulate import tabulate

    widths = [60 if name == "claim" else None for name in headers]
    rows = plain_rows(table[list(headers)])
    print(tabulate(rows, list(headers.values()), floatfmt=".3f", missingval="", maxcolwidths=widths))
