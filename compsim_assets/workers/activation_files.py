"""A language model's activations of texts, token by token, in files that are mapped: never all of them in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from compsim_assets.launch.worker import Worker
from compsim_assets.science.latents.extraction import counted_activations
from compsim_assets.workers.language_models import HookedModel
from compsim_assets.workers.text_batches import Contents, Lengths, create_matrix, plan_share

CHAPTER_BYTES = 4 * 2**30
"""Of activations that lie on the disk at a time: more tokens are read by the language model again in each pass."""

_ROWS = 4096  # read at once, where all are read


@dataclass(frozen=True)
class Reader:
    """Writes the activations of any of the contents; the same bytes whatever the number of processes."""

    worker: Worker
    model: HookedModel
    contents: Contents
    lengths: Lengths

    def write(self, texts: np.ndarray, path: Path, what: str) -> np.ndarray:
        """The activations of these texts' counted tokens, text after text: (tokens, width) float32, mapped.

        A file that is there is complete, and taken as it is: a name must stand for the same texts and the same model. A
        collective: every process must call it.

        Raises:
            OSError: the disk is too full.
        """
        counted = self.lengths.counted[texts]
        # Where each looked for itself, one might not see what another has just renamed, and they would part.
        if not self.worker.of_first(path.exists()):
            part = path.with_name(f"{path.stem}.part.npy")
            if self.worker.rank == 0:
                create_matrix(part, (int(counted.sum()), self.model.width), "activations")
            self.worker.barrier()
            self._fill(texts, np.cumsum(counted) - counted, part, what)
            self.worker.barrier()
            if self.worker.rank == 0:
                part.rename(path)
            self.worker.barrier()
        return np.load(path, mmap_mode="r")

    def _fill(self, texts: np.ndarray, starts: np.ndarray, path: Path, what: str) -> None:
        start_of = dict(zip(texts.tolist(), starts.tolist(), strict=True))
        budget = self.worker.extras["settings"]["tokens_per_batch"]
        batches = plan_share(self.worker, texts, self.lengths, (budget, len(texts)))
        total, read = sum(len(batch) for batch in batches), 0
        matrix = np.lib.format.open_memmap(path, mode="r+") if batches else None
        for batch in batches:
            tokens = self.model.tokenize(self.contents.take(batch))
            with torch.inference_mode():
                activations, owners = counted_activations(
                    self.model.model, self.model.module, tokens, self.worker.device, budget
                )
            rows, owner = activations.float().cpu().numpy(), owners.cpu().numpy()
            for number, text in enumerate(batch.tolist()):
                own_rows = rows[owner == number]
                assert matrix is not None
                matrix[start_of[text] : start_of[text] + len(own_rows)] = own_rows
            read += len(batch)
            self.worker.progress(read, total, f"{what} read by the language model")
        if matrix is not None:
            matrix.flush()


@dataclass(frozen=True)
class Units:
    """In which an SAE is trained: tokens less their mean, in multiples of the length that they then usually have."""

    mean: np.ndarray
    length: float

    def of(self, rows: np.ndarray, device: torch.device) -> torch.Tensor:
        """Rows of a file in these units."""
        return torch.from_numpy((rows - self.mean) / np.float32(self.length)).to(device)


def units_of(activations: np.ndarray) -> Units:
    """Of a file. Cost: reads it twice; memory: a block."""
    n = max(len(activations), 1)
    mean = sum((block.sum(0, dtype=np.float64) for block in _blocks(activations)), np.zeros(activations.shape[1])) / n
    squares = sum(float(((block - mean) ** 2).sum()) for block in _blocks(activations))
    return Units(mean.astype(np.float32), (squares / n) ** 0.5 or 1.0)


def _blocks(activations: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(activations), _ROWS):
        yield np.asarray(activations[start : start + _ROWS])


def share_of(worker: Worker, activations: np.ndarray, units: Units) -> Iterator[torch.Tensor]:
    """This process's blocks of a file, in units."""
    for number, block in enumerate(_blocks(activations)):
        if number % worker.world_size == worker.rank:
            yield units.of(block, worker.device)


def chapters(texts: np.ndarray, lengths: Lengths, width: int, order: np.random.Generator) -> list[np.ndarray]:
    """The texts in parts whose activations fit in CHAPTER_BYTES, a text at least; drawn anew where there are several.

    Args:
        texts: to part. lengths: of all contents. width: of an activation. order: draws theirs.
    """
    most = CHAPTER_BYTES // (4 * width)
    if lengths.counted[texts].sum() <= most:
        return [texts]
    shuffled = order.permutation(texts)
    chapter = (np.cumsum(lengths.counted[shuffled]) - 1) // most
    return [shuffled[chapter == number] for number in np.unique(chapter)]
