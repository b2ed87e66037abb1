"""Reading a result: a file that is not there, empty or cut is named, with how to make it again.

Each format's reader says in its own words, and seldom of which file, that a file ends too early: pyarrow misses magic
bytes, mmap maps nothing, JSON expects a delimiter. Around whatever opens or decodes a result belongs

    with reading(path, "clusters"):
        table = pq.read_table(path)

and nothing in the block that raises a ValueError of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DamagedResult(ValueError):
    """A result's file is empty or cut, or some of its files are gone."""

    @classmethod
    def of(cls, path: Path, what: str, asset: str) -> "DamagedResult":
        """The error that a file or folder of this asset is `what`."""
        return cls(f"{path} {what}: make it again with `compsim materialize {asset} --force`")


@contextmanager
def reading(path: Path, asset: str) -> Iterator[None]:
    """Turn what a reader makes of a damaged file into one error that names the file and its asset.

    Raises:
        FileNotFoundError: there is no such file; says which asset to materialize.
        DamagedResult: it is empty or cut, or does not hold what its reader expects.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist: materialize '{asset}' first")
    try:
        yield
    except DamagedResult:
        raise
    except Exception as problem:
        if not _is_of_the_content(problem):
            raise
        first, *_ = str(problem).splitlines() or [type(problem).__name__]
        what = "is empty" if path.is_file() and not path.stat().st_size else f"is cut or damaged ({first})"
        raise DamagedResult.of(path, what, asset) from problem


def _is_of_the_content(problem: Exception) -> bool:
    """Whether the file's bytes are wrong. What the system says, such as a lack of permission, has a number."""
    from safetensors import SafetensorError

    if isinstance(problem, OSError):  # pyarrow's, of pages that cannot be decoded, has none
        return problem.errno is None and not isinstance(problem, FileNotFoundError)
    return isinstance(problem, ValueError | KeyError | EOFError | SafetensorError)
