"""Checks on what goes out: clusters, correlations, figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from compsim_assets.checks.judge import Verdict

if TYPE_CHECKING:
    import pandas as pd


def every_report_in_one_cluster(
    clusters: "Mapping[str, pd.DataFrame]", reports: "pd.DataFrame", cutoffs: "Mapping[str, pd.DataFrame]"
) -> Verdict:
    """In every cutoff mode of the run, each clustered report of a clustered year is in one cluster, singletons
    included.
    """
    problems: dict[str, int] = {}
    for mode, of_mode in clusters.items():
        expected = reports[reports["year"].isin(cutoffs[mode]["year"])]
        both = expected.merge(of_mode, on=["report_id", "year"], how="outer", indicator=True)
        problems[mode] = int((both["_merge"] != "both").sum() + of_mode["report_id"].duplicated().sum())
    counts = {f"{mode}: reports missing, unknown or twice": count for mode, count in problems.items()}
    return Verdict(not any(problems.values()), counts)


def correlations_are_correlations(mean_correlation: "pd.DataFrame") -> Verdict:
    """MeanCorr and its pair-weighted companion lie in [-1, 1], and at least one year of one method has them; none has
    where no year has two companies with returns.
    """
    values = mean_correlation[["mean_correlation", "pair_weighted"]]
    outside = int((values.abs() > 1 + 1e-9).sum().sum())
    nothing = bool(values.isna().all(axis=None))
    counts = {"outside": outside, "years_without": int(values["mean_correlation"].isna().sum())}
    return Verdict(outside == 0 and (nothing or bool(values.notna().any().all())), counts)


def figure_decodes(paths: list[Path]) -> Verdict:
    """Every PNG file of the figure can be decoded, in full, and is not one flat colour."""
    tones = [_tones(path) for path in paths]
    return Verdict(bool(tones) and min(tones) > 1, {"files": len(tones)})


def _tones(path: Path) -> int:
    """Different grey tones of a PNG; 0 where it cannot be decoded."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return len(image.convert("L").getcolors(256) or ())
    except (OSError, SyntaxError):  # what Pillow raises on broken files
        return 0
