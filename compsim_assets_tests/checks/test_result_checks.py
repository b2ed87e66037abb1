"""Checks on what goes out pass on good data, and fail on what they are there to find."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from compsim_assets.checks import Verdict, correlations_are_correlations, every_report_in_one_cluster, figure_decodes
from compsim_assets_tests.runs import MODES, Rebuilt

Tables = tuple[dict[str, pd.DataFrame], pd.DataFrame, dict[str, pd.DataFrame]]


@pytest.fixture
def tables(rebuilt: Rebuilt) -> Tables:
    """Clusters, the reports that are clustered and cutoffs, of both modes."""
    by_mode = {name: {mode: rebuilt.read(name, mode) for mode in MODES} for name in ("clusters", "cutoffs")}
    return by_mode["clusters"], rebuilt.read("clustered_reports"), by_mode["cutoffs"]


def counts(**modes: int) -> dict[str, int]:
    return {f"{mode}: reports missing, unknown or twice": count for mode, count in modes.items()}


def test_every_report_is_in_one_cluster(tables: Tables) -> None:
    clusters, reports, cutoffs = tables
    assert every_report_in_one_cluster(clusters, reports, cutoffs) == Verdict(True, counts(base=0, rolling=0))


def in_2018(clusters: pd.DataFrame) -> int:
    return int((clusters["year"] == 2018).sum())


BROKEN: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], Callable[[pd.DataFrame], int]]] = {
    "missing": (lambda c: c.iloc[1:], lambda c: 1),
    "twice": (lambda c: pd.concat([c, c.iloc[:1]]), lambda c: 1),
    "unknown": (lambda c: pd.concat([c, c.iloc[:1].assign(report_id=-5)]), lambda c: 1),
    "of another year": (lambda c: c.assign(year=np.where(c.index == 0, 2018, c["year"])), lambda c: 2),
    "of a year without clusters": (lambda c: c[c["year"] != 2018], in_2018),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_report_that_is_in_none_or_in_two_clusters_is_counted(tables: Tables, case: str) -> None:
    clusters, reports, cutoffs = tables
    change, count = BROKEN[case]
    broken = {**clusters, "rolling": change(clusters["rolling"])}
    verdict = every_report_in_one_cluster(broken, reports, cutoffs)
    assert verdict == Verdict(False, counts(base=0, rolling=count(clusters["rolling"])))
    assert not verdict.warning


def test_the_modes_of_the_run_are_judged(tables: Tables) -> None:
    clusters, reports, cutoffs = tables
    only = {"base": clusters["base"]}
    assert every_report_in_one_cluster(only, reports, {"base": cutoffs["base"]}) == Verdict(True, counts(base=0))
    nothing = Verdict(True, counts(rolling=0))
    assert (
        every_report_in_one_cluster({"rolling": clusters["rolling"].iloc[:0]}, reports, _no_years(cutoffs)) == nothing
    )


def _no_years(cutoffs: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {mode: table.iloc[:0] for mode, table in cutoffs.items()}


def correlation(**columns: list) -> pd.DataFrame:
    good = {"mean_correlation": [0.3, np.nan], "pair_weighted": [-1.0, 1.0]}
    return pd.DataFrame({**good, **columns})


def test_correlations() -> None:
    assert correlations_are_correlations(correlation()) == Verdict(True, {"outside": 0, "years_without": 1})


def test_a_universe_without_returns_has_no_correlation() -> None:
    nothing = correlation(mean_correlation=[np.nan] * 2, pair_weighted=[np.nan] * 2)
    assert correlations_are_correlations(nothing) == Verdict(True, {"outside": 0, "years_without": 2})


def test_what_is_no_correlation() -> None:
    for columns, outside in (
        ({"pair_weighted": [1.5, -1.5]}, 2),
        ({"mean_correlation": [1.001, 0.2]}, 1),
        ({"mean_correlation": [np.nan, np.nan]}, 0),
        ({"pair_weighted": [np.nan, np.nan]}, 0),
    ):
        verdict = correlations_are_correlations(correlation(**columns))
        assert not verdict.passed
        assert not verdict.warning
        assert verdict.metadata["outside"] == outside


def png(colours: list[int]) -> bytes:
    """A white picture with dots of these greys."""
    image, buffer = Image.new("RGB", (40, 30), "white"), io.BytesIO()
    for x, colour in enumerate(colours):
        image.putpixel((x, 5), (colour, colour, colour))
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def test_figures_decode(rebuilt: Rebuilt) -> None:
    paths = sorted((rebuilt.results.folder / "figures").rglob("*.png"))
    assert figure_decodes(paths) == Verdict(True, {"files": len(paths)})
    assert len(paths) > 10


BROKEN_FILES = {
    "flat": png([]), "cut": png([0, 90])[:-40], "no PNG": b"no picture", "without a head": png([0, 90])[:20],
    "empty": b"",
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN_FILES)
def test_a_figure_that_is_broken(tmp_path: Path, case: str) -> None:
    paths = [tmp_path / "base.png", tmp_path / "rolling.png"]
    for path in paths:
        path.write_bytes(png([0, 90]))
    assert figure_decodes(paths) == Verdict(True, {"files": 2})
    paths[1].write_bytes(BROKEN_FILES[case])
    assert figure_decodes(paths) == Verdict(False, {"files": 2})


def test_a_figure_that_is_missing(tmp_path: Path) -> None:
    assert figure_decodes([]) == Verdict(False, {"files": 0})
    assert figure_decodes([tmp_path / "theta_by_year.png"]) == Verdict(False, {"files": 1})
