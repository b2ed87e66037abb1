"""Whole runs of the platform on the paper's data sets, on a stand-in for the hub."""

import os
import pickle
import re
import shutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from compsim_assets.storage.shards import FeatureShards
from compsim_assets.universe.layout import ID, RETURNS
from compsim_assets_tests.commanded import Commanded
from compsim_assets_tests.from_hub.paper_data import FEATURES, N_SHARDS, PAIRS, REPORTS, PaperData, report_files
from compsim_assets_tests.from_hub.runs import KEEP_ALL, Place
from compsim_assets_tests.runs import REPOSITORY, once
from compsim_assets_tests.universe.hub.client import TOKEN
from compsim_assets_tests.universe.hub.server import HubServer, Request

pytestmark = pytest.mark.waits(60)

FOR_CUTOFFS = (
    "descriptions", "returns", "sae_features", "pca", "pca_scores", "published_pairs",
    "clustered_reports", "dendrograms", "cutoff_curve", "distance_scale", "cutoffs",
)  # fmt: skip


class FromHub(Commanded):
    """A run by command on the paper's data sets under their own names."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "huggingface")

    @cached_property
    def hub(self) -> dict:
        """What the hub saw: `requests`; and `commits` by data set."""
        return pickle.loads((self.folder / "hub.pickle").read_bytes())

    def version(self, asset: str) -> str:
        event = self.history.get_latest_materialization_event(dg.AssetKey(asset))
        assert event is not None
        assert event.asset_materialization is not None
        return (event.asset_materialization.tags or {})["dagster/data_version"]


@pytest.fixture(scope="session")
def from_hub(tmp_path_factory: pytest.TempPathFactory, data: PaperData) -> FromHub:
    """All that is read from the hub, by Dagster's command; read only."""

    def make(folder: Path) -> None:
        with HubServer() as hub:
            sets = {REPORTS: data.reports, FEATURES: data.features, PAIRS: data.pairs}
            commits = {name: hub.commit(name, files) for name, files in sets.items()}
            run = materialize(folder, hub)
            (folder / "output.txt").write_text(run.stdout)
            assert run.returncode == 0, run.stdout
            seen = {"requests": hub.requests, "commits": commits}
            (folder / "hub.pickle").write_bytes(pickle.dumps(seen))

    return FromHub(once(tmp_path_factory, "from-hub", make))


def materialize(folder: Path, hub: HubServer) -> "subprocess.CompletedProcess[str]":
    """Materialize by Dagster's own command, in a process of its own."""
    (folder / "dagster").mkdir()
    shutil.copy(REPOSITORY / ".dagster" / "dagster.yaml", folder / "dagster")
    settings = {
        **hub.environment(folder / "hf"),
        "HF_TOKEN": TOKEN,
        "COMPSIM_SOURCE": "huggingface",
        "COMPSIM_DATA": str(folder / "data"),
        "COMPSIM_DROP_WITHOUT_SIC_CODE": "false",
        "COMPSIM_DROP_WITHOUT_RETURNS": "false",
        "COMPSIM_NPROC": "1",
        "DAGSTER_HOME": str(folder / "dagster"),
    }
    command = [sys.executable, "-m", "dagster", "asset", "materialize"]
    command += ["-m", "compsim_assets.definitions", "--select"]
    command += ["key:descriptions or key:returns or key:sae_features or key:published_pairs"]
    return subprocess.run(
        command, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_the_commit_is_in_the_metadata_and_in_the_data_version(from_hub: FromHub) -> None:
    tables = {"descriptions": REPORTS, "sae_features": FEATURES, "published_pairs": PAIRS}
    for asset, dataset in tables.items():
        revision = f"{dataset}@{from_hub.hub['commits'][dataset]}"
        assert from_hub.metadata(asset)["revision"] == revision
        assert re.fullmatch(re.escape(revision) + r"\.[0-9a-f]{32}", from_hub.version(asset))


def test_rows_that_cannot_be_used_are_counted(from_hub: FromHub, data: PaperData) -> None:
    said = from_hub.metadata("sae_features")
    assert said["origin"] == "imported"
    assert sorted(said["dropped"].split(", ")) == [
        "1 features without a report",
        "1 length is not 160",
        "1 not finite",
        "2 report without features",
    ]
    pairs = from_hub.metadata("published_pairs")
    assert pairs["pairs"] - pairs["with_correlation"] == data.n_null_correlations > 2
    output = (from_hub.folder / "output.txt").read_text()
    line = f"features: file 1 of {N_SHARDS}, 42 reports; dropped {{'length is not 160': 1}}"
    assert line in output


def test_features_are_kept_once(from_hub: FromHub) -> None:
    left = {p.parent.parent.parent.parent.name for p in from_hub.folder.glob("hf/hub/*/*/*/*/*.parquet")}
    assert left == {f"datasets--{name.replace('/', '--')}" for name in (REPORTS, PAIRS)}
    blobs = sum(p.stat().st_size for p in from_hub.folder.glob("hf/hub/*features/blobs/*"))
    assert blobs < 1000
    assert not list((from_hub.results.folder / ".hub" / "downloads").iterdir())
    assert not (from_hub.results.folder / ".imports").exists()
    assert list((from_hub.results.folder / ".scratch").iterdir()) == []


def test_each_file_is_downloaded_once(from_hub: FromHub) -> None:
    requests: list[Request] = from_hub.hub["requests"]
    bodies = [r.path for r in requests if r.method == "GET" and r.path.startswith("/cdn/")]
    assert len(bodies) == len(set(bodies)) == N_SHARDS + 2 + 2
    output = (from_hub.folder / "output.txt").read_text()
    said = re.findall(r"(\w+): downloading \S+, file (\d+) of (\d+), ", output)
    assert len(said) == len(set(said)) == len(bodies)
    assert ("features", str(N_SHARDS), str(N_SHARDS)) in said


def test_the_token_reaches_the_hub_and_no_file(from_hub: FromHub) -> None:
    requests: list[Request] = from_hub.hub["requests"]
    assert f"Bearer {TOKEN}" in {r.headers.get("authorization") for r in requests}
    files = [
        path
        for part in ("data", "dagster", "hf", "output.txt")
        for path in [from_hub.folder / part, *(from_hub.folder / part).rglob("*")]
        if path.is_file()
    ]
    assert len(files) > 25
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert "signature=secret" not in (from_hub.folder / "output.txt").read_text()


def test_compared_by_pairs_features_are_never_asked_for(on_hub: Place, data: PaperData) -> None:
    before = len(on_hub.hub.requests)
    ran = on_hub.run(*FOR_CUTOFFS, "clusters", similarity="pairs")
    assert ran.success, ran.output
    asked = {r.path for r in on_hub.hub.requests[before:]}
    assert not [path for path in asked if f"{on_hub.name}/features" in path]
    assert any(f"{on_hub.name}/pairs" in path for path in asked)
    assert ran.metadata["sae_features"]["origin"] == "none"
    assert "revision" not in ran.metadata["sae_features"]
    assert ran.metadata["clustered_reports"]["similarity"] == "pairs"
    assert len(pd.read_parquet(on_hub.results / "clusters" / "base.parquet")) > 100


def test_reports_that_are_left_out_by_default_and_the_same_cutoffs_as_from_a_local_universe(
    on_hub: Place, data: PaperData, tiny_universe: Path
) -> None:
    reports = pd.read_parquet(tiny_universe / "reports.parquet").set_index(ID)
    no_code = set(reports.index[reports["sic_code"].isna()])
    no_returns = set(reports.index[~np.isfinite(np.stack(reports[RETURNS].to_numpy())).all(axis=1)])
    ran = on_hub.run(*FOR_CUTOFFS)
    assert ran.success, ran.output
    out = no_code - {data.unusable[0]} if data.unusable[0] in no_code else no_code
    assert f"{len(out)} report without a SIC code" in ran.metadata["sae_features"]["dropped"]
    left_out = no_code | no_returns | set(data.unusable)
    assert ran.metadata["clustered_reports"]["left_out"] == len(left_out)
    clustered = pd.read_parquet(on_hub.results / "clustered_reports.parquet")["report_id"]
    assert set(clustered) == set(reports.index) - left_out
    assert len(no_code) > 3
    assert len(no_returns) > 1
    local = run_locally(on_hub, data, tiny_universe)
    for asset in ("descriptions", "returns", "cutoffs/base"):
        ours, theirs = (pd.read_parquet(results / f"{asset}.parquet") for results in (on_hub.results, local))
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9)
    assert ours["mean_correlation"].notna().any()
    shards, others = (FeatureShards(results / "sae_features") for results in (on_hub.results, local))
    assert shards.report_id.tolist() == others.report_id.tolist()
    np.testing.assert_array_equal(shards.columns(0, 160), others.columns(0, 160))


