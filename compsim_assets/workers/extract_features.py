"""Worker program: descriptions -> SAE features, on every process that torchrun starts.

Extras:
    texts: a parquet file with a column `text` (string) or `input_ids` (lists of int), one row per report; and, to show
        each company once in a latent's windows, `company` (int).
    settings: `ExtractionSettings.to_dict()`.
    output: folder for the results.

Writes `<output>/unique_features.npy`, (n_unique, D) float32, a row for each different text in order
of first appearance, and `<output>/index.parquet`, a row per report in the order of `texts`: `row` (in
the features; -1 where there is no text), `n_tokens` (tokens summed), `truncated`; and `<output>/windows.parquet`, where
each latent is most active: see `text_windows.write_windows`; and, as `controls` in the settings says, a matrix of the
same rows for each control: `unique_random_sae-<seed>.npy`, `unique_raw_activations-1.npy` and
`unique_raw_activations_mean-1.npy`. All of it is the same whatever the number of processes.

Result: n_latents, n_texts (reports), n_unique, n_truncated, n_chunked and n_empty (of the reports), n_windows, n_tokens
(summed, of the unique texts), tokens_per_second, device, dtype, hookpoint, model, sae.

Memory of a process: the models, the different texts, FEATURE_BYTES for a batch's features, and
2 x PRE_ACTIVATION_BYTES plus a top-k's workspace while the SAE encodes, and WINDOW_BYTES for windows. The features lie
on disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from compsim_assets.launch.worker import Worker, run
from compsim_assets.science.latents.controls import RandomSae, random_features, raw_activations
from compsim_assets.science.latents.extraction import Beside
from compsim_assets.science.latents.windows import TopWindows
from compsim_assets.workers.language_models import LoadedModels, dtype_name, load_models
from compsim_assets.workers.text_batches import TextRows, read_contents, write_rows
from compsim_assets.workers.text_windows import Pieces, companies_of, write_windows


def main(worker: Worker) -> None:
    """Extract the features of `texts`; the module's documentation says from what and to where."""
    settings = worker.extras["settings"]
    texts = Path(worker.extras["texts"])
    contents = read_contents(texts)
    models = load_models(settings, worker.device)
    windows = TopWindows(models.extract.n_latents, companies_of(texts, contents.of_report))
    asked = settings.get("controls") or {}
    beside = controls_beside(asked, models)
    if asked.get("random_sae") and not any(name.startswith("random_sae") for name in beside):
        worker.log("no random SAE is held against this one: it has no fixed number of active latents (TopK)")
    extract = replace(models.extract, windows=windows, beside=tuple(beside.values()))
    widths = {name: each.width for name, each in beside.items()}
    rows_of = TextRows("features", "extracted", models.tokenize, extract.all_of, extract.n_latents, widths)
    summary, rows = write_rows(worker, contents, rows_of)
    pieces = Pieces(models.tokenize.tokenizer)
    n_windows = write_windows(worker, windows, extract.n_latents, rows, pieces)
    worker.result(
        {
            "n_latents": extract.n_latents,
            **summary,
            "n_windows": n_windows,
            "dtype": dtype_name(models.dtype),
            **{key: settings[key] for key in ("hookpoint", "model", "sae")},
        }
    )


def controls_beside(asked: Mapping[str, Any], models: LoadedModels) -> dict[str, Beside]:
    """What else is made of the activations, by the names of their matrices.

    Args:
        asked: `vars` of the settings' `Controls`.
    """
    made, sae, width = {}, models.sae, models.width
    if asked.get("raw_activations"):
        made["raw_activations-1"] = raw_activations(width, mean=False)
        made["raw_activations_mean-1"] = raw_activations(width, mean=True)
    if asked.get("random_sae") and not hasattr(getattr(sae, "cfg", None), "k"):
        return made  # no TopK, so there is none to draw directions for
    with torch.inference_mode():
        for seed in range(1, asked.get("random_sae", 0) + 1):
            weight, bias, centre = sae.encoder.weight, sae.encoder.bias, sae.b_dec
            random = RandomSae(weight.norm(dim=1), bias, centre, sae.cfg.k, seed)
            made[f"random_sae-{seed}"] = random_features(random)
    return made


if __name__ == "__main__":
    run(main, memory_hint="a smaller tokens_per_batch in extraction.toml")
