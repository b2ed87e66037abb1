"""Blocks of unit rows on the computing device, in float32 for large products and in float64 for what decides."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from compsim_assets.science.device import map_on_all_cores, to_device

# Share of a GPU's free memory that all rows may take; the rest is for products.
_RESIDENT_SHARE = 0.6
# Rows of a product that one of a CPU's threads takes.
_PANEL = 128
# Rows of pairs that are gathered at once: few enough for a CPU's cache, many enough for a GPU.
_PAIR_BYTES = {"cpu": 1 << 21, "cuda": 1 << 28}


@dataclass(frozen=True)
class Block:
    """b consecutive rows: `raw` (b, P) as given, `length` (b, 1) float64 (1 for a zero row), `single` (b, P) unit rows
    in float32; `start` is the first row's position."""

    start: int
    raw: torch.Tensor
    length: torch.Tensor
    single: torch.Tensor

    def __len__(self) -> int:
        return len(self.raw)

    def double(self) -> torch.Tensor:
        """(b, P) unit rows in float64."""
        return self.raw / self.length


def products(a: torch.Tensor, b: torch.Tensor, out: torch.Tensor) -> None:
    """a b^T of (m, P) and (k, P), into (m, k): no bit depends on how many threads there are.

    A CPU's threads take whole panels of rows. Those that share a small product share its sums, and every number of them
    rounds in its own way.
    """

    def panel(start: int) -> None:
        torch.mm(a[start : start + size], b.T, out=out[start : start + size])

    size = _PANEL if a.device.type == "cpu" else len(a)
    with _full_float32():
        list(map_on_all_cores(panel, range(0, len(a), size), device=a.device))


@contextmanager
def _full_float32() -> Iterator[None]:
    """No TF32 on a GPU, no bfloat16 on a CPU: their errors are beyond the filter's margin."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def pair_cosines(a: Block, b: Block, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
    """(m,) float64 cosines of row `row[k]` of one block and `column[k]` of the other, each from its own two rows.

    Cost: m P multiply-adds, bound by memory: 7 microseconds per pair on a CPU at P = 4,000, 100 times as much as a pair
    in a matrix product.
    """
    dots = _dots_on_cpu if row.device.type == "cpu" else _dots_on_gpu
    step = max(1, _PAIR_BYTES[row.device.type] // (16 * a.raw.shape[1]))
    parts = [
        dots(a.raw, b.raw, row[start : start + step], column[start : start + step])
        for start in range(0, len(row), step)
    ]
    empty = torch.empty(0, dtype=torch.float64, device=row.device)
    return torch.cat([empty, *parts]).div_((a.length[row] * b.length[column])[:, 0])


def _dots(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    # numpy: one thread, and a cast on the way. Rows that fit into the cache are no work worth sharing.
    dots: np.ndarray = np.einsum("ij,ij->i", left, right, dtype=np.float64, casting="same_kind")
    return dots


def _dots_on_cpu(a: torch.Tensor, b: torch.Tensor, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(_dots(a.numpy()[row.numpy()], b.numpy()[column.numpy()]))


def _dots_on_gpu(a: torch.Tensor, b: torch.Tensor, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
    left, right = a[row].double(), b[column].double()
    return torch.bmm(left[:, None, :], right[:, :, None])[:, 0, 0]


class UnitBlocks:
    """All rows of a year, handed out in blocks.

    Rows stay on the device where they fit; otherwise each block is uploaded when it is asked for, through page-locked
    memory. Memory: the scores and 4 n P bytes of float32 unit rows, on the device or, block by block, b P of each.

    Raises:
        ValueError: scores that are not finite.
    """

    def __init__(self, scores: np.ndarray, device: torch.device, resident: bool | None = None) -> None:
        self._host = torch.from_numpy(np.require(scores, requirements=("C", "W")))
        self.device = device
        length = torch.from_numpy(row_lengths(self._host.numpy()))
        if not torch.isfinite(length).all():
            raise ValueError("scores must be finite")
        self.is_zero = (length == 0).numpy()
        self._length = length.masked_fill_(length == 0, 1.0)[:, None].to(device)
        self._raw = self._host
        self._single: torch.Tensor | None = None
        if self._fits() if resident is None else resident:
            self._raw = self._host.to(device)
            self._single = torch.empty(self._raw.shape, dtype=torch.float32, device=device)
            for start in range(0, len(self), 1024):
                rows = slice(start, start + 1024)
                self._single[rows] = self._raw[rows] / self._length[rows]

    def __len__(self) -> int:
        return len(self._host)

    @property
    def n_axes(self) -> int:
        """P."""
        return self._host.shape[1]

    @property
    def host(self) -> np.ndarray:
        """(n, P) the scores as given."""
        return self._host.numpy()

    def _fits(self) -> bool:
        if self.device.type != "cuda":
            return True
        free, _ = torch.cuda.mem_get_info(self.device)
        needed = self._host.numel() * (self._host.element_size() + 4)
        return bool(needed <= _RESIDENT_SHARE * free)

    def block(self, start: int, stop: int) -> Block:
        """Rows start..stop - 1."""
        rows = slice(start, stop)
        if self._single is not None:
            return Block(start, self._raw[rows], self._length[rows], self._single[rows])
        return self._uploaded(start, self._host[rows], self._length[rows])

    def pick(self, positions: np.ndarray) -> Block:
        """Any rows as a block; its `start` means nothing."""
        rows = torch.from_numpy(positions)
        return self._uploaded(0, self._host[rows], self._length[rows.to(self.device)])

    def distances(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """(m,) float64 distances of rows a[k] and b[k], from these two rows alone: the same in every process.

        Cost: m P multiply-adds, on one thread of the CPU.
        """
        length = self._length.cpu().numpy()[:, 0]
        step = max(1, _PAIR_BYTES["cpu"] // (16 * self.n_axes))
        pairs = [(a[k : k + step], b[k : k + step]) for k in range(0, len(a), step)]
        dots = np.concatenate([np.empty(0), *(_dots(self.host[left], self.host[right]) for left, right in pairs)])
        distance: np.ndarray = (1.0 - dots / (length[a] * length[b])).clip(0.0, 2.0)
        return distance

    def _uploaded(self, start: int, host: torch.Tensor, length: torch.Tensor) -> Block:
        raw = to_device(host, self.device)
        return Block(start, raw, length, (raw / length).float())


def row_lengths(scores: np.ndarray, block: int = 1024) -> np.ndarray:
    """(n,) Euclidean lengths in float64, in blocks of rows."""
    parts = [
        np.linalg.norm(scores[start : start + block].astype(np.float64), axis=1)
        for start in range(0, len(scores), block)
    ]
    return np.concatenate([np.empty(0), *parts])


def mean_cosine(rows: UnitBlocks, block: int) -> float:
    """Mean cosine of all pairs: (|sum u|^2 - sum |u|^2) / (n (n - 1)). Cost: O(n P)."""
    n = len(rows)
    total = torch.zeros(rows.n_axes, dtype=torch.float64, device=rows.device)
    for start in range(0, n, block):
        total += rows.block(start, min(start + block, n)).double().sum(dim=0)
    # Of more numbers every thread would add up a part, and each number of parts has its own last bits.
    square = sum(float(part @ part) for part in total.split(10_000))
    return (square - float((~rows.is_zero).sum())) / (n * (n - 1))
