"""What a step has finished, part by part: one that was killed goes on from there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from compsim_assets.storage.results import Results

if TYPE_CHECKING:
    import numpy as np

FOLDER = ".finished"


@dataclass(frozen=True)
class FinishedParts:
    """Parts of one step, a file of arrays each, beside the results until these are published.

    A part's key names all that decides its bytes: what was made from something else is never found.
    """

    results: Results
    step: str

    def find(self, key: str) -> "dict[str, np.ndarray] | None":
        """The arrays of a part; None where there is none, or none that is whole."""
        import numpy as np

        try:
            with np.load(self._path(key), allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except (OSError, EOFError, ValueError, BadZipFile):
            return None

    def keep(self, key: str, arrays: Mapping[str, Any]) -> None:
        """Write a part, arrays and numbers by name, in one step."""
        import numpy as np

        with self.results.new_file(self._path(key)) as aside:
            np.savez(aside, **arrays)

    def of(self, key: str) -> "PartsOf":
        """Parts by name of what this key names."""
        return PartsOf(self, key)

    def clear(self) -> None:
        """Remove all parts of the step: its results are published."""
        for path in (self.results.folder / FOLDER / self.step).glob("*.npz"):
            path.unlink(missing_ok=True)

    def drop(self, key: str) -> None:
        """Remove a part that is part of another now."""
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.results.folder / FOLDER / self.step / f"{key}.npz"


@dataclass(frozen=True)
class PartsOf:
    """Parts by name of one thing that a step makes."""

    finished: FinishedParts
    key: str

    def of(self, name: str) -> "PartsOf":
        """Parts of a part."""
        return PartsOf(self.finished, f"{self.key}-{name}")

    def find(self, name: str) -> "dict[str, np.ndarray] | None":
        """See `FinishedParts.find`."""
        return self.finished.find(f"{self.key}-{name}")

    def keep(self, name: str, arrays: Mapping[str, Any]) -> None:
        """See `FinishedParts.keep`."""
        self.finished.keep(f"{self.key}-{name}", arrays)

    def drop(self, *names: str) -> None:
        """See `FinishedParts.drop`."""
        for name in names:
            self.finished.drop(f"{self.key}-{name}")
