"""All results of two versions: what is new, gone, the same or damaged, and the grades of what changed."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from compsim_assets.comparison.change import Change
from compsim_assets.comparison.report import (
    FAILED,
    GRADES,
    LAST,
    PINNED,
    compare,
    failed,
    graded,
    nothing_before,
    worst_first,
)
from compsim_assets.contracts import TABLES, validate
from compsim_assets.storage.shards import write_feature_shards
from compsim_assets.universe.intake.levels import default_levels
from compsim_assets_tests.comparison.versions import by_measure, clusters, compared, descriptions, write

CURVE = {"year": [2015, 2015], "theta": [-1.0, 0.5], "mean_correlation": [0.1, None],
         "pair_weighted_mean_correlation": [0.1, 0.2], "n_clusters": [1, 2]}  # fmt: skip


def test_rows_gone_added_and_changed_are_counted_with_their_columns(tmp_path: Path) -> None:
    after = descriptions(report_id=[1, 2, 3, 4, 5, 9], company_name=["Alpha", "B", "C", "Delta", "Epsilon", "New"])
    rows = by_measure(compared(tmp_path, {"descriptions": descriptions()}, {"descriptions": after}))
    assert rows["descriptions", "rows", ""] == Change("descriptions", "rows", "", 6, 6, 0, 0)
    assert rows["descriptions", "gone", ""].change == rows["descriptions", "added", ""].change == 1
    assert rows["descriptions", "gone", ""].size == pytest.approx(1 / 6)
    changed = rows["descriptions", "changed", ""]
    assert (changed.change, changed.size, changed.what) == (2, pytest.approx(2 / 5), "company_name 2")
    assert rows["descriptions", "companies", ""].change == 0


def test_what_is_the_same_is_not_read(tmp_path: Path) -> None:
    """Of two equal contents the end of the file alone is looked at: a page of the old one may be damaged."""
    write(tmp_path / "before", {"cutoff_curve": CURVE})
    shutil.copytree(tmp_path / "before", tmp_path / "after")
    damage(tmp_path / "before" / "cutoff_curve.parquet")
    (row,) = compare(write(tmp_path / "before", {}), write(tmp_path / "after", {}), ["cutoff_curve"])
    assert row == Change("cutoff_curve", "rows", "", 2, 2, 0, 0, "unchanged")


def damage(path: Path) -> None:
    """Turn bits at the beginning of a Parquet file's data; its end stays as it is."""
    content = bytearray(path.read_bytes())
    for place in range(8, 60):
        content[place] ^= 0xFF
    path.write_bytes(content)


def test_what_is_new_or_gone_is_said(tmp_path: Path) -> None:
    rows = by_measure(compared(tmp_path, {"cutoff_curve": CURVE}, {"clusters/base": clusters(1, 1, 2)}))
    gone, new = rows["cutoff_curve", "missing", ""], rows["clusters/base", "new", ""]
    assert (gone.before, gone.after, gone.size) == (2, None, 1)
    assert (new.before, new.after, new.size) == (None, 3, None)
    assert len(rows) == 2


def test_a_damaged_old_version_stops_nothing_else(tmp_path: Path) -> None:
    before = {"cutoff_curve": CURVE, "descriptions": descriptions(), "clusters/base": clusters(1, 1, 2)}
    after = {name: dict(columns) for name, columns in before.items()}
    after["cutoff_curve"] = {**CURVE, "n_clusters": [1, 3]}
    after["clusters/base"] = clusters(1, 2, 2)
    folders = write(tmp_path / "before", before), write(tmp_path / "after", after)
    damage(folders[0].path("cutoff_curve"))
    folders[0].path("clusters/base").write_bytes(b"")
    rows = by_measure(list(compare(*folders, list(before))))
    for name in ("cutoff_curve", "clusters/base"):
        assert [key for key in rows if key[0] == name] == [(name, FAILED, "")]
        assert str(folders[0].path(name)) in rows[name, FAILED, ""].what
    assert rows["descriptions", "rows", ""].what == "unchanged"


def test_an_older_contract_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    folders = write(tmp_path / "before", {"cutoff_curve": CURVE}), write(tmp_path / "after", {"cutoff_curve": CURVE})
    old = pq.read_table(folders[0].path("cutoff_curve"))
    without = old.drop_columns(["n_clusters"]).set_column(0, "year", old["year"].cast("int32"))
    without = without.replace_schema_metadata(None)
    pq.write_table(without, folders[0].path("cutoff_curve"))
    rows = by_measure(list(compare(*folders, ["cutoff_curve"])))
    assert [rows["cutoff_curve", each, ""].change for each in ("rows", "gone", "added", "changed")] == [0, 0, 0, 0]
    pq.write_table(without.drop_columns(["theta"]), folders[0].path("cutoff_curve"))
    (row,) = compare(*folders, ["cutoff_curve"])
    assert (row.measure, "theta" in row.what, "older contract" in row.what) == (FAILED, True, True)


