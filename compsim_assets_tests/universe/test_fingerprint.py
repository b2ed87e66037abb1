"""A fingerprint changes with what an asset reads of the universe's files, and with nothing else."""

import importlib.metadata
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compsim_assets.settings import Settings
from compsim_assets.universe import inventory
from compsim_assets.universe.fingerprint import READS, _version_of_package, fingerprint, fingerprints
from compsim_assets.universe.intake import contents
from compsim_assets.universe.layout import RETURNS, UniverseError
from compsim_assets_tests.universes import write_reports

FILES = {
    "features/0.parquet": "features", "features/1.parquet": "more", "pairs.parquet": "pairs", "prices.csv": "prices",
    "factors.csv": "factors", "fuzz_scores/scores/fuzz/layers_latent1.txt": "[]", "published_clusters/GCD.csv": "a",
    "published_strong_features/GCD.pkl": "b", "cointegrated_pairs/GCD.csv": "c", "index_cik_ticker_map.json": "{}",
    "pca.pkl": "d", "notes.md": "e", "huggingface.toml": "[reports]", "model/weights.bin": "f", "sae/cfg.json": "g",
    "universe.toml": '[prices]\ncolumns = {date = "day"}\n[reports]\nseveral = "all"\n[pca]\nfeatures = "raw"\n'
                     '[returns]\nunit = "percent"\n',
    "extraction.toml": 'model = "model"\nsae = "sae"\nhookpoint = "layers.1"\nmax_tokens = 9\n',
}  # fmt: skip
EMBEDDING = '[plain]\nmodel = "package:pytest"\nmax_tokens = 9\n'
# Whoever reports on all files, and all that read the reports themselves.
ALL = "universe_report"
OF_REPORTS = (
    "descriptions returns price_history sparse_autoencoder sae_features vintage_features baseline_clusters embeddings"
)
# What asks a language model, and trains an SAE.
EXTRACTED = "sparse_autoencoder sae_features vintage_features"


@pytest.fixture
def universe(tmp_path: Path) -> Path:
    folder = tmp_path / "universe"
    write_reports(folder)
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def local(folder: Path, **changes: Any) -> Settings:
    return Settings(source="local", universe=str(folder), data=str(folder.parent / "data"), **changes)


def changed(folder: Path, change: Callable[[], object]) -> set[str]:
    """Assets whose fingerprint is another one after the change."""
    before = fingerprints(local(folder), READS)
    change()
    after = fingerprints(local(folder), READS)
    return {asset for asset in READS if before[asset] != after[asset]}


def test_every_asset_that_reads_files_has_a_fingerprint_and_no_other_asset(universe: Path) -> None:
    made = fingerprints(local(universe), [*READS, "clusters"])
    assert made.pop("clusters") == ""
    assert {len(each) for each in made.values()} == {20}
    assert fingerprint(local(universe), "descriptions") == made["descriptions"]
    assert fingerprint(local(universe), "clusters") == ""


@pytest.mark.parametrize(
    ("file", "assets"),
    [
        ("features/1.parquet", "sae_features"),
        ("pairs.parquet", "published_pairs"),
        ("prices.csv", "price_history"),
        ("factors.csv", "robustness"),
        ("fundamentals.csv", "fundamentals_explained"),
        ("fuzz_scores/scores/fuzz/layers_latent1.txt", "fuzz_scores judged_latents latent_windows"),
        ("published_clusters/GCD.csv", "baseline_clusters"),
        ("published_strong_features/GCD.pkl", "published_strong_features"),
        ("cointegrated_pairs/GCD.csv", "published_cointegrated_pairs"),
        ("index_cik_ticker_map.json", "published_cointegrated_pairs"),
        ("pca.pkl", "pca pca_scores"),
        ("notes.md", ""),
        ("model/weights.bin", f"{EXTRACTED} embeddings"),
        ("sae/cfg.json", EXTRACTED),
    ],
)
def test_a_file_counts_for_those_that_read_it(universe: Path, file: str, assets: str) -> None:
    assert changed(universe, lambda: (universe / file).write_text("other")) == {ALL, *assets.split()}


def test_reports_count_for_those_that_read_them(universe: Path) -> None:
    assert changed(universe, lambda: write_reports(universe, ticker=["A", "B", "C", "D"])) == {ALL, *OF_REPORTS.split()}


