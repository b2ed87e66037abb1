"""Checks on what goes out: clusters, correlations, figures."""

from pathlib import Path

import dagster as dg

from compsim_assets.assets import figures
from compsim_assets.assets.common import MODES, DataFrame
from compsim_assets.settings import Settings
from compsim_assets.storage.results import Results, read_table


@dg.asset_check(asset="clusters", blocking=True)
def every_report_in_one_cluster(settings: Settings) -> dg.AssetCheckResult:
    """In every cutoff mode, each clustered report of a clustered year is in one cluster, singletons included."""
    results = Results.of(settings)
    reports = read_table(results.table("clustered_reports")).to_pandas()
    problems: dict[str, int] = {}
    for mode in results.modes_of("clusters"):
        if results.why_unusable(results.table("clusters", mode)):
            continue
        clusters = read_table(results.table("clusters", mode)).to_pandas()
        years = read_table(results.table("cutoffs", mode), ["year"]).to_pandas()["year"]
        expected = reports[reports["year"].isin(years)]
        both = expected.merge(clusters, on=["report_id", "year"], how="outer", indicator=True)
        problems[mode] = int((both["_merge"] != "both").sum() + clusters["report_id"].duplicated().sum())
    return dg.AssetCheckResult(
        passed=not any(problems.values()),
        metadata={f"{mode}: reports missing, unknown or twice": count for mode, count in problems.items()},
    )


@dg.asset_check(asset="mean_correlation")
def correlations_are_correlations(mean_correlation: DataFrame) -> dg.AssetCheckResult:
    """MeanCorr and its pair-weighted companion lie in [-1, 1], and at least one year of one method has them; none has
    where no year has two companies with returns.
    """
    values = mean_correlation[["mean_correlation", "pair_weighted"]]
    outside = int((values.abs() > 1 + 1e-9).sum().sum())
    nothing = bool(values.isna().all(axis=None))
    return dg.AssetCheckResult(
        passed=outside == 0 and (nothing or bool(values.notna().any().all())),
        metadata={"outside": outside, "years_without": int(values["mean_correlation"].isna().sum())},
    )


def _figure_check(key: dg.AssetKey) -> dg.AssetChecksDefinition:
    name = key.path[-1]

    @dg.asset_check(asset=key, name="figure_decodes")
    def figure_decodes(settings: Settings) -> dg.AssetCheckResult:
        """Every PNG file of the figure can be decoded, in full, and is not one flat colour."""
        results = Results.of(settings)
        paths = [results.figure(name, mode) for mode in (None, *MODES)]
        tones = [_tones(path) for path in paths if path.exists()]
        return dg.AssetCheckResult(passed=bool(tones) and min(tones) > 1, metadata={"files": len(tones)})

    return figure_decodes


def _tones(path: Path) -> int:
    """Different grey tones of a PNG; 0 where it cannot be decoded."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return len(image.convert("L").getcolors(256) or ())
    except (OSError, SyntaxError):  # what Pillow raises on broken files
        return 0


figure_checks = [
    _figure_check(key)
    for asset in vars(figures).values()
    if isinstance(asset, dg.AssetsDefinition)
    for key in asset.keys
]
