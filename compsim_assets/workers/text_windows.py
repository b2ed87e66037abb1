"""From what each process collected while it read texts to one file of windows: tokens as text, one row per window."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from compsim_assets.launch.worker import Worker
from compsim_assets.science.companies import first_of_each
from compsim_assets.science.latents.windows import TopWindows, Windows, merge

_LATENTS = 4096  # brought together at once
_SCHEMA = pa.schema(
    [
        ("latent", pa.int64()),
        ("rank", pa.int64()),
        ("row", pa.int64()),
        ("activation", pa.float64()),
        ("tokens", pa.string()),
        ("activations", pa.string()),
    ]
)


def companies_of(path: Path, of_report: np.ndarray) -> np.ndarray:
    """(contents,) the company of each content's first report: column `company` of `texts`, else each its own."""
    first = first_of_each(of_report)
    if "company" not in pq.read_schema(path).names:
        return np.arange(len(first))
    company = pq.read_table(path, columns=["company"]).column("company").to_numpy()
    return np.unique(company, return_inverse=True)[1][first]


def write_windows(worker: Worker, windows: TopWindows, n_latents: int, rows: np.ndarray, pieces: Pieces) -> int:
    """Write `<output>/windows.parquet`, by latent and rank; returns their number. Every process must call it.

    Columns: latent, rank (from 1), row (of the text's features), activation (the largest), tokens and activations
    (JSON lists). Memory: the windows of some thousand latents.

    Args:
        worker: its extras hold `output`.
        windows: what this process collected.
        n_latents: how many there are.
        rows: (contents,) row of each content.
        pieces: tokens as text.
    """
    output = Path(worker.extras["output"])
    blocks = [slice(start, min(start + _LATENTS, n_latents)) for start in range(0, n_latents, _LATENTS)]
    if worker.rank > 0:
        for number, block in enumerate(blocks):
            np.savez(_part(output, worker.rank, number), **vars(windows.windows(block)))
    worker.barrier()
    if worker.rank > 0:
        return 0
    n = 0
    with pq.ParquetWriter(output / "windows.parquet", _SCHEMA) as writer:
        for number, block in enumerate(blocks):
            parts = [windows.windows(block), *_others(output, worker.world_size, number)]
            together = merge(parts, windows.per_latent)
            writer.write_table(_table(together, rows, pieces))
            n += len(together.latent)
    return n


def _part(output: Path, rank: int, block: int) -> Path:
    return output / f"windows-{rank}-{block}.npz"


def _others(output: Path, world_size: int, block: int) -> Iterator[Windows]:
    for rank in range(1, world_size):
        path = _part(output, rank, block)
        with np.load(path) as arrays:
            yield Windows(**arrays)
        path.unlink()


def _table(windows: Windows, rows: np.ndarray, pieces: Pieces) -> pa.Table:
    sizes = (windows.ids >= 0).sum(axis=1).tolist()
    tokens = [pieces.spell(ids[:size]) for ids, size in zip(windows.ids.tolist(), sizes, strict=True)]
    activations = [_numbers(some[:size]) for some, size in zip(windows.activations.tolist(), sizes, strict=True)]
    columns = (windows.latent, windows.rank + 1, rows[windows.text], windows.activation.astype(float))
    return pa.table([*columns, tokens, activations], schema=_SCHEMA)


def _numbers(values: list[float]) -> str:
    return json.dumps([float(f"{value:.5g}") if value else 0 for value in values])


class Pieces:
    """A tokenizer's tokens as text, with the blank before a word: joined they are the text again, nearly."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._spelled: dict[int, str] = {}

    @cached_property
    def _continues(self) -> bool:
        """Whether what continues a word is marked, not what begins one."""
        return any(token.startswith("##") for token in self._tokenizer.get_vocab())

    def spell(self, ids: list[int]) -> str:
        """A JSON list; everything but plain characters is escaped: tokens are untrusted text."""
        for token in ids:
            if token not in self._spelled:
                self._spelled[token] = self._one(token)
        return json.dumps([self._spelled[token] for token in ids])

    def _one(self, token: int) -> str:
        piece = str(self._tokenizer.convert_ids_to_tokens(token))
        if self._continues:
            return piece.removeprefix("##") if piece.startswith("##") else f" {piece}"
        if piece.startswith("▁"):
            return " " + piece.removeprefix("▁")
        return str(self._tokenizer.decode([token], clean_up_tokenization_spaces=False))
