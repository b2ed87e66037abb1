"""The linking program: its rows, and the same bytes from one process, two and four."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compsim_assets.science.linkage.years import link_years
from compsim_assets.storage.pairs import PairTable, write_pairs
from compsim_assets_tests.launch.warm import by_hand
from compsim_assets_tests.worker_programs import run_worker
from compsim_assets_tests.workers.linked import CLUSTERS, DENDROGRAMS, at, three_years, to_cut, to_link

pytestmark = pytest.mark.waits(20)

TABLES = ("dendrograms.parquet", "distance_scale.parquet")


def run(extras: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    assert run_worker(DENDROGRAMS, extras) == {"processes": 1, "device": "cpu"}
    merges, scale = (pd.read_parquet(Path(extras["output"]) / name) for name in TABLES)
    return merges, scale


def test_one_row_per_merge_by_height(tmp_path: Path) -> None:
    # 2001: 30 and 10 are 5 degrees apart, 20 is 20 more, 40 is opposite. 2003: one report. 2002: a pair.
    scores, years = at(0, 5, 25, 205, 0, 10, 20), [2001] * 4 + [2003, 2002, 2002]
    merges, scale = run(to_link(tmp_path, scores, years, [30, 10, 20, 40, 9, 8, 7]))
    assert merges[["year", "step", "left", "right"]].to_numpy().tolist() == [
        [2001, 0, 10, 30], [2001, 1, 10, 20], [2001, 2, 10, 40], [2002, 0, 7, 8],
    ]  # fmt: skip
    degrees = np.degrees(np.arccos(1 - merges["distance"]))
    np.testing.assert_allclose(degrees, [5, 20, 155, 10], rtol=1e-5)
    distances = 1 - np.cos(np.radians([5, 20, 25, 205, 200, 180, 10]))
    np.testing.assert_allclose(scale.to_numpy(), [[distances.mean(), distances.std(), 7]], rtol=1e-6)


def test_no_reports_no_rows(tmp_path: Path) -> None:
    merges, scale = run(to_link(tmp_path, np.empty((0, 2), np.float32), [], []))
    assert merges.empty
    assert merges.dtypes.astype(str).tolist() == ["int64"] * 4 + ["float64"]
    assert scale.to_numpy().tolist() == [[0.0, 1.0, 0]]


def test_the_order_of_reports_does_not_matter(tmp_path: Path) -> None:
    scores, years, ids = three_years()
    merges, scale = run(to_link(tmp_path, scores, years, ids))
    order = np.random.default_rng(1).permutation(len(ids))
    other = run(to_link(tmp_path, scores[order], np.array(years)[order].tolist(), np.array(ids)[order].tolist()))
    assert other[0].equals(merges)
    assert other[1].equals(scale)


def test_years_in_tiles_have_the_merges_of_listed_ones(tmp_path: Path) -> None:
    """All three years in tiles, two of them, one; tiles smaller and larger than a year."""
    extras = to_link(tmp_path, *three_years())
    listed, scale = run(extras)
    for dense_bytes, block in [(0, 7), (0, 1000), (4 * 40**2, 64), (4 * 60**2, 64)]:
        merges, of_tiles = run({**extras, "dense_bytes": dense_bytes, "block": block})
        pd.testing.assert_frame_equal(merges[["year", "distance"]], listed[["year", "distance"]], rtol=0, atol=1e-12)
        np.testing.assert_allclose(of_tiles, scale, rtol=1e-6)


@pytest.mark.parametrize("ranks", [2, 4])
@pytest.mark.parametrize("options", [{}, {"dense_bytes": 4 * 40**2, "block": 16}], ids=["listed", "in tiles"])
def test_processes_write_the_bytes_of_one(tmp_path: Path, ranks: int, options: dict[str, int]) -> None:
    """In tiles: two years by all processes together, the third is listed by one of them."""
    extras = {**to_link(tmp_path, *three_years()), **options}
    run(extras)
    expected = [(tmp_path / name).read_bytes() for name in TABLES]
    ended = by_hand(DENDROGRAMS, extras, tmp_path / "ranks", ranks)
    assert ended.result == {"processes": ranks, "device": "cpu"}
    assert [(tmp_path / name).read_bytes() for name in TABLES] == expected


def pairs_of_two_years(folder: Path) -> dict[str, Any]:
    """Some pairs of two years; 2002 has no correlations."""
    rng = np.random.default_rng(0)
    a, b = np.triu_indices(30, 1)
    some = rng.random(len(a)) < 0.1
    a, b = 100 + a[some], 100 + b[some]
    year = np.repeat([2001, 2002], len(a))
    columns = {"report_a": np.concatenate([a, a + 50]), "report_b": np.concatenate([b, b + 50])}
    values = {name: rng.uniform(-1, 1, len(year)) for name in ("cosine", "correlation")}
    values["correlation"][year == 2002] = np.nan
    write_pairs(folder / "pairs.parquet", year, {**columns, **values}, {})
    pairs = PairTable(folder / "pairs.parquet")
    reports = pd.concat(pd.DataFrame({"report_id": pairs.of_year(y).reports(), "year": y}) for y in pairs.years)
    reports.to_parquet(folder / "reports.parquet")
    return {"pairs": str(folder / "pairs.parquet"), "reports": str(folder / "reports.parquet"), "output": str(folder)}


def test_pairs_give_a_forest_by_one_process_and_by_two(tmp_path: Path) -> None:
    extras = pairs_of_two_years(tmp_path)
    merges, scale = run(extras)
    pairs = PairTable(Path(extras["pairs"]))
    for year, rows in merges.groupby("year"):
        of_year = pairs.of_year(int(str(year)))
        assert 0 < len(rows) < len(of_year.reports())
        assert set(rows["distance"]) <= set(np.clip(1 - of_year.cosine, 0, 2))
    distance = 1 - pairs.of_year(2001).cosine
    np.testing.assert_allclose(scale.to_numpy(), [[distance.mean(), distance.std(), len(distance)]])
    expected = [(tmp_path / name).read_bytes() for name in TABLES]
    assert by_hand(DENDROGRAMS, extras, tmp_path / "ranks", 2).result["processes"] == 2
    assert [(tmp_path / name).read_bytes() for name in TABLES] == expected


def test_pairs_of_other_reports_are_refused(tmp_path: Path) -> None:
    extras = pairs_of_two_years(tmp_path)
    pd.read_parquet(extras["reports"]).iloc[1:].to_parquet(extras["reports"])
    with pytest.raises(ValueError, match=r"the pairs of 2001 are of other reports than .*clustered_reports again"):
        run(extras)


def test_reports_without_scores_are_refused(tmp_path: Path) -> None:
    extras = to_link(tmp_path, at(0, 10, 20), [2001, 2001, 2002], [3, 1, 2])
    reports = {"report_id": [3, 1, 2, 9], "year": [2001, 2001, 2002, 2002]}
    pd.DataFrame(reports).to_parquet(tmp_path / "reports.parquet")
    with pytest.raises(
        ValueError, match=r"report 9 has no scores in .*scores\.parquet: materialize 'clustered_reports'"
    ):
        run({**extras, "reports": str(tmp_path / "reports.parquet")})


def test_the_trees_are_those_of_the_walk_forward_and_the_embeddings(tmp_path: Path) -> None:
    """`link_years` and the program: one linkage."""
    scores, years, ids = three_years()
    order = np.argsort(ids)
    merges, scale = run(to_link(tmp_path, scores, years, ids))
    linked = link_years(scores[order], np.array(years)[order])
    assert merges["distance"].tolist() == np.concatenate([tree.height for tree in linked.trees]).tolist()
    assert scale.to_dict("records") == [vars(linked.scale)]


def test_the_programs_start_without_pandas_and_scipy(tmp_path: Path) -> None:
    """Each takes half a second of every rank's start, and pyarrow would import pandas for nothing."""
    for module, extras in [
        (DENDROGRAMS, to_link(tmp_path, *three_years())),
        (CLUSTERS, to_cut(tmp_path, {"base": {2001: 10.0}})),
    ]:
        program = (
            f"import runpy, sys; sys.argv = ['program', {json.dumps(extras)!r}]; "
            f"runpy.run_module({module!r}, run_name='__main__'); print({{'pandas', 'scipy'}} & {{*sys.modules}})"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "set()"
