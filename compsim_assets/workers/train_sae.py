"""Worker program: descriptions -> a sparse autoencoder (SAE), on every process that torchrun starts.

Extras:
    texts: a parquet file with a column `text` (string) or `input_ids` (lists of int), one row per report, and
        `held_out` (bool): whether the text is measured instead of trained on, the same for equal texts.
    settings: `ExtractionSettings.to_dict()`, with `train`.
    resume: folder of this training alone: what a killed one goes on from. The same texts, settings and number of
        processes end with the same bytes, however often they were killed.
    output: folder for the results.
    checkpoint_seconds: how often the state is written; 20 where it is not given.

Writes `<output>/sae/cfg.json` and `sae.safetensors`, eai-sparsify's layout, float32, decoder rows of length one; and
`<output>/training.parquet`, the table `sae_training`.

Why the library's own `Trainer` does not do: one that is resumed starts its data loader, its schedule-free optimiser and
its count of dead latents otherwise than they were; its auxiliary loss gives the encoder no gradient, so dead latents
stay dead; it saves a coder whose decoder was last normalised before the last update; it knows neither texts held out
nor a measure on them; and it feeds windows of a stream of tokens, not descriptions.

Result: latents, k, width, tokens, held_out_tokens, texts, held_out_texts, steps, passes, stopped_early, fvu (on the
texts trained on, at the end), held_out_fvu, dead (share of latents that are active on none of their tokens), l0,
revived, n_truncated, resumed_at, device, dtype.

Memory of a process: the language model; the SAE six times (weights, gradient twice, moments); a batch's activations and
what is made of them. Disk: CHAPTER_BYTES of activations in `resume`, and a state of three times the SAE.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import torch.distributed as dist

from compsim_assets.launch.worker import Worker, run
from compsim_assets.science.companies import first_of_each
from compsim_assets.science.training.fit import Fit, Measure, dead, measure, revive, update
from compsim_assets.science.training.sizes import Plan, TooFewTokens, plan
from compsim_assets.workers.activation_files import Reader, chapters, share_of, units_of
from compsim_assets.workers.language_models import dtype_name, load_hooked_model
from compsim_assets.workers.text_batches import Contents, Lengths, count_tokens, read_contents
from compsim_assets.workers.training_state import State, load_state, save_coder, save_state

_MEASURES = 40  # of a whole training
_SECONDS = 20  # between two states on the disk
_HELD_OUT_TOKENS = 2**16  # measured, at most
_SOME = 2048  # tokens that show how strong latents must be
_NOISE = 0.05  # on the directions that latents start in: equal tokens must not make equal latents
_START, _ORDER, _CHAPTERS, _REVIVE, _HELD = range(5)  # what is drawn, for generators of their own


@dataclass
class Training:
    """A training under way: what is trained on, and how."""

    worker: Worker
    reader: Reader
    texts: np.ndarray
    plan: Plan
    seed: int
    folder: Path

    def draws(self, *what: int) -> np.random.Generator:
        """A generator of its own for each thing that is drawn, at each place of the training."""
        return np.random.default_rng([self.seed, 2, *what])

    def reduce(self, array: torch.Tensor) -> torch.Tensor:
        """The sum over all processes; of the same processes, always in the same order."""
        if self.worker.world_size > 1:
            dist.all_reduce(array)
        return array

    def chapters(self, number: int) -> list[np.ndarray]:
        """The texts of a pass in parts."""
        width = self.reader.model.width
        return chapters(self.texts, self.reader.lengths, width, self.draws(_CHAPTERS, number))

    def tokens_of(self, texts: np.ndarray) -> int:
        """Counted tokens of texts."""
        return int(self.reader.lengths.counted[texts].sum())

    def updates_of(self, texts: np.ndarray) -> int:
        """Batches in a chapter; tokens that make no whole one are left out, others in each pass."""
        return self.tokens_of(texts) // self.plan.batch

    @cached_property
    def updates(self) -> int:
        """Of all passes, where nothing brings the end on."""
        return sum(self.updates_of(texts) for number in range(self.plan.passes) for texts in self.chapters(number))

    def activations(self, number: int, chapter: int, texts: np.ndarray, parts: int) -> np.ndarray:
        """Of a chapter; of several one lies on the disk at a time."""
        name = f"{number}-{chapter}" if parts > 1 else "all"
        if parts > 1 and self.worker.rank == 0:
            for path in self.folder.glob("chapter-*"):
                if path.stem != f"chapter-{name}":
                    path.unlink()
        return self.reader.write(texts, self.folder / f"chapter-{name}.npy", "texts")

    def batches(self, after: int) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        """A chapter's activations, positions of a batch's tokens in them and the updates of a pass, from update `after`
        on, without end.
        """
        step, number = 0, 0
        while True:
            parts = self.chapters(number)
            steps = sum(self.updates_of(texts) for texts in parts)
            for chapter, texts in enumerate(parts):
                updates = self.updates_of(texts)
                if step + updates > after:
                    activations = self.activations(number, chapter, texts, len(parts))
                    order = self.draws(_ORDER, number, chapter).permutation(len(activations))
                    for batch in range(max(0, after - step), updates):
                        yield activations, order[batch * self.plan.batch : (batch + 1) * self.plan.batch], steps
                step += updates
            number += 1


def main(worker: Worker) -> None:
    """Train an SAE on `texts`; the module's documentation says from what and to where."""
    settings = worker.extras["settings"]
    contents = read_contents(Path(worker.extras["texts"]))
    model = load_hooked_model(settings, worker.device)
    lengths = count_tokens(worker, contents, model.tokenize)
    trained, held = _sides(Path(worker.extras["texts"]), contents, lengths)
    folder = Path(worker.extras["resume"])
    if worker.rank == 0:
        folder.mkdir(parents=True, exist_ok=True)
    worker.barrier()
    reader = Reader(worker, model, contents, lengths)
    planned = _plan(settings, trained, lengths, model.width)
    training = Training(worker, reader, trained, planned, int(settings["train"]["seed"]), folder)
    held_out = reader.write(held, folder / "held-out.npy", "texts held out")
    state = load_state(folder, worker.world_size, worker.device)
    resumed_at = state.fit.step if state else 0
    if worker.of_first(resumed_at) != resumed_at:
        raise RuntimeError(f"{folder}: processes read different states of this training: all must see the same files")
    worker.barrier()  # all have read it
    if state:
        worker.log(f"training goes on after update {resumed_at:,} of {state.fit.end:,}")
    state = state or _start(training)
    _train(training, state, held_out)
    result = _write(training, state, held_out)
    worker.result({**result, **_counts(training, held, settings), "resumed_at": resumed_at})


