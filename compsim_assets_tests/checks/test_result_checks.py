"""Checks on what goes out pass on good data, and fail on what they are there to find."""

import io
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from compsim_assets.assets.figures import theta_by_year
from compsim_assets.checks import result_checks
from compsim_assets.checks.result_checks import correlations_are_correlations, every_report_in_one_cluster
from compsim_assets.definitions import defs
from compsim_assets_tests.checks.test_data_checks import verdict
from compsim_assets_tests.runs import Rebuilt, Run


@pytest.fixture
def run(rebuilt: Rebuilt, tmp_path: Path) -> Run:
    """The rebuilt sample, to be broken."""
    return rebuilt.copy(tmp_path)


def write_clusters(run: Run, mode: str, clusters: pd.DataFrame) -> None:
    table = pa.Table.from_pandas(clusters, preserve_index=False)
    run.results.write_table(run.results.table("clusters", mode), table)


def test_every_report_is_in_one_cluster(rebuilt: Rebuilt) -> None:
    assert verdict(every_report_in_one_cluster(settings=rebuilt.settings)) == (
        True,
        {"base: reports missing, unknown or twice": 0, "rolling: reports missing, unknown or twice": 0},
    )


def in_2018(clusters: pd.DataFrame) -> int:
    return int((clusters["year"] == 2018).sum())


BROKEN = {
    "missing": (lambda c: c.iloc[1:], lambda c: 1),
    "twice": (lambda c: pd.concat([c, c.iloc[:1]]), lambda c: 1),
    "unknown": (lambda c: pd.concat([c, c.iloc[:1].assign(report_id=-5)]), lambda c: 1),
    "of another year": (lambda c: c.assign(year=np.where(c.index == 0, 2018, c["year"])), lambda c: 2),
    "of a year without clusters": (lambda c: c[c["year"] != 2018], in_2018),
}


def test_a_report_that_is_in_none_or_in_two_clusters_is_counted(run: Run) -> None:
    clusters = run.read("clusters", "rolling")
    for case, (change, count) in BROKEN.items():
        write_clusters(run, "rolling", change(clusters))
        passed, counts = verdict(every_report_in_one_cluster(settings=run.settings))
        assert not passed, case
        assert counts["rolling: reports missing, unknown or twice"] == count(clusters), case
        assert counts["base: reports missing, unknown or twice"] == 0


def test_clusters_of_another_universe_are_not_judged(run: Run) -> None:
    write_clusters(run, "base", run.read("clusters", "base"))
    reports = pa.Table.from_pandas(run.read("descriptions").iloc[1:], preserve_index=False)
    run.results.write_table(run.results.table("descriptions"), reports)
    write_clusters(run, "rolling", run.read("clusters", "rolling").iloc[1:])
    passed, said = verdict(every_report_in_one_cluster(settings=run.settings))
    assert not passed
    assert list(said) == ["rolling: reports missing, unknown or twice"]


def correlation(**columns: list) -> pd.DataFrame:
    good = {"mean_correlation": [0.3, np.nan], "pair_weighted": [-1.0, 1.0]}
    return pd.DataFrame({**good, **columns})


def test_correlations() -> None:
    assert verdict(correlations_are_correlations(correlation())) == (True, {"outside": 0, "years_without": 1})


def test_a_universe_without_returns_has_no_correlation() -> None:
    nothing = correlation(mean_correlation=[np.nan] * 2, pair_weighted=[np.nan] * 2)
    assert verdict(correlations_are_correlations(nothing)) == (True, {"outside": 0, "years_without": 2})


def test_what_is_no_correlation() -> None:
    for columns, outside in (
        ({"pair_weighted": [1.5, -1.5]}, 2),
        ({"mean_correlation": [1.001, 0.2]}, 1),
        ({"mean_correlation": [np.nan, np.nan]}, 0),
        ({"pair_weighted": [np.nan, np.nan]}, 0),
    ):
        passed, counts = verdict(correlations_are_correlations(correlation(**columns)))
        assert not passed
        assert counts["outside"] == outside


def figure_check(name: str) -> dg.AssetChecksDefinition:
    (check,) = [
        check for check in result_checks.figure_checks if next(iter(check.check_keys)).asset_key == dg.AssetKey(name)
    ]
    return check


def png(colours: list[int]) -> bytes:
    image, buffer = Image.new("RGB", (40, 30), "white"), io.BytesIO()
    for x, colour in enumerate(colours):
        image.putpixel((x, 5), (colour, colour, colour))
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def test_figures_decode(rebuilt: Rebuilt) -> None:
    for check in result_checks.figure_checks:
        name = next(iter(check.check_keys)).asset_key.path[-1]
        files = len(list((rebuilt.results.folder / "figures").rglob(f"{name}.png")))
        assert verdict(check(settings=rebuilt.settings)) == (True, {"files": files})


BROKEN_FILES = {
    "flat": png([]), "cut": png([0, 90])[:-40], "no PNG": b"no picture", "without a head": png([0, 90])[:20],
}  # fmt: skip


def test_a_figure_that_is_broken(run: Run) -> None:
    for name, mode in (("proportion_of_strong_features", "rolling"), ("theta_by_year", None)):
        path, check = run.results.figure(name, mode), figure_check(name)
        path.write_bytes(png([0, 90]))
        assert verdict(check(settings=run.settings))[0]
        for case, broken in BROKEN_FILES.items():
            path.write_bytes(broken)
            assert not verdict(check(settings=run.settings))[0], case


def test_a_figure_that_is_missing(run: Run) -> None:
    run.results.figure("theta_by_year").unlink()
    assert verdict(figure_check("theta_by_year")(settings=run.settings)) == (False, {"files": 0})
    assert dg.AssetKey("theta_by_year") in theta_by_year.keys


def test_checks_that_stop_what_follows() -> None:
    graph = defs.resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get_check_spec(key).blocking}
    assert blocking == {"report_ids_are_unique", "features_are_finite", "every_report_in_one_cluster"}
