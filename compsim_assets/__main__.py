"""`python -m compsim_assets`: print Table 1 and the findings of the materialized results, and where the pictures are."""

from typing import TYPE_CHECKING

from compsim_assets.read import read_asset
from compsim_assets.settings import Settings
from compsim_assets.storage.previews import plain_rows
from compsim_assets.storage.results import Results

if TYPE_CHECKING:
    import pandas as pd

_BLOCKS = {
    "as_published": (
        "As published, traps included: each method's own years, every cluster counts once",
        ("mean_correlation", "pair_weighted", "coverage", "n_clusters", "largest_cluster", "sharpe", "published", "published_sharpe"),
        ("MeanCorr", "by pairs", "coverage", "clusters", "largest", "Sharpe", "published", "published Sharpe"),
    ),
    "honest": (
        "Honest: common years, 95 % intervals over companies, trading estimated beforehand and after costs",
        ("mean_correlation", "low", "high", "pair_weighted", "pair_low", "pair_high", "coverage", "sharpe", "notes"),
        ("MeanCorr", "low", "high", "by pairs", "low", "high", "coverage", "Sharpe", "notes"),
    ),
}  # fmt: skip


def main() -> None:
    """Print Table 1 and the verdicts, whether their data are synthetic, and the figures' paths."""
    settings = Settings.from_environment()
    results = Results.of(settings)
    table, findings = read_asset("table_1"), read_asset("findings")
    what = "synthetic sample, generated" if settings.synthetic else f"source: {settings.source}"
    print(f"\nTable 1 ({what}; `published` is the paper's universe)")
    for block, (title, columns, headers) in _BLOCKS.items():
        print(f"\n{title}\n")
        _print(table[table["block"] == block], ("method", "n_years", *columns), ("method", "years", *headers))
    print(f"\nFindings ({what})\n")
    columns = ("claim", "published", "as_published", "honest", "low", "high", "verdict")
    _print(findings, columns, ("claim", "published", "as published, here", "corrected", "low", "high", "verdict"))
    print("\nFigures and the page of the findings:")
    for path in [*sorted((results.folder / "figures").rglob("*.png")), results.folder / "findings.html"]:
        print(f"  {path}")
    print("\nmake ui shows all of it in Dagster; compsim_assets.read_asset('clusters', 'rolling') reads a table.")


def _print(table: "pd.DataFrame", columns: tuple[str, ...], headers: tuple[str, ...]) -> None:
    from tabulate import tabulate

    rows = plain_rows(table[list(columns)])
    widths = [60 if name == "claim" else None for name in columns]
    print(tabulate(rows, headers, floatfmt=".3f", missingval="", maxcolwidths=widths))


if __name__ == "__main__":
    main()