@pytest.mark.parametrize(
    ("file", "old", "new", "assets"),
    [
        ("universe.toml", '"day"', '"Day"', "returns price_history"),
        ("universe.toml", '"all"', '"first"', OF_REPORTS),
        ("universe.toml", '"raw"', '"standardised"', "pca pca_scores"),
        ("universe.toml", '"percent"', '"fraction"', "returns"),
        ("extraction.toml", "max_tokens = 9", "max_tokens = 8", f"{EXTRACTED} embeddings"),
        ("extraction.toml", "layers.1", "layers.2", EXTRACTED),
        ("extraction.toml", 'sae = "sae"', 'sae = "owner/sae"', EXTRACTED),
    ],
)
def test_settings_count_for_those_that_they_are_about(
    universe: Path, file: str, old: str, new: str, assets: str
) -> None:
    path = universe / file
    expected = {*assets.split()} - ({"returns"} if new == '"Day"' else set())  # whose reports have returns
    assert changed(universe, lambda: path.write_text(path.read_text().replace(old, new))) == {ALL, *expected}
    assert changed(universe, lambda: path.write_text(f"# A comment.\n{path.read_text()}")) <= {ALL}


def test_prices_count_for_returns_that_are_made_of_them(universe: Path) -> None:
    assert changed(universe, lambda: (universe / "prices.csv").write_text("new")) == {ALL, "price_history"}
    write_reports(universe, **{RETURNS: None})
    assert changed(universe, lambda: (universe / "prices.csv").write_text("newer")) == {ALL, "price_history", "returns"}
    (universe / "reports.parquet").write_text("no Parquet")
    assert "returns" in changed(universe, lambda: (universe / "prices.csv").write_text("newest"))


def test_reports_of_pairs_are_read_from_pairs(universe: Path) -> None:
    (universe / "reports.parquet").unlink()
    assert changed(universe, lambda: (universe / "pairs.parquet").write_text("new")) == {
        ALL, "published_pairs", *OF_REPORTS.split()
    }  # fmt: skip


def test_pairs_decide_by_being_there_whether_features_are_read(universe: Path) -> None:
    features = {"sparse_autoencoder", "sae_features"}
    assert changed(universe, (universe / "pairs.parquet").unlink) == {ALL, "published_pairs", *features}


def test_encoders_of_their_own_are_not_those_of_the_extraction(universe: Path) -> None:
    path = universe / "embedding.toml"
    assert changed(universe, lambda: path.write_text(EMBEDDING)) == {ALL, "embeddings"}
    assert changed(universe, lambda: (universe / "model" / "weights.bin").write_text("h")) == {ALL, *EXTRACTED.split()}


