"""What every materialization says about itself, and that every check passed."""

import io
from base64 import b64decode

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from compsim_assets.contracts import TABLES
from compsim_assets.definitions import defs
from compsim_assets.storage.io_managers import MATTERS, table_schema
from compsim_assets.storage.lineage import FOLDER, name_of
from compsim_assets.storage.results import MANIFESTS
from compsim_assets.universe.fingerprint import READS
from compsim_assets_tests.runs import EMPTY_ON_SAMPLE, MODES, Rebuilt, materialized

GRAPH = defs.resolve_asset_graph()
ALL = materialized()
FIGURES = [(n, mode) for n, mode in ALL if GRAPH.get(dg.AssetKey(n)).group_name == "figures"]
ARRAYS = [(asset, None) for asset in MANIFESTS]


def test_every_asset_says_where_it_is_and_that_it_is_synthetic(rebuilt: Rebuilt) -> None:
    assert len(ALL) == sum(len(MODES) if GRAPH.get(key).partitions_def else 1 for key in GRAPH.get_all_asset_keys())
    results = rebuilt.results
    for asset, mode in ALL:
        said = rebuilt.metadata(asset, mode)
        if (asset, mode) in FIGURES:
            path = results.figure(asset, mode)
        elif (asset, mode) in ARRAYS:
            path = results.array_folder(asset)
        else:
            path = results.table(asset, mode)
        assert said["path"] == str(path)
        assert path.exists(), path
        assert said["data"] == "synthetic sample", asset
        assert 0 < len(said["preview"]) < 60_000, asset


TABLE_CASES = [(name, mode) for name, mode in ALL if name in TABLES]


def test_a_table_says_its_rows_its_schema_and_the_first_ones(rebuilt: Rebuilt) -> None:
    for asset, mode in TABLE_CASES:
        said, frame = rebuilt.metadata(asset, mode), rebuilt.read(asset, mode)
        assert said["dagster/row_count"] == len(frame), asset
        schema = GRAPH.get(dg.AssetKey(asset)).metadata["dagster/column_schema"]
        assert schema == table_schema(TABLES[asset]), asset
        if asset in EMPTY_ON_SAMPLE:
            assert (len(frame), said["preview"]) == (0, "*no rows*"), asset
            continue
        head, _, first, *_ = said["preview"].splitlines()
        assert [cell.strip() for cell in head.strip("|").split("|")] == list(frame), asset
        value = frame.iloc[0, 0]
        shown = f"{value:.5g}" if isinstance(value, float) else str(value)
        cell = first.strip("|").split("|")[0].strip()
        # Long texts are cut.
        assert cell == shown or (len(shown) > 80 and shown.startswith(cell.removesuffix("…"))), asset


def test_a_figure_is_a_png_and_its_preview_decodes_back_to_one(rebuilt: Rebuilt) -> None:
    for asset, mode in FIGURES:
        said = rebuilt.metadata(asset, mode)
        start, _, data = said["preview"].partition(";base64,")
        assert start == f"![{asset}](data:image/png"
        preview = b64decode(data.removesuffix(")"), validate=True)
        full = rebuilt.results.figure(asset, mode).read_bytes()
        assert said["bytes"] == len(full), asset
        sizes = [size_of(png) for png in (full, preview)]
        assert sizes[0][0] >= 1000, asset
        assert sizes[1][0] >= 500, asset
        assert sizes[0][0] / sizes[0][1] == pytest.approx(sizes[1][0] / sizes[1][1], rel=0.02), asset


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height of a picture with more than a few tones."""
    with Image.open(io.BytesIO(png)) as image:
        image.load()
        assert image.format == "PNG"
        assert len(image.convert("L").getcolors(256) or ()) > 8
        return image.size


def test_figures_lie_where_the_contract_says_and_nowhere_else(rebuilt: Rebuilt) -> None:
    folder = rebuilt.results.folder / "figures"
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == {f"{mode}/{name}.png" if mode else f"{name}.png" for name, mode in FIGURES}


def test_arrays_say_their_shape(rebuilt: Rebuilt) -> None:
    features, pca = rebuilt.metadata("sae_features"), rebuilt.metadata("pca")
    reports = len(rebuilt.read("descriptions"))
    assert features["shape"] == f"{reports} reports x 160 latents, float32"
    assert features["origin"] == "imported"
    assert features["dropped"] == "none"
    components = len(rebuilt.read("pca"))
    assert pca["shape"] == f"{components} components x 160 latents"
    assert pca["explained_variance_share"] == pytest.approx(1.0, abs=1e-6)


def test_the_reports_are_summed_up(rebuilt: Rebuilt) -> None:
    said, reports = rebuilt.metadata("descriptions"), rebuilt.read("descriptions")
    assert said["companies"] == reports["cik"].nunique()
    assert said["years"] == "2012 to 2019"
    assert said["without_sic_code"] == reports["sic_code"].isna().sum()
    assert said["without_description"] == 0
    assert said["universe"] == str(rebuilt.universe)
    incomplete = [not np.isfinite(months).all() for months in rebuilt.read("returns")["returns"]]
    assert rebuilt.metadata("returns")["without_correlation"] == sum(incomplete) > 0
    assert rebuilt.metadata("price_history")["tickers"] == reports["ticker"].nunique()


def test_every_check_ran_and_passed(rebuilt: Rebuilt) -> None:
    wanted = {(key.asset_key.to_user_string(), key.name) for key in GRAPH.asset_check_keys}
    assert {key: all(passed) for key, passed in rebuilt.checks.items()} == dict.fromkeys(wanted, True)
    assert len(rebuilt.checks["clusters", "every_report_in_one_cluster"]) == 1, "once for both modes"


def test_every_result_says_what_it_was_made_from(rebuilt: Rebuilt) -> None:
    """All that the graph says, as it is now: after a rebuild everything may stand beside everything."""
    results, settings = rebuilt.results, rebuilt.settings.taking_part()
    for asset, mode in ALL:
        spec, note = GRAPH.get(dg.AssetKey(asset)), results.note(name_of(asset, mode))
        assert note is not None, (asset, mode)
        parents = {key.path[-1]: GRAPH.get(key).partitions_def for key in spec.parent_keys}
        wanted = {
            name_of(parent, each if by_mode else None)
            for parent, by_mode in parents.items()
            for each in ([mode] if mode else MODES)
        }
        assert note.inputs == {name: results.content(name) for name in wanted}, (asset, mode)
        assert note.settings == {name: settings[name] for name in spec.metadata[MATTERS]}, asset
        assert note.code == spec.code_version, asset
        assert bool(note.source) is (asset in READS), asset
        assert results.why_unusable(name_of(asset, mode), settings) == "", (asset, mode)
    noted = {path.parent for path in (results.folder / FOLDER).rglob("*.json")}
    assert noted == {results.folder / FOLDER / name_of(asset, mode) for asset, mode in ALL}


def test_results_are_what_was_materialized(rebuilt: Rebuilt) -> None:
    folder = rebuilt.results.folder
    tables = {str(p.relative_to(folder)) for p in folder.rglob("*.parquet")}
    wanted = {f"{n}/{mode}.parquet" if mode else f"{n}.parquet" for n, mode in TABLE_CASES}
    assert {path for path in tables if not path.startswith((".", "universe/"))} == wanted
    assert pd.read_parquet(folder / "universe" / "truth.parquet").shape[0] > 0
