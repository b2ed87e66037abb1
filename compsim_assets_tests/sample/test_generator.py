"""The folder: what is in it, when it is replaced, and that the seed alone decides its bytes."""

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compsim_assets.sample import GENERATOR_VERSION, SampleSize, generate, is_current
from compsim_assets_tests.sample.conftest import ID, RETURNS, Sample

SMALL = SampleSize(
    companies=24, years=3, first_year=2015, latents=128, lines=6, examples=10, cointegrated_pairs=1
)  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "universe"
    generate(folder, 5, size=SMALL)
    return folder


def contents(folder: Path) -> dict[str, str]:
    """Hash of every file by its path in the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): sha256(p.read_bytes()).hexdigest() for p in files}


def test_columns_and_types_are_those_of_a_local_universe(small: Path) -> None:
    number, text, date = pa.int64(), pa.string(), pa.date32()
    expected = {
        "reports": {ID: number, "cik": text, "company_name": text, "year": number, "ticker": text,
                    "sic_code": text, "section_1": text, RETURNS: pa.list_(pa.float64())},
        "features": {ID: number, "features": pa.list_(pa.float32())},
        "prices": {"ticker": text, "date": date, "adj_close": pa.float64()},
        "fundamentals": {"cik": text, "year": number, "metric": text, "value": pa.float64()},
        "truth": {"report_id": number, "line": number, "weights": pa.list_(pa.float64())},
        "truth_lines": {"line": number, "name": text, "sector": text, "sic_code": text},
        "truth_latents": {"latent": number, "kind": text, "name": text, "line": number},
        "truth_pairs": {"ticker_a": text, "ticker_b": text, "hedge_ratio": pa.float64(),
                        "line": number, "spread_deviation": pa.float64(),
                        "half_life_days": pa.float64()},
    }  # fmt: skip
    schemas = {path.stem: pq.read_schema(path) for path in small.glob("*.parquet")}
    assert {n: dict(zip(s.names, s.types, strict=True)) for n, s in schemas.items()} == expected
    assert all(schema.metadata is None for schema in schemas.values()), "pandas would set an index"


def test_the_folder_says_that_it_is_synthetic_and_how_it_was_made(small: Path) -> None:
    marker = (small / "SYNTHETIC").read_text()
    assert "SYNTHETIC DATA" in marker
    assert f"generator version: {GENERATOR_VERSION}\n" in marker
    assert "seed: 5\n" in marker
    assert "companies=24" in marker


def test_same_seed_same_bytes_in_another_process(small: Path, tmp_path: Path) -> None:
    program = (
        "from pathlib import Path; from compsim_assets.sample import *; "
        f"generate(Path({str(tmp_path / 'again')!r}), 5, size={SMALL!r})"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77", "OMP_NUM_THREADS": "1", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    assert contents(tmp_path / "again") == contents(small)


def test_current_until_version_seed_or_size_change(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_current(small, 5, size=SMALL)
    assert not is_current(small, 6, size=SMALL)
    assert not is_current(small, 5)
    monkeypatch.setattr("compsim_assets.sample.generator.GENERATOR_VERSION", "next")
    assert not is_current(small, 5, size=SMALL)
    assert not is_current(small / "absent", 5, size=SMALL)


def test_a_marked_folder_is_replaced_as_a_whole_and_only_the_list_of_lines_is_that_of_another_seed(
    small: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "universe"
    shutil.copytree(small, folder)
    (folder / "fuzz_scores" / "layers.30_latent999.txt").write_text("[]")
    generate(folder, 6, size=SMALL)
    assert is_current(folder, 6, size=SMALL)
    assert not (folder / "fuzz_scores" / "layers.30_latent999.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["universe"], "scratch is left behind"
    ours, other = contents(small), contents(folder)
    assert {name for name in ours if ours[name] == other.get(name)} == {"truth_lines.parquet"}


def test_files_that_are_no_sample_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "reports.parquet").write_text("mine")
    with pytest.raises(FileExistsError, match="no sample universe"):
        generate(tmp_path, size=SMALL)
    assert contents(tmp_path) == {"reports.parquet": sha256(b"mine").hexdigest()}


def test_a_failure_leaves_the_old_folder(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(small)
    monkeypatch.setattr("compsim_assets.sample.generator.make_scores", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        generate(small, 2, size=SMALL)
    assert contents(small) == before


def test_sizes_that_do_not_fit_are_refused() -> None:
    for changes, words in (
        ({"lines": 1}, "lines must be"),
        ({"lines": 31}, "lines must be"),
        ({"companies": 11}, "2 per line: 12"),
        ({"years": 1}, "years must be"),
        ({"latents": 95}, "16 per line: 96"),
        ({"examples": 11}, "examples must be even"),
    ):
        with pytest.raises(ValueError, match=words):
            SampleSize(**{"companies": 24, "lines": 6, "latents": 128, **changes})


@pytest.mark.parametrize(
    "size",
    [
        SampleSize(companies=4, years=2, latents=32, lines=2, examples=10),
        SampleSize(companies=60, years=2, latents=480, lines=30, examples=10),
    ],
)
def test_the_smallest_sizes_work(size: SampleSize, tmp_path: Path) -> None:
    generate(tmp_path, size=size)
    reports = pq.read_table(tmp_path / "reports.parquet")
    assert len(reports) >= size.companies
    assert len(set(reports[ID].to_pylist())) == len(reports)


def test_full_size(full: Sample) -> None:
    reports = full.reports
    assert full.features.shape == (len(reports), 2000)
    assert 3600 <= len(reports) <= 4400
    assert reports["cik"].nunique() == 400
    assert sorted(reports["year"].unique()) == list(range(2009, 2021))
    assert not reports.duplicated(["cik", "year"]).any()
    np.testing.assert_allclose(full.weights.sum(axis=1), 1)
    assert full.weights.shape[1] == 30


def test_ids_match_the_tables_and_positions_do_not(full: Sample) -> None:
    ids = full.reports[ID].to_numpy()
    assert full.reports[ID].is_unique
    features = pq.read_table(full.folder / "features.parquet", columns=[ID])[ID].to_numpy()
    truth = full.table("truth")["report_id"].to_numpy()
    assert set(features) == set(ids) == set(truth)
    assert np.mean(features == ids) < 0.01


def test_codes_are_coarse_stale_and_sometimes_missing(full: Sample) -> None:
    codes, lines = full.reports["sic_code"], full.table("truth_lines")
    given = codes.dropna()
    assert given.str.fullmatch(r"\d{4}").all()
    assert "0100" in set(given)
    assert 0.01 < codes.isna().mean() < 0.06
    assert lines["sic_code"].nunique() <= 20 < len(lines)
    truth = lines["sic_code"].to_numpy()[full.weights.argmax(axis=1)]
    assert 0.1 < np.mean(given != truth[codes.notna()]) < 0.3


def test_companies_enter_late_leave_early_and_drift(full: Sample) -> None:
    life = full.reports.groupby("cik")["year"].agg(["min", "max", "size"])
    assert (life["size"] == life["max"] - life["min"] + 1).all()
    assert 0.1 < (life["min"] > 2009).mean() < 0.4
    assert 0.1 < (life["max"] < 2020).mean() < 0.4
    line = full.reports.assign(line=full.weights.argmax(axis=1)).groupby("cik")["line"]
    assert 0.03 < (line.nunique() > 1).mean() < 0.3
    assert set(np.count_nonzero(full.weights, axis=1)) == {1, 2, 3}
