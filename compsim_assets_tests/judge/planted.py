"""A universe whose latents react to one word each, and its windows: what extraction and words make of a real one."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from compsim_assets.contracts import TABLES
from compsim_assets.judge.files import JudgeFiles
from compsim_assets.judge.others import of_reports
from compsim_assets.judge.plans import Bench
from compsim_assets.judge.windows import Windows
from compsim_assets.storage.lineage import Note
from compsim_assets.storage.results import Results
from compsim_assets.storage.shards import FeatureShards, write_feature_shards
from compsim_assets.universe.intake.contents import files_in as files_of
from compsim_assets.universe.judging.settings import JudgeSettings

N_LATENTS, N_REPORTS, WINDOW = 12, 40, 16
HOOKPOINT = "encoder.layer.4"
WORDS = [f"word{chr(97 + j)}" for j in range(N_LATENTS)]
FILLER = re.findall(r"\w+", "the company sells its products and services to customers in many regions of world")


def features(rng: np.random.Generator) -> np.ndarray:
    """Each latent is active in about a third of the reports; the last one in all, the one before in none."""
    values = rng.gamma(2.0, 1.0, (N_REPORTS, N_LATENTS)) * (rng.random((N_REPORTS, N_LATENTS)) < 0.4)
    values[:, -1], values[:, -2] = 1.0, 0.0
    return values.astype(np.float32)


def windows_table(rng: np.random.Generator, values: np.ndarray, each: int = 12) -> pa.Table:
    """The table `latent_windows`: a latent's word among others, nothing else being active in the report's window."""
    rows = []
    for latent in range(N_LATENTS):
        reports = np.flatnonzero(values[:, latent])
        strength = np.sort(rng.gamma(3.0, 1.0, each))[::-1] + 0.1
        for rank in range(each if len(reports) else 0):
            tokens = [" " + FILLER[k] for k in rng.integers(0, len(FILLER), WINDOW)]
            activations = [0.0] * WINDOW
            for place in rng.permutation(WINDOW)[: 1 + rank % 3].tolist():
                tokens[place], activations[place] = f" {WORDS[latent]}", float(strength[rank])
            activations[int(rng.integers(WINDOW))] += 0.01
            report = int(100 + rng.choice(reports))
            texts = json.dumps(tokens), json.dumps(activations)
            rows.append((latent, rank + 1, report, float(strength[rank]), *texts, "extraction"))
    columns = list(zip(*rows, strict=True))
    return pa.table(dict(zip(TABLES["latent_windows"].names, columns, strict=True)), TABLES["latent_windows"].schema())


def results(folder: Path, seed: int = 0) -> Path:
    """Results of a run, as far as a judge reads them, in `folder`; returns it."""
    rng = np.random.default_rng(seed)
    values = features(rng)
    shards = folder / "sae_features"
    shards.mkdir(parents=True)
    ids = np.arange(100, 100 + N_REPORTS, dtype=np.int64)
    write_feature_shards(shards, [(ids, values)], N_LATENTS, {"hookpoint": HOOKPOINT})
    made = Results(folder)
    made.write_note("sae_features", made.content("sae_features"), Note())
    made.write_table(made.table("latent_windows"), windows_table(rng, values))
    return folder


def settings(url: str, **more: Any) -> JudgeSettings:
    """As a judge.toml would have them, quick where a test waits."""
    return JudgeSettings(**{"endpoint": url, "model": "planted", "timeout": 5.0, "longest_wait": 2.0, **more})


def bench(folder: Path, universe: Path, judge: JudgeSettings) -> Bench:
    """Of such results."""
    shards = FeatureShards(folder / "sae_features")
    windows = Windows(pq.read_table(folder / "latent_windows.parquet"))
    files = JudgeFiles(universe / "fuzz_scores")
    return Bench(judge, windows, of_reports(windows, shards), files, HOOKPOINT, str(shards.manifest["content"]))


def files_in(universe: Path) -> dict[str, bytes]:
    """What a judge has written; hidden folders, in which it works, are not looked into."""
    folder = universe / "fuzz_scores"
    return {str(path.relative_to(folder)): path.read_bytes() for path in files_of(folder)}
