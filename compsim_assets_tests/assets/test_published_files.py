"""Strong features and cointegrated pairs as the authors published them: files become tables, and are replayed."""

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from compsim_assets_tests.runs import MODES, Local, Rebuilt, tiny_sample
from compsim_assets_tests.universe.published.pickles.write import strong_features
from compsim_assets_tests.universes import write_reports


@pytest.fixture
def run(tmp_path: Path) -> Local:
    """Four reports (100, 107, 114, 121), tickers T0 to T3."""
    made = Local(tmp_path)
    write_reports(tmp_path / "universe")
    made.run(["descriptions"])
    return made


def test_published_strong_features_are_a_table(run: Local) -> None:
    folder = run.folder / "universe" / "published_strong_features"
    folder.mkdir()
    for name in MODES:
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(strong_features()))
    run.run(["published_strong_features"])
    found = run.read("published_strong_features")
    assert found.columns.tolist() == ["set", "members", "n_members", "latent", "mae", "strong"]
    assert found["set"].tolist() == ["base"] * 6 + ["rolling"] * 6
    assert found[found["strong"]][["set", "members", "latent"]].to_numpy().tolist() == [
        ["base", "9,10", 4],
        ["base", "11,12,100", 4],
        ["base", "11,12,100", 131071],
        ["rolling", "9,10", 4],
        ["rolling", "11,12,100", 4],
        ["rolling", "11,12,100", 131071],
    ]
    said = run.metadata("published_strong_features")
    assert (said["base: clusters"], said["rolling: clusters"]) == (2, 2)


HEADER = "Company1,Company2,ClusterID,Correlation,ADFStat,p-value"


def cointegrated(run: Local, **files: list[str]) -> pd.DataFrame:
    folder = run.folder / "universe" / "cointegrated_pairs"
    folder.mkdir()
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    run.run(["published_cointegrated_pairs"])
    return run.read("published_cointegrated_pairs")


def test_cointegrated_pairs_have_the_tickers_of_the_reports(run: Local) -> None:
    lines = ["100,114,67_2015,0.99,-4.5,0.001", "121,999,Oil_Gas_2016,0.96,-inf,0.0"]
    found = cointegrated(run, cointegrated_pairs_GCD=lines, SBERT=lines[:1])
    assert found.astype(object).where(found.notna(), None).to_numpy().tolist() == [
        ["SBERT", "67", 2015, 100, 114, "T0", "T2", 0.99, -4.5, 0.001],
        ["GCD", "67", 2015, 100, 114, "T0", "T2", 0.99, -4.5, 0.001],
        ["GCD", "Oil_Gas", 2016, 121, 999, "T3", None, 0.96, -np.inf, 0.0],
    ]
    said = run.metadata("published_cointegrated_pairs")
    assert (said["GCD: pairs"], said["SBERT: pairs"]) == (2, 1)


def test_the_published_map_of_tickers_comes_first(run: Local) -> None:
    entries = {
        "100": {"cik": "7", "ticker": ["OMI", "OMI-W"]},
        "999": {"cik": None, "ticker": ["IBM"]},
        "114": {"cik": "8", "ticker": []},
    }
    path = run.folder / "universe" / "index_cik_ticker_map.json"
    path.write_text(json.dumps(entries))
    found = cointegrated(run, GCD=["100,999,1_2015,0.99,-4.5,0.001", "114,121,1_2015,0.99,-4.5,0.001"])
    ends = found[["ticker_a", "ticker_b"]]
    assert ends.astype(object).where(ends.notna(), None).to_numpy().tolist() == [["OMI", "IBM"], [None, None]]


def test_pairs_of_no_method_are_an_empty_table_with_its_types(run: Local) -> None:
    run.run(["published_cointegrated_pairs", "published_strong_features"])
    assert run.read("published_cointegrated_pairs")["report_a"].dtype == np.int64
    assert run.read("published_strong_features")["strong"].dtype == bool


def test_strong_features_as_published_are_replayed_beside_ours(rebuilt: Rebuilt, tmp_path: Path) -> None:
    made = rebuilt.copy(tmp_path)
    folder = made.universe.resolve() / "published_strong_features"
    folder.mkdir()
    scored = rebuilt.read("fuzz_scores").dropna(subset="interpretability")
    first, second = scored["latent"].iloc[0], scored["latent"].iloc[1]

    def cluster(strong: list[int]) -> dict:
        frame = pd.DataFrame({"mae": [0.5, 0.25]}, index=[first, second])
        weak = [latent for latent in (first, second) if latent not in strong]
        return {"strong_features": strong, "weak_features": weak, "mae_by_feature": frame}

    sets = {"1,2": cluster([first]), "3,4": cluster([first, second]), "5,6": cluster([first])}
    (folder / "base.pkl").write_bytes(pickle.dumps(sets))
    with tiny_sample():
        made.run(["published_strong_features", "published_vs_ours"])
    table = made.read("published_vs_ours").set_index("figure")
    interpretability = scored.set_index("latent")["interpretability"]
    found = table.loc["Interpretability at 30 % of clusters, base", "replayed"]
    assert found == pytest.approx(interpretability[[first, second]].mean())
    # One, two and one strong of the published thousand.
    assert table.loc["Median proportion of strong features, base", "replayed"] == 0.001
    assert np.isnan(table.loc["Median proportion of strong features, rolling", "replayed"])