def _sides(path: Path, contents: Contents, lengths: Lengths) -> tuple[np.ndarray, np.ndarray]:
    """Contents to train on and those held out, as far as they are texts; of the latter so many as are measured."""
    held = pq.read_table(path, columns=["held_out"]).column("held_out").to_numpy()[first_of_each(contents.of_report)]
    texts = lengths.counted > 0
    out = np.flatnonzero(texts & held)
    return np.flatnonzero(texts & ~held), out[np.cumsum(lengths.counted[out]) <= _HELD_OUT_TOKENS]


def _plan(settings: dict[str, Any], trained: np.ndarray, lengths: Lengths, width: int) -> Plan:
    train = settings["train"]
    try:
        return plan(int(lengths.counted[trained].sum()), width, train["latents"], train["k"])
    except TooFewTokens as error:
        raise ValueError(
            f"{settings['file']} [train]: {error.tokens:,} tokens of {len(trained):,} different texts are too few for "
            f"{error.latents:,} latents, at least one per latent is needed: give more texts, or name fewer latents"
        ) from error


def _start(training: Training) -> State:
    """Latents that look for tokens, different ones as far as there are any."""
    plan, parts = training.plan, training.chapters(0)
    activations = training.activations(0, 0, parts[0], len(parts))
    units, draw = units_of(activations), training.draws(_START)
    places = draw.choice(len(activations), plan.latents, replace=len(activations) < plan.latents)
    rows = (activations[np.sort(places)] - units.mean) / np.float32(units.length)
    noise = draw.standard_normal(rows.shape, dtype=np.float32)
    noise *= _NOISE * np.linalg.norm(rows, axis=1, keepdims=True) / rows.shape[1] ** 0.5
    directions, tokens = (
        torch.from_numpy(some).to(training.worker.device) for some in (rows + noise, rows[:: -(-len(rows) // _SOME)])
    )
    return State(Fit.of(directions, tokens, plan.k, training.updates), units)


def _train(training: Training, state: State, held_out: np.ndarray) -> None:
    """Updates until the end, with measures, and the state on disk from time to time."""
    worker, plan, fit, window = training.worker, training.plan, state.fit, state.window
    seconds = worker.extras.get("checkpoint_seconds", _SECONDS)
    saved, every = time.monotonic(), max(1, training.updates // _MEASURES)
    batches = training.batches(fit.step)
    while fit.step < fit.end:
        activations, places, pass_updates = next(batches)
        mine = np.sort(np.array_split(places, worker.world_size)[worker.rank])
        tokens = state.units.of(activations[mine], worker.device)
        made = update(fit, plan, tokens, len(places), training.reduce)
        window.error += made.error
        window.active += made.active
        window.tokens += made.tokens
        if fit.step % every == 0 or fit.step >= fit.end:
            _measure(training, state, held_out, activations, pass_updates)
            window = state.window
        worker.progress(fit.step, fit.end, "SAE, updates")
        if worker.rank == 0 and time.monotonic() >= saved + seconds:
            save_state(state, training.folder, worker.world_size)
            saved = time.monotonic()
    if worker.rank == 0:
        save_state(state, training.folder, worker.world_size)


def _measure(
    training: Training, state: State, held_out: np.ndarray, activations: np.ndarray, pass_updates: int
) -> None:
    """A row of the history; dead latents start anew, and the end begins early where nothing is gained any more."""
    fit, plan, window = state.fit, training.plan, state.window
    there = _measured(training, state, held_out) if len(held_out) else None
    fvu, gone = window.error / window.tokens, float(dead(fit, pass_updates).float().mean())
    row = {
        "step": fit.step,
        "tokens": fit.step * plan.batch,
        "passes": fit.step / pass_updates,
        "fvu": fvu,
        "held_out_fvu": there.fvu if there else None,
        "dead": gone,
        "l0": window.active / window.tokens,
        "learning_rate": fit.step_size(plan),
    }
    state.history.append(row)
    state.window = type(window)()
    beside = "" if there is None else f", {100 * there.fvu:.1f} % on texts held out"
    training.worker.log(
        f"SAE, update {fit.step:,} of {fit.end:,}: {100 * fvu:.1f} % of the variance unexplained{beside}, "
        f"{100 * gone:.1f} % of latents dead"
    )
    if fit.step < fit.falls_from:
        draw = training.draws(_REVIVE, fit.step)
        places = np.sort(draw.choice(len(activations), min(len(activations), 4096), replace=False))
        state.revived += revive(fit, plan, state.units.of(activations[places], training.worker.device), pass_updates)
        if there:
            fit.measured(there.fvu)


def _measured(training: Training, state: State, activations: np.ndarray) -> Measure:
    blocks = share_of(training.worker, activations, state.units)
    return measure(state.fit.coder, training.plan.k, blocks, training.reduce)


def _write(training: Training, state: State, held_out: np.ndarray) -> dict[str, Any]:
    """The SAE, its history, and how well it does in the end."""
    output, parts, worker = Path(training.worker.extras["output"]), training.chapters(0), training.worker
    there = _measured(training, state, training.activations(0, 0, parts[0], len(parts)))
    beside = _measured(training, state, held_out) if len(held_out) else None
    if worker.rank == 0:
        output.mkdir(parents=True, exist_ok=True)
        save_coder(state.fit.coder, state.units, training.plan.k, output / "sae")
        pq.write_table(pa.Table.from_pylist(state.history), output / "training.parquet")
    worker.barrier()
    fit, plan = state.fit, training.plan
    return {
        **{name: value for name, value in asdict(plan).items() if name != "passes"},
        "steps": fit.step,
        "passes": round(fit.step * plan.batch / training.tokens_of(training.texts), 2),
        "stopped_early": fit.step < training.updates,
        "fvu": there.fvu,
        "held_out_fvu": beside.fvu if beside else None,
        "dead": float((there.active == 0).float().mean()),
        "l0": there.l0,
        "revived": state.revived,
    }


def _counts(training: Training, held: np.ndarray, settings: dict[str, Any]) -> dict[str, Any]:
    model, lengths = training.reader.model, training.reader.lengths
    return {
        "width": model.width,
        "tokens": training.tokens_of(training.texts),
        "texts": len(training.texts),
        "held_out_tokens": training.tokens_of(held),
        "held_out_texts": len(held),
        "n_truncated": int(lengths.truncated[training.texts].sum()),
        "device": str(training.worker.device),
        "dtype": dtype_name(next(model.model.parameters()).dtype),
        **{key: settings[key] for key in ("hookpoint", "model")},
    }


if __name__ == "__main__":
    run(main, memory_hint="fewer latents or a smaller tokens_per_batch in extraction.toml")
