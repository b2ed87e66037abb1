"""For programs that need no pandas: pyarrow would import it, to see whether an array is one of its; none is."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ImportError("this program needs no pandas: see compsim_assets.workers.without_pandas")


def refuse_pandas() -> None:
    """Let no module of this process import pandas: half a second of a rank's start (a second from a cold disk)."""
    sys.meta_path.insert(0, _NoPandas())
