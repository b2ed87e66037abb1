"""`compsim_assets.read_asset` gives any materialized asset as a pandas frame."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import compsim_assets
from compsim_assets.contracts import TABLES
from compsim_assets.storage.lineage import Note, StaleResult
from compsim_assets.storage.pca import Pca
from compsim_assets.storage.results import Results
from compsim_assets_tests.runs import EMPTY_ON_SAMPLE, MODES, Rebuilt


def test_every_table_has_the_columns_of_its_contract(rebuilt: Rebuilt) -> None:
    for name, table in TABLES.items():
        modes = MODES if rebuilt.results.modes_of(name) else [None]
        for mode in modes:
            frame = compsim_assets.read_asset(name, partition=mode, data=rebuilt.data)
            assert list(frame) == [column.name for column in table.columns]
            assert len(frame) == pq.read_metadata(rebuilt.results.table(name, mode)).num_rows
            assert (len(frame) > 0) == (name not in EMPTY_ON_SAMPLE)


def test_the_environment_says_where(rebuilt: Rebuilt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPSIM_DATA", str(rebuilt.data))
    wanted = pd.read_parquet(rebuilt.results.table("clusters", "rolling"))
    assert compsim_assets.read_asset("clusters", "rolling").equals(wanted)
    with pytest.raises(FileNotFoundError, match="materialize 'returns' first"):
        compsim_assets.read_asset("returns", source="local")


def test_features_come_with_their_reports(rebuilt: Rebuilt) -> None:
    features = rebuilt.read("sae_features")
    given = pd.read_parquet(rebuilt.universe / "features.parquet")
    given = given.set_index("__index_level_0__")["features"]
    assert list(features) == ["report_id", "features"]
    assert len(features) == len(given)
    read = np.stack(features["features"].to_list())
    np.testing.assert_array_equal(read, np.stack(given.loc[features["report_id"]].to_list()))
    assert read.dtype == np.float32


def test_a_pca_is_a_row_a_component(rebuilt: Rebuilt) -> None:
    pca = rebuilt.read("pca")
    assert list(pca) == ["component", "explained_variance", "explained_variance_ratio"]
    variance = Pca.of(rebuilt.results).arrays(["explained_variance"])["explained_variance"]
    np.testing.assert_array_equal(pca["explained_variance"], variance)
    assert pca["component"].tolist() == list(range(len(variance)))


def test_a_mode_must_be_named(rebuilt: Rebuilt) -> None:
    with pytest.raises(FileNotFoundError, match=r"partition=\['base', 'rolling'\]"):
        rebuilt.read("clusters")


def test_a_mode_that_does_not_exist_is_named(rebuilt: Rebuilt) -> None:
    with pytest.raises(FileNotFoundError, match="no cutoff mode 'monthly': pass 'base'"):
        rebuilt.read("clusters", "monthly")


def test_a_table_of_all_modes_has_none(rebuilt: Rebuilt) -> None:
    with pytest.raises(FileNotFoundError, match="'returns' is one table for all cutoff modes"):
        rebuilt.read("returns", "base")


def test_what_was_made_from_something_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results, table = Results(tmp_path / "sample"), pa.table({"a": [1]})
    for mode in MODES:
        made = Note(inputs={} if mode == "base" else {"pca": "another"}, settings={"drop_without_returns": False})
        results.write_table(results.table("clusters", mode), table, made)
    assert compsim_assets.read_asset("clusters", "base", data=tmp_path)["a"].tolist() == [1]
    with pytest.raises(
        StaleResult, match=r"clusters/rolling was made from other pca .*: materialize 'clusters' of rolling"
    ):
        compsim_assets.read_asset("clusters", "rolling", data=tmp_path)
    monkeypatch.setenv("COMPSIM_DROP_WITHOUT_RETURNS", "true")
    with pytest.raises(
        StaleResult, match="clusters/base was made with drop_without_returns = False, and it is True now"
    ):
        compsim_assets.read_asset("clusters", "base", data=tmp_path)


def test_settings_are_those_of_the_source_that_is_read(tmp_path: Path) -> None:
    """`huggingface` drops reports by default."""
    results = Results(tmp_path / "huggingface")
    results.write_table(results.table("returns"), pa.table({"a": [1]}), Note(settings={"drop_without_returns": True}))
    assert len(compsim_assets.read_asset("returns", source="huggingface", data=tmp_path)) == 1


@pytest.mark.parametrize("name", ["returns", "sae_features", "pca", "embeddings"])
def test_what_is_not_materialized_is_named(name: str, tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=f"materialize '{name}' first"):
        compsim_assets.read_asset(name, data=tmp_path)


def test_the_package_alone_imports_nothing_heavy() -> None:
    """Workers import it in every rank."""
    program = "import compsim_assets, sys; print('dagster' in sys.modules, 'pandas' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
    assert compsim_assets.__all__ == ["explain", "latents", "open_results", "peers", "read_asset"]
    with pytest.raises(AttributeError, match="no attribute 'read_assets'"):
        _ = compsim_assets.read_assets
