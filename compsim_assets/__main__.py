"""`python -m compsim_assets`: print Table 1 of the materialized results and say where the pictures are."""

from compsim_assets.resources.previews import plain_rows
from compsim_assets.resources.results import Results, read_asset
from compsim_assets.settings import Settings

_HEADERS = (
    "method", "years", "MeanCorr", "on common years", "by pairs", "coverage", "clusters", "largest", "published",
)  # fmt: skip


def main() -> None:
    """Print Table 1, whether its data are synthetic, and the figures' paths."""
    from tabulate import tabulate

    settings = Settings.from_environment()
    results = Results.of(settings)
    table = read_asset("table_1")
    what = "synthetic sample, generated" if settings.synthetic else f"source: {settings.source}"
    print(f"\nTable 1. MeanCorr by method ({what}; `published` is the paper's universe)\n")
    print(tabulate(plain_rows(table), _HEADERS, floatfmt=".3f", missingval=""))
    print("\nFigures:")
    for figure in sorted((results.folder / "figures").rglob("*.png")):
        print(f"  {figure}")
    print(
        "\nmake ui shows all of it in Dagster; compsim_assets.read_asset('clusters', 'rolling') reads a table."
    )


if __name__ == "__main__":
    main()
