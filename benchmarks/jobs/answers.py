"""How long a question takes: generated tables of that size, each question asked twice, in a process that has imported
what it needs; the second time is `ours`.

Features are those of one year, the one that is asked about: an answer reads no others.
"""

import json
import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from safetensors.numpy import save_file

from benchmarks.inputs import SIZES
from benchmarks.measure import Row, timed
from compsim_assets.contracts import TABLES
from compsim_assets.explore.cluster import cluster
from compsim_assets.explore.diff import diff
from compsim_assets.explore.explain import explain
from compsim_assets.explore.latents import latent
from compsim_assets.explore.peers import peers
from compsim_assets.explore.search import search
from compsim_assets.explore.tables import Tables
from compsim_assets.storage.lineage import Note
from compsim_assets.storage.matrices import list_column
from compsim_assets.storage.results import MANIFESTS, Results, seal
from compsim_assets.storage.shards import write_feature_shards

LATENTS = {"small": 8_192, "paper": 131_072}
N_THEMES, PEERS, EXPLAINED, PARTS, FIRST_YEAR = 150, 50, 20, 20, 1996
_WORDS = np.array([f"word{number}" for number in range(5000)])


def rows(size: str, device: str) -> list[Row]:
    """One row per question."""
    shape, latents = SIZES[size], LATENTS[size]
    with tempfile.TemporaryDirectory(dir=os.environ.get("COMPSIM_DATA")) as name:
        results = Results(Path(name))
        year = FIRST_YEAR + shape.years - 1
        _write(results, shape.reports, shape.years, latents, shape.axes)
        stored = sum(path.stat().st_size for path in Path(name).rglob("*") if path.is_file())
        what = f"{shape.reports * shape.years:,} x {latents:,}, P = {shape.axes:,}: {stored / 1e9:.1f} GB"
        questions: dict[str, Callable[[Tables], Any]] = {
            "peers": partial(peers, company="T5", year=year),
            "peers, why": partial(peers, company="T5", year=year, why=True),
            "peers, about": partial(peers, company="T5", year=year, within="all", about="word77"),
            "explain": partial(explain, first="T5", second="T9", year=year),
            "diff": partial(diff, company="T5", before=year - 1, after=year),
            "cluster": partial(cluster, company="T5", year=year),
            "latent": partial(latent, number=latents // 2),
            "search": partial(search, words="word77"),
        }
        return [_asked(question, ask, results, what) for question, ask in questions.items()]


def _asked(question: str, ask: Callable[[Tables], Any], results: Results, size: str) -> Row:
    first, second = (timed(lambda: ask(Tables(results))) for _ in range(2))
    note = f"the first time {first.seconds:.2f} s"
    return Row(job=f"answer: {question}", size=size, ours=second.seconds, peak=second.peak, note=note)


def _write(results: Results, reports: int, years: int, latents: int, axes: int) -> None:
    rng, n = np.random.default_rng(0), reports * years
    report_id, company = np.arange(n), np.tile(np.arange(reports), years)
    year = FIRST_YEAR + np.repeat(np.arange(years), reports)

    def write(name: str, mode: str | None = None, **columns: Any) -> None:
        length = max(len(column) for column in columns.values() if isinstance(column, np.ndarray))
        every = {k: v if isinstance(v, np.ndarray | list | pa.Array) else [v] * length for k, v in columns.items()}
        results.write_table(results.table(name, mode), TABLES[name].typed(every), Note())

    text = [f"T{number}" for number in company]
    write(
        "descriptions", report_id=report_id, cik=[f"{1000 + number}" for number in company],
        company_name=[f"Company number {number}" for number in company], ticker=text, year=year,
        sic_code=[f"{20 + number % 40}11" for number in company], industry="Services", description=text,
    )  # fmt: skip
    _write_nearest(write, rng, report_id, year)
    _write_words(write, rng, n, latents)
    group = company % 80 + 1
    write("clusters", "base", year=year, cluster_id=group, report_id=report_id)
    each = pd.DataFrame({"year": year, "cluster_id": group}).drop_duplicates().to_dict("list")
    write(
        "cluster_profiles", "base", **{name: np.array(values) for name, values in each.items()}, n_members=14,
        members="T1, T2", strong_latents="a", themes="b", sic_mix="20 (3)", mean_correlation=0.2, low=0.1, high=0.3,
        from_cluster=1, overlap=0.5, entered="T4", left="T5",
    )  # fmt: skip
    _write_features(results, rng, report_id, year, latents, axes)


def _write_nearest(write: Callable[..., None], rng: np.random.Generator, report_id: Any, year: Any) -> None:
    n = len(report_id)
    of_year = n // len(np.unique(year))
    peer = (report_id // of_year * of_year)[:, None] + rng.integers(0, of_year, (n, 2 * PEERS))
    write(
        "peers", report_id=np.repeat(report_id, 2 * PEERS), year=np.repeat(year, 2 * PEERS),
        scope=pa.array(["all", "industry"]).take(pa.array(np.tile(np.repeat([0, 1], PEERS), n))),
        rank=np.tile(np.arange(1, PEERS + 1), 2 * n), peer_report_id=peer.ravel(), cosine=rng.random(peer.size),
        percentile=rng.random(peer.size), confidence=rng.random(peer.size), peer_last_year=rng.random(peer.size) < 0.5,
        next_year_correlation=rng.random(peer.size),
    )  # fmt: skip
    m = n * EXPLAINED * 2 * PARTS
    first = np.concatenate([peer[:, : EXPLAINED // 2], peer[:, PEERS : PEERS + EXPLAINED // 2]], axis=1)
    write(
        "peer_explanations", report_id=np.repeat(report_id, EXPLAINED * 2 * PARTS),
        peer_report_id=np.repeat(first.ravel(), 2 * PARTS),
        kind=pa.array(["latent", "theme"]).take(pa.array(np.tile(np.repeat([0, 1], PARTS), n * EXPLAINED))),
        number=np.tile(np.append(np.arange(PARTS - 1), -1), 2 * n * EXPLAINED), contribution=rng.normal(0, 0.02, m),
        unusual=rng.normal(0, 0.02, m),
    )  # fmt: skip


def _write_words(write: Callable[..., None], rng: np.random.Generator, n: int, latents: int) -> None:
    def labels(count: int) -> list[str]:
        return [", ".join(row) for row in _WORDS[rng.integers(0, len(_WORDS), (count, 4))]]

    numbers, theme = np.arange(latents), np.arange(latents) % N_THEMES
    themes = np.arange(N_THEMES)
    write("themes", theme=themes, n_latents=9, label=labels(N_THEMES), terms=labels(N_THEMES), label_auc=0.9)
    write("latent_themes", theme=theme, latent=numbers)
    write(
        "latents", latent=numbers, firing_rate=0.5, n_reports=9, quantiles=[[0.0, 1, 2, 3, 4]] * latents,
        label=labels(latents), terms=labels(latents), label_auc=rng.random(latents), judge_label=None, judge=None,
        theme=theme, twin=numbers, twin_cosine=0.5, interpretability=60.0, n_windows=10, evidence="windows",
    )  # fmt: skip
    ranks = {"latent": np.repeat(numbers, 20), "rank": np.tile(np.arange(1, 21), latents)}
    write("latent_reports", **ranks, report_id=rng.integers(0, n, 20 * latents), activation=1.0)
    half = {name: column.reshape(latents, 20)[:, :10].ravel() for name, column in ranks.items()}
    tokens, values = (json.dumps(each * 10) for each in ([" the", " word", "ing"], [0.0, 1.5, 2.25]))
    one = pa.array(np.zeros(10 * latents, dtype=np.int64))
    repeated = {name: pa.array([text]).take(one) for name, text in {"tokens": tokens, "activations": values}.items()}
    write(
        "latent_windows", **half, **repeated, report_id=rng.integers(0, n, 10 * latents), activation=1.0,
        source="extraction",
    )  # fmt: skip


def _write_features(results: Results, rng: np.random.Generator, report_id: Any, year: Any, D: int, P: int) -> None:
    """Features of the last two years, and axes that are blocks of latents: then scores are sums over them."""
    width = D // P
    axes = np.zeros((P, D), dtype=np.float32)
    axes[np.repeat(np.arange(P), width), np.arange(P * width)] = width**-0.5
    with results.new_folder(results.array_folder("pca")) as aside:
        ones = {"mean": np.full(D, 0.5), "scale": np.full(D, 2.0), "components": axes}
        save_file(ones, aside / "pca.safetensors")
        (aside / "pca.json").write_text('{"content": "1"}')
        results.write_note("pca", seal(aside, MANIFESTS["pca"]), Note())
    scores, last = np.zeros((len(report_id), P), dtype=np.float32), np.flatnonzero(year >= year.max() - 1)

    def blocks() -> Any:
        for start in range(0, len(last), 100):
            some = last[start : start + 100]
            x = rng.standard_gamma(1, (len(some), D), dtype=np.float32)
            scores[some] = ((x[:, : P * width] - 0.5) / 2).reshape(len(some), P, width).sum(axis=2) * width**-0.5
            yield report_id[some], x

    with results.new_folder(results.array_folder("sae_features")) as aside:
        write_feature_shards(aside, blocks(), D, {"origin": "generated", "hookpoint": None})
        results.write_note("sae_features", seal(aside, MANIFESTS["sae_features"]), Note())
    table = pa.table({"report_id": report_id, "year": year, "scores": list_column(scores)})
    results.write_table(results.table("pca_scores"), table, Note(), compression="none")
