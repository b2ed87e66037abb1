"""`compsim table`: Table 1 and the findings of the materialized results, and where the pictures are."""

from typing import TYPE_CHECKING

from compsim_assets.commands.asking import asking, settings

if TYPE_CHECKING:
    import pandas as pd

    from compsim_assets.storage.results import Results

# By block of Table 1: its title and its columns.
_BLOCKS = {
    "as_published": (
        "As published, traps included: each method's own years, every cluster counts once",
        "method n_years mean_correlation pair_weighted coverage n_clusters largest_cluster sharpe published "
        "published_sharpe",
    ),
    "honest": (
        "Honest: common years, 95 % intervals over companies, trading estimated beforehand and after costs",
        "method n_years mean_correlation low high pair_weighted pair_low pair_high coverage sharpe notes",
    ),
}
_FINDINGS = "claim published as_published honest low high verdict"
# Headers of columns that are not headed by their name.
_HEADERS = {
    "n_years": "years",
    "mean_correlation": "MeanCorr",
    "pair_weighted": "by pairs",
    "pair_low": "low",
    "pair_high": "high",
    "n_clusters": "clusters",
    "largest_cluster": "largest",
    "sharpe": "Sharpe",
    "published_sharpe": "published Sharpe",
    "as_published": "as published, here",
    "honest": "corrected",
}


def table() -> None:
    """Print Table 1 and the findings. It also says where the figures are."""
    with asking():
        print_table_1()


def print_table_1() -> None:
    """Print Table 1 and the verdicts, whether their data are synthetic, and the figures' paths.

    Raises:
        FileNotFoundError: not materialized yet.
        StaleResult, DamagedResult: see `read_asset`.
        UniverseError: see `settings`.
    """
    from compsim_assets.read import read_asset
    from compsim_assets.settings import checkout
    from compsim_assets.storage.lineage import name_of
    from compsim_assets.storage.results import Results

    current = settings()
    results = Results.of(current)
    table, findings = read_asset("table_1"), read_asset("findings")
    what = "synthetic sample, generated" if current.synthetic else f"source: {current.source}"
    print(f"\nTable 1 ({what}; `published` is the paper's universe)")
    for block, (title, columns) in _BLOCKS.items():
        print(f"\n{title}\n")
        _print(table[table["block"] == block], columns.split())
    print(f"\nFindings ({what})\n")
    _print(findings, _FINDINGS.split())
    print(f"\nAll results are in {results.folder}. The page of the findings, and the figures:")
    print(f"  {results.folder / 'findings.html'}")
    figures, lineage = results.folder / "figures", results.lineage(current.taking_part())
    for path in sorted(figures.rglob("*.png")):
        why = lineage.why_unusable(name_of(path.stem, "" if path.parent == figures else path.parent.name))
        print(f"  {path}{f' (of the past: {why})' if why else ''}")
    ui = "make ui" if checkout() else "dagster dev -m compsim_assets.definitions"
    print(f"\n{ui} shows all of it in Dagster; compsim_assets.read_asset('clusters', 'rolling') reads a table.")
    print(explorer_link(results), end="")


def explorer_link(results: "Results") -> str:
    """A line with the explorer's address, to click on in a terminal; empty where it was not made."""
    page = results.array_folder("explorer") / "index.html"
    return f"Who is alike, and why: open {page.absolute().as_uri()} in a browser\n" if page.exists() else ""


def _print(table: "pd.DataFrame", columns: list[str]) -> None:
    """These columns under their headers."""
    from tabulate import tabulate

    from compsim_assets.storage.previews import plain_rows

    widths = [60 if name == "claim" else None for name in columns]
    headers = [_HEADERS.get(name, name) for name in columns]
    print(tabulate(plain_rows(table[columns]), headers, floatfmt=".3f", missingval="", maxcolwidths=widths))