def test_a_result_of_other_inputs_is_not_compared(tmp_path: Path) -> None:
    why = {"cutoff_curve": "made from other pca than the present ones"}
    (row,) = compared(tmp_path, {"cutoff_curve": CURVE}, {"cutoff_curve": CURVE}, unusable=why)
    assert (row.measure, "other pca" in row.what) == (FAILED, True)


def features(folder: Path, ids: list[int], matrix: np.ndarray) -> None:
    """Shards as the importer writes them."""
    (folder / "sae_features").mkdir(parents=True)
    write_feature_shards(folder / "sae_features", [(np.array(ids), matrix)], matrix.shape[1], {}, batch_bytes=1 << 10)


def test_features_are_summed_up_shard_by_shard(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    old = (random.random((50, 30)) * (random.random((50, 30)) > 0.6)).astype(np.float32)
    old[:, 7] = 0
    new = old[5:].copy()
    new[3, 2] += 1
    new[:, [0, 7]] = 0
    features(tmp_path / "before", list(range(50)), old)
    features(tmp_path / "after", list(range(5, 50)), new)
    folders = write(tmp_path / "before", {}), write(tmp_path / "after", {})
    rows = by_measure(list(compare(*folders, ["sae_features"])))
    found_rows = [rows["sae_features", each, ""].change for each in ("gone", "added", "changed")]
    different = int((old[5:] != new).any(axis=1).sum())
    assert found_rows == [5, 0, different]
    for measure, value in (
        ("latents", lambda matrix: matrix.shape[1]),
        ("active_latents", lambda matrix: (matrix != 0).any(axis=0).sum()),
        ("zeros", lambda matrix: (matrix == 0).mean()),
        ("mean_activation", lambda matrix: matrix.mean(dtype=np.float64)),
    ):
        row = rows["sae_features", measure, ""]
        assert (row.before, row.after) == (pytest.approx(value(old)), pytest.approx(value(new))), measure
    assert rows["sae_features", "zeros", ""].size == pytest.approx((new == 0).mean() - (old == 0).mean())
    assert rows["sae_features", "mean_activation", ""].size == pytest.approx(new.mean() / old.mean() - 1, rel=1e-5)


def test_grades_follow_the_levels_and_keep_the_contract(tmp_path: Path) -> None:
    changes = [
        Change("descriptions", "rows", before=10, after=5, change=-5, size=-0.5),
        Change("descriptions", "gone", change=1, size=0.1),
        Change("table_1", "sharpe", "honest base", 1, 2, 1, 1),
        failed("pca", ValueError("first line\nsecond")),
        failed("", OSError()),
        Change("clusters/base", "co_members_of", "Twin (T)", 1, 1, 0, 0.7),
        Change("clusters/base", "co_members_of", "Twin (T)", 1, 1, 0, 0.2),
    ]
    parts = [graded(changes, default_levels(), against) for against in (LAST, PINNED)]
    table = worst_first(parts)
    assert validate(TABLES["rebuild_report"], table).num_rows == 12, "two companies of one name are one row"
    order = [GRADES.index(grade) for grade in table["grade"]]
    assert order == sorted(order)
    last = parts[0].set_index(["table", "measure"])["grade"].to_dict()
    assert last == {
        ("descriptions", "rows"): "stop", ("descriptions", "gone"): "suspicious", ("table_1", "sharpe"): "fine",
        ("pca", "failed"): "failed", ("", "failed"): "failed", ("clusters/base", "co_members_of"): "fine",
    }  # fmt: skip
    assert "stop" not in set(parts[1]["grade"]), "an old version stops nothing"
    texts = parts[0].set_index("table")["what"]
    assert texts["pca"] == "could not be compared: first line"
    assert texts[""] == "could not be compared: OSError"


def test_a_first_rebuild_is_one_row(tmp_path: Path) -> None:
    table = worst_first([graded([nothing_before()], default_levels(), LAST), graded([], default_levels(), PINNED)])
    assert table["grade"].tolist() == ["fine"]
    assert "nothing to compare with" in table["what"][0]
    assert validate(TABLES["rebuild_report"], table).num_rows == 1
    assert isinstance(table, pd.DataFrame)