@pytest.mark.parametrize("package", ["pytest", "_pytest"])  # the second is called otherwise where it comes from
def test_an_installed_model_counts_by_its_version(
    universe: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    def of(version: str) -> str:
        _version_of_package.cache_clear()
        monkeypatch.setattr("importlib.metadata.version", lambda name: version if name == "pytest" else real(name))
        return fingerprint(local(universe), "embeddings")

    real = importlib.metadata.version
    (universe / "embedding.toml").write_text(f'[plain]\nmodel = "package:{package}"\nmax_tokens = 9\n')
    assert of("1.0") == of("1.0") != of("1.1")
    _version_of_package.cache_clear()


@pytest.mark.parametrize("name", ["universe.toml", "extraction.toml"])
def test_settings_that_are_no_toml_count_as_they_are(universe: Path, name: str) -> None:
    (universe / name).write_text("= 1")
    assert "sae_features" in changed(universe, lambda: (universe / name).write_text("= 2"))


def test_neither_the_folders_place_nor_times_nor_hidden_files_count(universe: Path) -> None:
    first = fingerprints(local(universe), READS)
    os.utime(universe / "reports.parquet", ns=(1, 1))
    (universe / "features" / ".DS_Store").write_text("hidden")
    for folder in (universe / ".git", universe / "features" / ".cache"):
        folder.mkdir()
        (folder / "HEAD").write_text("hidden")
    assert fingerprints(local(universe), READS) == first
    moved = universe.rename(universe.with_name("moved"))
    assert fingerprints(local(moved), READS) == first


def test_links_are_followed_and_a_link_to_nothing_counts_too(universe: Path, tmp_path: Path) -> None:
    first = fingerprints(local(universe), READS)
    (universe / "features").rename(tmp_path / "elsewhere")
    (universe / "features").symlink_to(tmp_path / "elsewhere")
    (universe / "fuzz_scores" / "scores").rename(tmp_path / "scores")
    (universe / "fuzz_scores" / "scores").symlink_to(tmp_path / "scores")
    assert fingerprints(local(universe), READS) == first
    assert changed(universe, (tmp_path / "elsewhere" / "0.parquet").unlink) == {ALL, "sae_features"}
    (universe / "features").unlink()
    features = {"sparse_autoencoder", "sae_features"}
    assert changed(universe, lambda: (universe / "features").symlink_to("nothing")) == {ALL, *features}


def test_the_models_of_vintages_count_by_what_they_hold(universe: Path) -> None:
    for name in ("old", "new"):
        (universe / name).mkdir()
        (universe / name / "weights.bin").write_text(name)
    table = '[[vintages]]\nknowledge = {}-12-31\nmodel = "{}"\n'
    tables = table.format(2013, "old") + table.format(2014, "new")
    (universe / "extraction.toml").write_text(f'sae = "sae"\nhookpoint = "layers.1"\nmax_tokens = 9\n{tables}')
    expected = {ALL, *EXTRACTED.split(), "embeddings"}
    assert changed(universe, lambda: (universe / "old" / "weights.bin").write_text("older")) == expected
    path = universe / "extraction.toml"
    assert changed(universe, lambda: path.write_text(path.read_text().replace("2013", "2012"))) == expected


def test_what_is_in_the_inventory_is_of_a_kind() -> None:
    """A new kind of file must be said of whom it is read, or a change of it would touch nothing."""
    from compsim_assets.universe.fingerprint import _kind

    names = {*inventory._FILES, *inventory._FOLDERS} - {"universe.toml", "huggingface.toml"}
    assert {name for name in names if _kind(Path(name)) == "other"} == set()
    assert _kind(Path("F-F_Research_Data_Factors.csv")) == "factors"


def test_a_universe_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UniverseError, match="COMPSIM_UNIVERSE"):
        fingerprint(Settings(source="local", data=str(tmp_path)), "descriptions")


def settle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time pass until files count as written for good."""
    real = time.time
    monkeypatch.setattr(contents.time, "time", lambda: real() + 10)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are read for their hash."""
    names, real = list[str](), contents.hashlib.file_digest

    def digest(file: Any, algorithm: Any) -> Any:
        names.append(file.name)
        return real(file, algorithm)

    monkeypatch.setattr(contents.hashlib, "file_digest", digest)
    return names


def test_files_are_read_again_only_once_they_are_others(
    universe: Path, monkeypatch: pytest.MonkeyPatch, read: list[str]
) -> None:
    settle(universe, monkeypatch)
    first = fingerprints(local(universe), READS)
    assert len(read) == len({*read}) == len(FILES)  # of the model's settings what they say, and the reports
    read.clear()
    assert fingerprints(local(universe), READS) == first
    assert read == []
    path = universe / "prices.csv"
    stat = path.stat()
    path.write_text(path.read_text().upper())  # as long
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # and as old
    assert fingerprint(local(universe), "price_history") != first["price_history"]
    assert read == [str(path)]


def test_a_file_that_may_still_be_written_to_is_read_again(universe: Path, read: list[str]) -> None:
    for _ in range(2):
        fingerprint(local(universe), "price_history")
    assert read.count(str(universe / "prices.csv")) == 2


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "null", '{"files": 1, "answers": {}}', '{"files": {}, "answers": [1]}']
)
def test_a_damaged_memory_is_made_anew(universe: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    settle(universe, monkeypatch)
    first = fingerprints(local(universe), READS)
    (memory,) = (universe.parent / "data").rglob(contents.FILE)
    memory.write_text(damage)
    assert fingerprints(local(universe), READS) == first
    assert json.loads(memory.read_text())["files"]


def test_results_that_cannot_be_written_remember_nothing(universe: Path) -> None:
    (universe.parent / "data").mkdir()
    (universe.parent / "data" / "local").write_text("a file")
    assert fingerprint(local(universe), "descriptions")


def test_the_sample_counts_by_its_version_without_being_made(tmp_path: Path) -> None:
    settings = Settings(source="sample", data=str(tmp_path / "data"))
    made = fingerprints(settings, [*READS, "clusters"])
    assert made.pop("clusters") == ""
    assert len({*made.values()}) == 1
    assert not (tmp_path / "data").exists()
