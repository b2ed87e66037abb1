"""What every program that turns texts into rows of numbers does the same way: read, count, share out, write.

A row for each different text is written to a matrix on disk, and an index says which row a report has.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch.distributed as dist

from compsim_assets.launch.worker import Worker
from compsim_assets.science.device import share_out
from compsim_assets.science.latents.extraction import Tokens, plan_batches, texts_per_batch
from compsim_assets.workers.tokenization import Tokenizer

_TEXTS_PER_CALL = 256  # to the tokenizer, while lengths are counted


@dataclass(frozen=True)
class Contents:
    """The different contents of a column, each once, in order of first appearance.

    Attributes:
        values: strings, or lists of token ids.
        of_report: (reports,) int64, number of each report's content; -1 where it has none.
    """

    values: pa.Array
    of_report: np.ndarray

    def take(self, numbers: Sequence[int] | np.ndarray) -> list[Any]:
        """The contents with these numbers: strings or int64 arrays."""
        taken = self.values.take(pa.array(numbers, type=pa.int64()))
        if pa.types.is_string(taken.type) or pa.types.is_large_string(taken.type):
            return taken.to_pylist()
        return [ids.values.to_numpy() for ids in taken]


def read_contents(path: Path) -> Contents:
    """Read `texts` and find its different contents; null, empty and blank ones are no content.

    Raises:
        ValueError: not exactly one of the columns `text` and `input_ids`, or of another type.
    """
    table = pq.read_table(path)
    if len(names := [name for name in ("text", "input_ids") if name in table.column_names]) != 1:
        raise ValueError(f"{path}: one column, text or input_ids, is expected: {table.column_names}")
    column = table.column(names[0])
    if names[0] == "text":
        return _different_texts(column.cast(pa.large_string()).combine_chunks())
    return _different_ids(column.cast(pa.large_list(pa.int64())).combine_chunks())


def _different_texts(texts: pa.Array) -> Contents:
    blank = pc.equal(pc.utf8_trim_whitespace(texts), "")
    texts = pc.if_else(blank, pa.scalar(None, texts.type), texts)
    encoded = texts.dictionary_encode()
    numbers = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return Contents(encoded.dictionary, numbers.astype(np.int64))


def _different_ids(lists: pa.Array) -> Contents:
    seen: dict[bytes, int] = {}
    first: list[int] = []
    numbers = np.full(len(lists), -1, dtype=np.int64)
    for report, ids in enumerate(lists):
        if not ids.is_valid or not len(ids.values):
            continue
        key = ids.values.to_numpy().tobytes()
        if key not in seen:
            seen[key] = len(first)
            first.append(report)
        numbers[report] = seen[key]
    return Contents(lists.take(pa.array(first, type=pa.int64())), numbers)


@dataclass(frozen=True)
class Lengths:
    """What the batches are planned from; (contents,) each: int64, int64, bool, int64."""

    tokens: np.ndarray
    counted: np.ndarray
    truncated: np.ndarray
    windows: np.ndarray


def count_tokens(worker: Worker, contents: Contents, tokenize: Tokenizer) -> Lengths:
    """Tokenize every content once, each process its share, and tell all of them the lengths.

    Only lengths are kept: the ids are made again batch by batch, which costs little beside the model and saves memory.
    """
    n = len(contents.values)
    mine = range(worker.rank, n, worker.world_size)
    counts = np.zeros((4, n), dtype=np.int64)
    for start in range(0, len(mine), _TEXTS_PER_CALL):
        numbers = mine[start : start + _TEXTS_PER_CALL]
        tokens = tokenize(contents.take(numbers))
        counts[:, numbers] = np.array([_measure(of_one) for of_one in tokens]).T
        worker.progress(start + len(numbers), len(mine), _what("texts tokenized", worker))
    total = np.sum(_gather_everywhere(worker, counts), axis=0)
    return Lengths(total[0], total[1], total[2].astype(bool), total[3])


def _measure(tokens: Tokens) -> tuple[int, int, bool, int]:
    return len(tokens.ids), int(tokens.counted.sum()), tokens.truncated, 1 + len(tokens.starts)


def _gather_everywhere(worker: Worker, value: Any) -> list[Any]:
    if worker.world_size == 1:
        return [value]
    values: list[Any] = [None] * worker.world_size
    dist.all_gather_object(values, value)
    return values


def _what(what: str, worker: Worker) -> str:
    share = f" by the first of {worker.world_size} processes" if worker.world_size > 1 else ""
    return what + share


@dataclass(frozen=True)
class TextRows:
    """What turns texts into the rows of a matrix.

    Attributes:
        name: of the rows, as file, progress and errors say it: "features".
        done: what has happened to a text that has its row: "extracted".
        tokenize: texts or token ids -> tokens.
        compute: tokens of a batch, and the contents' numbers -> (texts, width) float32, and one such for each of
            `beside`.
        width: of a row.
        beside: width by name of what is computed with them, each in a matrix of its own.
    """

    name: str
    done: str
    tokenize: Tokenizer
    compute: Callable[[Sequence[Tokens], np.ndarray], tuple[np.ndarray, ...]]
    width: int
    beside: Mapping[str, int] = field(default_factory=dict)

    @property
    def matrices(self) -> dict[str, int]:
        """Width of every matrix by its name."""
        return {self.name: self.width, **self.beside}


def write_rows(worker: Worker, contents: Contents, rows_of: TextRows) -> tuple[dict[str, Any], np.ndarray]:
    """Compute the rows of all contents, each process its share of the batches, and write them.

    Writes `<output>/unique_<name>.npy`, (n_unique, width) float32, a row for each different text in
    order of first appearance, the same for each name of `beside`, and `<output>/index.parquet`, a row
    per report in the order of `texts`: `row` (in the matrices; -1 where there is no text), `n_tokens`
    (text alone, without special tokens), `truncated`. A collective: every process must call it.

    Args:
        worker: its extras hold `output`, a folder, and `settings` with `tokens_per_batch`. contents: of the reports.
        rows_of: how a batch is computed.

    Returns:
        n_texts (reports), n_unique, n_truncated, n_chunked and n_empty (of the reports), n_tokens (of the
        unique texts), tokens_per_second, device; of use on the first process alone. And (contents,) int64, each one's
        row, -1 where it is no text.

    Raises:
        OSError: the disk is too full.
    """
    output = Path(worker.extras["output"])
    lengths = count_tokens(worker, contents, rows_of.tokenize)
    # A content of special tokens alone is no text.
    texts = np.flatnonzero(lengths.counted)
    rows = np.full(len(lengths.counted), -1, dtype=np.int64)
    rows[texts] = np.arange(len(texts))
    files = [output / f"unique_{name}.npy" for name in rows_of.matrices]
    if worker.rank == 0:
        output.mkdir(parents=True, exist_ok=True)
        for file, (name, width) in zip(files, rows_of.matrices.items(), strict=True):
            create_matrix(file, (len(texts), width), name)
    worker.barrier()
    started = time.perf_counter()
    limits = (worker.extras["settings"]["tokens_per_batch"], texts_per_batch(rows_of.width))
    if mine := plan_share(worker, texts, lengths, limits):
        compute_share(worker, rows_of, contents, mine, rows, files)
    worker.barrier()
    seconds = time.perf_counter() - started
    if worker.rank == 0:
        write_index(output / "index.parquet", contents.of_report, rows, lengths)
    n_tokens = int(lengths.counted.sum())
    of_report = contents.of_report
    summary = {
        "n_texts": len(of_report),
        "n_unique": len(texts),
        "n_truncated": int(np.append(lengths.truncated, False)[of_report].sum()),
        "n_chunked": int((np.append(lengths.windows, 0)[of_report] > 1).sum()),
        "n_empty": int((np.append(rows, -1)[of_report] < 0).sum()),
        "n_tokens": n_tokens,
        "tokens_per_second": round(n_tokens / seconds, 1),
        "device": str(worker.device),
    }
    return summary, rows


def create_matrix(path: Path, shape: tuple[int, int], name: str) -> None:
    """Create the file of a float32 matrix, zeros.

    Raises:
        OSError: the disk is too full. Without this check a write to a mapped file would end the
            process with a bus error.
    """
    needed, free = shape[0] * shape[1] * 4, shutil.disk_usage(path.parent).free
    if needed > free:
        raise OSError(f"{path}: the {name} need {needed:,} bytes, the disk has {free:,} free")
    if shape[0] == 0:  # nothing to map
        np.save(path, np.zeros(shape, dtype=np.float32))
    else:
        np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape).flush()


def compute_share(
    worker: Worker,
    rows_of: TextRows,
    contents: Contents,
    batches: list[np.ndarray],
    rows: np.ndarray,
    files: Sequence[Path],
) -> None:
    """Compute this process's batches and write each content's row to every file."""
    matrices = [np.lib.format.open_memmap(file, mode="r+") for file in files]
    done, total = 0, sum(len(batch) for batch in batches)
    for batch in batches:
        made = rows_of.compute(rows_of.tokenize(contents.take(batch)), batch)
        for matrix, part in zip(matrices, made, strict=True):
            matrix[rows[batch]] = part
        done += len(batch)
        worker.progress(done, total, _what(f"texts {rows_of.done}", worker))
    for matrix in matrices:
        matrix.flush()


def write_index(path: Path, of_report: np.ndarray, rows: np.ndarray, lengths: Lengths) -> None:
    """Write, a row per report, its row in the matrix, its tokens and whether it was truncated."""
    # The last place, which -1 means, holds the answer for a report without text.
    row = np.append(rows, -1)[of_report]
    n_tokens = np.append(lengths.counted, 0)[of_report]
    truncated = np.append(lengths.truncated, False)[of_report]
    pq.write_table(pa.table({"row": row, "n_tokens": n_tokens, "truncated": truncated}), path)


def plan_share(worker: Worker, texts: np.ndarray, lengths: Lengths, limits: tuple[int, int]) -> list[np.ndarray]:
    """This process's share of the batches, each an array of content numbers.

    Args:
        worker: whose share.
        texts: contents to compute.
        lengths: of all contents.
        limits: tokens and texts of a batch.
    """
    batches = [texts[batch] for batch in plan_batches(lengths.tokens[texts], *limits)]
    costs = [len(batch) * int(lengths.tokens[batch].max()) for batch in batches]
    return [batches[number] for number in share_out(costs, worker.world_size)[worker.rank]]
