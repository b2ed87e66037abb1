"""huggingface.toml: which data sets the source `huggingface` reads, and under which names their columns are found."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.settings import Settings
from compsim_assets.universe.hub.universe import HubTable, HubUniverse, open_hub
from compsim_assets.universe.layout import ID, RETURNS, UniverseError
from compsim_assets.universe.opening import open_universe, similarity_of
from compsim_assets_tests.universes import report_columns, write_features

REPORTS = "Mateusz1017/annual_reports_tokenized_llama3_logged_returns_no_null_returns_and_incomplete_descriptions_24k"
FEATURES = "marco-molinari/company_reports_with_features"
PAIRS = "v1ctor10/cos_sim_4000pca_exp"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """COMPSIM_UNIVERSE."""
    made = tmp_path / "universe"
    made.mkdir()
    return made


def configured(folder: Path, text: str = "") -> HubUniverse:
    """The universe as the user's file has it."""
    if text:
        (folder / "huggingface.toml").write_text(text)
    universe = open_universe(Settings(source="huggingface", universe=str(folder), data=str(folder.parent / "data")))
    assert isinstance(universe, HubUniverse)
    return universe


def test_the_papers_data_sets_are_the_default(tmp_path: Path) -> None:
    universe = open_hub(Settings(source="huggingface", data=str(tmp_path)))
    assert universe.tables == {
        "reports": HubTable(REPORTS),
        "features": HubTable(FEATURES, keep_downloads=False),
        "pairs": HubTable(PAIRS),
    }


def test_a_folder_without_a_file_changes_nothing(folder: Path) -> None:
    assert configured(folder).tables["reports"] == HubTable(REPORTS)


def test_a_table_of_the_file_changes_that_table_alone(folder: Path) -> None:
    text = '[features]\nrevision = "v2"\ncolumns = {features = "sae"}\n[pairs]\ndataset = "a/b"'
    tables = configured(folder, text).tables
    assert tables["reports"] == HubTable(REPORTS)
    assert tables["features"] == HubTable(FEATURES, "v2", columns={"features": "sae"}, keep_downloads=False)
    assert tables["pairs"] == HubTable("a/b")


def test_another_data_set_inherits_nothing_of_the_former(folder: Path) -> None:
    text = '[features]\ndataset = "a/b"\nconfig = "dense"\nsplit = "test"'
    assert configured(folder, text).tables["features"] == HubTable("a/b", "main", "dense", "test")


def test_the_same_data_set_named_again_keeps_its_defaults(folder: Path) -> None:
    tables = configured(folder, f'[features]\ndataset = "{FEATURES}"\nrevision = "v2"').tables
    assert tables["features"] == HubTable(FEATURES, "v2", keep_downloads=False)


def test_an_empty_name_leaves_a_table_out(folder: Path) -> None:
    universe = configured(folder, '[features]\ndataset = ""')
    assert set(universe.tables) == {"reports", "pairs"}
    assert not universe.has("features")
    assert universe.table("features") is None
    assert universe.revision("features") == ""
    settings = Settings(source="huggingface", universe=str(folder))
    assert similarity_of(settings, universe) == "pairs"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[prices]\ndataset = 'a/b'", "'prices', expected tables reports, features, pairs"),
        ("reports = 'a/b'", "'reports', expected tables reports, features, pairs"),
        ("[pairs]\nbranch = 'v2'", r"\[pairs\] has branch, expected dataset, revision, config"),
        ("[pairs]\nrevision = 2", r"\[pairs\] revision is 2, expected text"),
        ("[pairs]\nkeep_downloads = 'no'", r"\[pairs\] keep_downloads is 'no', expected true or false"),
        ("[pairs]\ncolumns = 'year'", r"\[pairs\] columns is 'year', expected \{ours = \"theirs\"\}"),
        ("[pairs]\ncolumns = {years = 'y'}", r"\[pairs\] columns has years, expected .*Company1"),
        ("[pairs]\ncolumns = {year = 2}", r"\[pairs\] columns: year is 2, expected a column's name"),
        ("[pairs\n", r"not TOML \("),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_understood_is_explained(folder: Path, text: str, said: str) -> None:
    with pytest.raises(UniverseError, match=f"^{folder}/huggingface.toml: {said}"):
        configured(folder, text)


