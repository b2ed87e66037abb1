"""What goes wrong on the hub while a universe's features are imported: outlasted, or one clear error and no loss."""

from collections.abc import Iterator

import numpy as np
import pytest

from compsim_assets.storage.shards import FeatureShards
from compsim_assets_tests.from_hub.paper_data import N_SHARDS, PaperData, feature_files, shard_name
from compsim_assets_tests.from_hub.runs import KEEP_ALL, Outcome, Place, Runner
from compsim_assets_tests.universe.hub.server import Fault

pytestmark = pytest.mark.waits(40)


def files_of(data: PaperData, value: float, column: str = "features") -> dict[str, bytes]:
    """Features of twelve reports, two a shard, all with this value."""
    return feature_files(data.ids[:12], [[value, 1.0, 0.0]] * 12, column)


@pytest.fixture(scope="module")
def place_of_all(runner: Runner, data: PaperData, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A universe whose features are imported, with the value 1; each test goes on from what the last one left."""
    place = Place(runner.hub, runner, "faults", tmp_path_factory.mktemp("faults"))
    for table in ("reports", "pairs"):
        place.commit(table, getattr(data, table))
    place.commit("features", files_of(data, 1.0))
    ran = place.run("descriptions", "sae_features", **KEEP_ALL)
    assert ran.success, ran.output
    assert first_values(place) == {1.0}
    return place


@pytest.fixture
def imported(place_of_all: Place) -> Iterator[Place]:
    yield place_of_all
    place_of_all.hub.behave()


def import_features(place: Place) -> Outcome:
    return place.run("sae_features", **KEEP_ALL)


def succeed(place: Place) -> Outcome:
    ran = import_features(place)
    assert ran.success, ran.output
    return ran


def first_values(place: Place) -> set[float]:
    """Different values of the first latent in the published features."""
    return set(FeatureShards(place.results / "sae_features").columns(0, 1).ravel().tolist())


def downloads(place: Place, commit: str) -> list[int]:
    """How often each shard's content was asked for."""
    return [place.hub.downloads(f"at/{commit}/{shard_name(n)}") for n in range(N_SHARDS)]


def test_what_passes_is_outlasted(imported: Place, data: PaperData) -> None:
    commit = imported.commit("features", files_of(data, 2.0))
    faults = [Fault(drop_after=500), Fault(keep=500), Fault(status=429), Fault(status=503), Fault(corrupt=True)]
    for number, fault in enumerate(faults):
        imported.hub.misbehave(f"at/{commit}/{shard_name(number)}", fault)
    ran = succeed(imported)
    assert first_values(imported) == {2.0}
    again, last = downloads(imported, commit)[:5], downloads(imported, commit)[5]
    assert min(again) >= 2
    assert last == 1
    assert f"{imported.name}/features: {shard_name(4)}: " in ran.output
    assert imported.cached("features") == []


def test_a_file_that_stays_damaged_fails_the_step_and_loses_nothing(imported: Place, data: PaperData) -> None:
    values = first_values(imported)
    commit = imported.commit("features", files_of(data, 3.0))
    imported.hub.misbehave(f"at/{commit}/{shard_name(3)}", Fault(corrupt=True), times=None)
    ran = import_features(imported)
    assert not ran.success
    said = f"UniverseError: {imported.name}/features: {shard_name(3)}: "
    assert said in ran.error
    assert "SHA-256" in ran.error
    assert "\n" not in ran.error
    assert first_values(imported) == values
    before = downloads(imported, commit)
    assert before[:3] == [1, 1, 1]
    assert before[4:] == [0, 0]
    imported.hub.behave()
    ran = succeed(imported)
    assert downloads(imported, commit) == [1, 1, 1, before[3] + 1, 1, 1]
    assert first_values(imported) == {3.0}
    assert ran.metadata["sae_features"]["revision"] == imported.revision("features", commit)
    assert not (imported.results / ".imports").exists()


def test_a_hub_that_is_down_fails_the_step_and_keeps_the_result(imported: Place, data: PaperData) -> None:
    values = first_values(imported)
    imported.commit("features", files_of(data, 4.0))
    imported.hub.misbehave(f"{imported.name}/features", Fault(status=503), times=None)
    ran = import_features(imported)
    assert not ran.success
    assert f"UniverseError: {imported.name}/features (revision main): HTTP 503" in ran.error
    assert first_values(imported) == values


def test_a_schema_that_changed_is_named(imported: Place, data: PaperData) -> None:
    values = first_values(imported)
    imported.commit("features", files_of(data, 5.0, column="sae"))
    ran = import_features(imported)
    assert not ran.success
    assert ran.error.endswith(
        f"UniverseError: {imported.name}/features/{shard_name(0)}: "
        "no column features; found __index_level_0__, sae, year"
    )
    assert first_values(imported) == values
    np.testing.assert_array_equal(FeatureShards(imported.results / "sae_features").columns(1, 3)[0], [1.0, 0.0])
