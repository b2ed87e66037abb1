"""Which commit is the newest, asked without downloading or recording anything; and what that says of assets."""

from pathlib import Path

import pytest

from compsim_assets.universe.fingerprint import READS
from compsim_assets.universe.hub import HubDataset
from compsim_assets_tests.universe.hub.client import FILES, SECOND, Client, parquet
from compsim_assets_tests.universe.hub.server import HubServer

# Fixtures: server, environment, online, offline, unconnected, name.


def test_the_hub_says_the_newest_commit(server: HubServer, online: Client, name: str, tmp_path: Path) -> None:
    commit = server.commit(name, FILES)
    before = len(server.requests)
    assert online.get("newest commit", HubDataset(name), tmp_path) == commit
    assert len([request for request in server.requests[before:] if name in request.path]) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("client", ["offline", "unconnected"])
def test_without_a_connection_the_commit_on_record_counts(
    server: HubServer, online: Client, name: str, tmp_path: Path, client: str, request: pytest.FixtureRequest
) -> None:
    commit = server.commit(name, FILES)
    assert online.get("resolve", HubDataset(name), tmp_path).commit == commit
    newest = server.commit(name, {SECOND: parquet(3)})
    assert request.getfixturevalue(client).get("newest commit", HubDataset(name), tmp_path) == commit
    assert online.get("newest commit", HubDataset(name), tmp_path) == newest


def test_offline_the_users_own_download_counts(
    server: HubServer, online: Client, offline: Client, name: str, tmp_path: Path
) -> None:
    assert offline.get("newest commit", HubDataset(name), tmp_path) == ""
    commit = server.commit(name, FILES)
    online.get("hf download", name, None)
    assert offline.get("newest commit", HubDataset(name), tmp_path) == commit


def test_a_data_set_that_nobody_knows_has_no_commit(online: Client, name: str, tmp_path: Path) -> None:
    assert online.get("newest commit", HubDataset(name), tmp_path) == ""


def test_a_new_commit_counts_for_those_that_ask_for_it(
    server: HubServer, online: Client, offline: Client, name: str, tmp_path: Path
) -> None:
    """The others read what was asked for last; where one step makes both, they read what it asks for."""
    universe = tmp_path / "universe"
    universe.mkdir()
    (universe / "huggingface.toml").write_text(
        f'[reports]\ndataset = "{name}"\n[features]\ndataset = ""\n[pairs]\ndataset = "./pairs"\n'
    )
    (universe / "pairs").mkdir()
    settings = {"source": "huggingface", "universe": str(universe), "data": str(tmp_path / "data")}

    def of(client: Client, assets: list[str]) -> dict[str, str]:
        made: dict[str, str] = client.get("fingerprints", settings, assets)
        return made

    def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
        return {asset for asset in before if before[asset] != after[asset]}

    server.commit(name, FILES)
    online.get("resolve", HubDataset(name), tmp_path / "data" / "huggingface" / ".hub")
    alone, together = of(online, ["returns", "published_pairs"]), of(online, [*READS])
    assert together["returns"] == alone["returns"]
    server.commit(name, {SECOND: parquet(3)})
    assert of(online, ["returns", "published_pairs"]) == alone
    assert of(offline, [*READS]) == together
    of_reports = {
        "descriptions", "returns", "price_history", "sparse_autoencoder", "sae_features", "vintage_features",
        "baseline_clusters", "embeddings",
    }  # fmt: skip
    assert changed(together, of(online, [*READS])) == {"universe_report", *of_reports}
    (universe / "pairs" / "0.parquet").write_bytes(parquet(1))
    assert changed(alone, of(online, ["returns", "published_pairs"])) == {"published_pairs"}