def test_a_file_that_is_no_text(folder: Path) -> None:
    (folder / "huggingface.toml").write_bytes(b"\xff\xfe[")
    with pytest.raises(UniverseError, match=f"^{folder}/huggingface.toml: not TOML"):
        configured(folder)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UniverseError, match=r"COMPSIM_UNIVERSE: .*/nowhere is not a folder"):
        configured(tmp_path / "nowhere")


def write(path: Path, columns: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def test_columns_of_other_names_in_a_folder_of_the_hubs_layout(folder: Path) -> None:
    """All three tables; the folders are named from where huggingface.toml is."""
    columns = report_columns()
    names = {ID: "row", "year": "fiscal.year", RETURNS: "log_returns"}
    shard = "data/train-0000{}-of-00002.parquet"
    for half in (0, 1):
        rows = slice(2 * half, 2 * half + 2)
        renamed = {names.get(name, name): values[rows] for name, values in columns.items()}
        # A column of our name that is not meant.
        write(folder / "hub/reports" / shard.format(half), {**renamed, "year": [0, 0]})
    ids = columns[ID]
    sae = pa.array([[[0.5, 1.0]], [[2.0, 0.0]], [[0.0, 3.0]]], pa.list_(pa.list_(pa.float64())))
    write(folder / "hub/features/train.parquet", {"row": ids[:3], "sae.sums": sae})
    write(
        folder / "hub/pairs/train.parquet", {"a": [ids[0]], "b": [ids[2]], "y": ["2015"], "cosine": [0.5], "r": [None]}
    )
    universe = configured(
        folder,
        f"""
        [reports]
        dataset = "./hub/reports"
        columns = {{ {ID} = "row", year = "fiscal.year", {RETURNS} = "log_returns" }}
        [features]
        dataset = "./hub/features"
        columns = {{ {ID} = "row", features = "sae.sums" }}
        [pairs]
        dataset = "{folder}/hub/pairs"
        columns = {{ Company1 = "a", Company2 = "b", year = "y", cosine_similarity = "cosine", correlation = "r" }}
        """,
    )
    reports = universe.reports()
    assert reports[ID].tolist() == ids
    assert reports["year"].tolist() == columns["year"]
    np.testing.assert_array_equal(universe.monthly_returns(reports), columns[RETURNS])
    found = universe.features(reports[ID].to_numpy(), np.array([], dtype=np.int64))
    assert found is not None
    dropped: Counter[str] = Counter()
    (block,) = found.blocks(0, found.usual_length(), dropped)
    assert block[0].tolist() == ids[:3]
    np.testing.assert_array_equal(block[1], [[0.5, 1.0], [2.0, 0.0], [0.0, 3.0]])
    assert not dropped
    order = np.argsort(reports[ID].to_numpy())
    pairs = universe.pairs(reports[ID].to_numpy()[order], reports["year"].to_numpy()[order])
    assert pairs is not None
    assert (pairs.report_a.tolist(), pairs.report_b.tolist()) == ([ids[0]], [ids[2]])
    assert pairs.cosine.tolist() == [0.5]
    assert np.isnan(pairs.correlation).all()
    revision = universe.revision("reports")
    assert revision.startswith(f"{folder}/hub/reports@")
    assert len(revision.rpartition("@")[2]) == 40


def test_a_mapped_column_that_is_missing_is_named_as_the_data_set_should_have_it(folder: Path) -> None:
    """A column of our own name does not stand in for it."""
    write_features(folder / "hub", [1], [[1.0, 2.0]], "train.parquet")
    universe = configured(folder, '[features]\ndataset = "./hub"\ncolumns = {features = "sae_features"}')
    found = universe.features(np.array([1]), np.array([], dtype=np.int64))
    assert found is not None
    said = rf"^{folder}/hub/train.parquet: no column sae_features; found {ID}, features$"
    with pytest.raises(UniverseError, match=said):
        found.usual_length()
