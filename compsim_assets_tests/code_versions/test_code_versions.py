"""Versions of this package's own assets: in a copy of its source, changed in one place at a time."""

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

import compsim_assets
from compsim_assets import assets, code_versions
from compsim_assets.assets.figures import FIGURES
from compsim_assets.code_versions import code_version_of, package_in, version_of, versioned
from compsim_assets.contracts import TABLES

SOURCE = Path(compsim_assets.__file__).parent
ASSETS = [each for each in dg.load_assets_from_package_module(assets) if isinstance(each, dg.AssetsDefinition)]
# What makes each asset; of a figure what draws it.
STEPS = {spec.key.path[-1]: asset.op.compute_fn.decorated_fn for asset in ASSETS for spec in asset.specs} | {
    name: draw for name, (draw, _) in FIGURES.items()
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "compsim_assets"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def before(source: Path) -> dict[str, str]:
    return versions(source)


def versions(source: Path) -> dict[str, str]:
    package = package_in(source, source.parent / "cache")
    made = {
        asset: package.version(function.__module__, function.__qualname__.partition(".")[0], asset)
        for asset, function in STEPS.items()
    }
    package.remember()
    return made


@pytest.fixture
def changed(source: Path, before: dict[str, str]) -> Callable[..., set[str]]:
    """Assets with another version once a file's text is another."""

    def of(file: str, old: str, new: str) -> set[str]:
        path = source / file
        text = path.read_text()
        assert old in text, "the text to change"
        path.write_text(text.replace(old, new, 1))
        after = versions(source)
        path.write_text(text)
        return {asset for asset in before if before[asset] != after[asset]}

    return of


@pytest.mark.parametrize(
    ("file", "old", "new", "assets"),
    [
        ("plots/features.py", "def _bars(", "def _bars(_more=0, *, ", "feature_value_histogram"),
        ("plots/forest.py", "_ROW = ", "_ROW = 1.5 * ", "fundamentals_by_method methods_forest"),
        ("workers/embed_texts.py", "def main(", "def main(_more=0, *, ", "embeddings"),
        ("workers/dendrograms.py", "def main(", "def main(_more=0, *, ", "dendrograms distance_scale"),
        ("universe/score_files.py", "def read_scores(", "def read_scores(_more=0, *, ", "fuzz_scores judged_latents "
            "universe_report"),
        ("universe/prices/rows.py", "def read_rows(", "def read_rows(_=0, *, ", "price_history returns "
            "universe_report"),
        ("evidence/claims.py", "def published_claims(", "def published_claims(_more=0, *, ", "findings"),
        ("evidence/published_figures.csv", "0.", "1.", "findings methods_forest objective_by_theta published_replay "
            "published_vs_ours table_1"),
    ],
)  # fmt: skip
def test_a_change_touches_what_runs_it_alone(
    changed: Callable[..., set[str]], file: str, old: str, new: str, assets: str
) -> None:
    assert changed(file, old, new) == {*assets.split()}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("plots/features.py", "def _bars(", "# Bars.\n\n\ndef _bars("),
        ("settings.py", "COMPSIM_SOURCE.", "The setting is COMPSIM_SOURCE."),
        ("storage/results.py", "digest_size=16", "digest_size=20"),
        ("storage/io_managers/base.py", "class Lazy:", "class Lazy(object):"),
        ("checks/judge.py", "def judge(", "def judge(_more=0, *, "),
        ("launch/torchrun.py", "RANK_GRACE_SECONDS = 3", "RANK_GRACE_SECONDS = 4"),
        ("contracts/clustering.py", "MeanCorr", "The mean correlation"),
        ("assets/clusters.py", "description=\"Study only", "description=\"Study"),
    ],
)  # fmt: skip
def test_what_is_no_part_of_a_result_touches_nothing(
    changed: Callable[..., set[str]], file: str, old: str, new: str
) -> None:
    assert changed(file, old, new) == set()


def test_what_everything_is_made_with_touches_what_it_makes(changed: Callable[..., set[str]]) -> None:
    touched = changed("science/linkage/cut.py", "def cut(", "def cut(_more=0, *, ")
    assert {"clusters", "walk_forward_clusters", "embedding_clusters"} <= touched
    assert touched.isdisjoint({"descriptions", "sae_features", "pca", "table_1", *FIGURES})


def test_each_figure_has_a_version_of_its_own(before: dict[str, str]) -> None:
    assert len({before[name] for name in FIGURES}) == len(FIGURES)


def test_columns_count_for_the_asset_that_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(asset: str) -> str:
        code_versions._package.cache_clear()
        return code_version_of(STEPS[asset], asset)

    first = {asset: of(asset) for asset in ("cutoffs", "clusters")}
    table = TABLES["cutoffs"]
    described = dataclasses.replace(table.columns[0], description="Another text.")
    monkeypatch.setitem(TABLES, "cutoffs", dataclasses.replace(table, columns=(described, *table.columns[1:])))
    assert {asset: of(asset) for asset in first} == first
    monkeypatch.setitem(TABLES, "cutoffs", dataclasses.replace(table, columns=table.columns[1:]))
    assert {asset for asset in first if of(asset) != first[asset]} == {"cutoffs"}
    monkeypatch.undo()
    assert {asset: of(asset) for asset in first} == first


def test_definitions_get_versions_and_combine_them_with_their_own() -> None:
    made = {spec.key.path[-1]: spec.code_version for asset in versioned(ASSETS) for spec in asset.specs}
    assert all(made.values())
    assert made["walk_forward_scores"] == code_version_of(STEPS["walk_forward_scores"], "walk_forward_scores")
    with_own = [asset.map_asset_specs(lambda spec: spec.replace_attributes(code_version="own")) for asset in ASSETS]
    again = {spec.key.path[-1]: spec.code_version for asset in versioned(with_own) for spec in asset.specs}
    assert again["walk_forward_scores"] == f"{made['walk_forward_scores']}.own"


def test_versions_are_the_same_in_another_process_and_need_no_heavy_library(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom compsim_assets.code_versions import version_of\n"
        "print(version_of('compsim_assets.assets.clusters', 'cutoffs', 'cutoffs'))\n"
        "print(*{'dagster', 'pandas', 'numpy', 'pyarrow', 'torch'} & set(sys.modules))"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONHASHSEED": "7"}
    run = [subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
           for _ in range(2)]  # fmt: skip
    assert run[0].stdout == run[1].stdout == f"{version_of('compsim_assets.assets.clusters', 'cutoffs', 'cutoffs')}\n\n"
    assert [path.name[:5] for path in (tmp_path / "compsim").iterdir()] == ["code-"]
