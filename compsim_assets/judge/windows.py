"""Windows of text in which latents are active, out of the table `latent_windows`."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compsim_assets.universe.judging.labels import are_tokens, whole
from compsim_assets.universe.layout import UniverseError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

COLUMNS = ("latent", "rank", "report_id", "tokens", "activations")


@dataclass(frozen=True)
class Window:
    """Tokens of a text with a latent's activation on each; the report that they are from, None where it is unknown."""

    tokens: tuple[str, ...]
    activations: tuple[float, ...]
    report_id: int | None = None

    def marks(self, threshold: float = 0.3) -> frozenset[int]:
        """Positions with at least this share of the largest activation: what delphi marks, too."""
        least = threshold * max(self.activations)
        return frozenset(i for i, value in enumerate(self.activations) if value > 0 and value >= least)

    def silenced(self) -> "Window":
        """The same text with activations of zero: those of another latent."""
        return Window(self.tokens, (0.0,) * len(self.tokens), self.report_id)


class Windows:
    """All windows of all latents; texts are read when they are asked for.

    Memory: the table's columns, as Arrow has them: about 0.6 kB per window.
    """

    def __init__(self, table: "pa.Table") -> None:
        """`table` has the columns `COLUMNS`, in any order of rows."""
        import numpy as np

        latent, rank = (table.column(name).to_numpy() for name in ("latent", "rank"))
        self._rows = np.lexsort((rank, latent))
        self._reports = table.column("report_id")
        self._tokens, self._activations = table.column("tokens"), table.column("activations")
        self._latents, self._starts = np.unique(latent[self._rows], return_index=True)
        self._ends = np.append(self._starts[1:], len(latent))

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def latents(self) -> "np.ndarray":
        """Latents that have a window, ascending."""
        return self._latents

    def of(self, latent: int) -> list[Window]:
        """Its windows, the largest activation first; of those with the same text the first."""
        position = int(self._latents.searchsorted(latent))
        if position == len(self._latents) or self._latents[position] != latent:
            return []
        rows = self._rows[self._starts[position] : self._ends[position]].tolist()
        different: dict[tuple[str, ...], Window] = {}
        for window in map(self.at, rows):
            if any(window.activations):
                different.setdefault(window.tokens, window)
        return list(different.values())

    def at(self, row: int) -> Window:
        """The window in a row of the table.

        Raises:
            UniverseError: it is no list of tokens with a number for each.
        """
        try:
            tokens = json.loads(self._tokens[row].as_py())
            activations = json.loads(self._activations[row].as_py())
            if not (are_tokens(tokens) and tokens and len(tokens) == len(activations)):
                raise ValueError("expected a list of tokens, and a number for each")
            texts = whole(tokens)
            window = Window(texts, tuple(float(value) for value in activations), self._reports[row].as_py())
        except (TypeError, ValueError) as problem:
            raise UniverseError(f"latent_windows, row {row}: {problem}; materialize latent_windows again") from None
        return window