def run_locally(place: Place, data: PaperData, tiny_universe: Path) -> Path:
    """The results of the same assets on the same universe as a local one."""
    universe = place.folder / "universe"
    universe.mkdir()
    shutil.copy(tiny_universe / "reports.parquet", universe)
    features = pq.read_table(tiny_universe / "features.parquet")
    usable = ~np.isin(features[ID].to_numpy(), data.unusable)
    pq.write_table(features.filter(usable), universe / "features.parquet")
    settings = {"source": "local", "universe": str(universe), "similarity": "features"}
    drop = dict.fromkeys(KEEP_ALL, True)
    ran = place.runner.run(place.folder / "data", FOR_CUTOFFS, **settings, **drop)
    assert ran.success, ran.output
    return place.folder / "data" / "local"


def test_a_moved_branch_is_seen_by_descriptions_and_the_rest_follows_it(
    on_hub: Place, tiny_universe: Path, data: PaperData
) -> None:
    reports = pd.read_parquet(tiny_universe / "reports.parquet")
    first = on_hub.commit("reports", report_files(reports[:-20]))
    ran = on_hub.run("descriptions", "returns")
    assert ran.metadata["descriptions"]["revision"] == on_hub.revision("reports", first)
    second = on_hub.commit("reports", data.reports)
    alone = on_hub.run("returns")
    assert alone.metadata["returns"]["dagster/row_count"] == len(reports) - 20
    again = on_hub.run("descriptions", "returns")
    assert again.metadata["descriptions"]["revision"] == on_hub.revision("reports", second)
    assert again.versions["descriptions"] != ran.versions["descriptions"]
    for asset in ("descriptions", "returns"):
        assert again.metadata[asset]["dagster/row_count"] == len(reports)


def test_the_same_content_at_another_commit_is_another_version(on_hub: Place, data: PaperData) -> None:
    versions = []
    for commit in ("first", "second"):
        for table in ("reports", "features", "pairs"):
            files = {**getattr(data, table), "note.txt": commit.encode()}
            on_hub.commit(table, files)
        ran = on_hub.run("descriptions", "sae_features", "published_pairs", **KEEP_ALL)
        assert ran.success, ran.output
        versions.append(ran.versions)
    for asset in ("descriptions", "sae_features", "published_pairs"):
        one, two = (version[asset] for version in versions)
        assert one != two
        assert one.rpartition(".")[2] == two.rpartition(".")[2]
