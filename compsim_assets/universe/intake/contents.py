"""What files hold, as hashes that are remembered: a file is read again only once it is another one, or written to."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from compsim_assets.storage.publish import PublishedFolder

FILE = ".fingerprints.json"
# A file that was written to a moment ago may be written to again without its times showing it.
_SETTLED_SECONDS = 2
_THREADS = 4  # a disk gives no more to more


class Contents:
    """Hashes of files by path, size, times and inode; and answers about what they hold, by its hash."""

    def __init__(self, files: Mapping[str, list[Any]] | None = None, answers: Mapping[str, Any] | None = None) -> None:
        self.files, self.answers = dict(files or {}), dict(answers or {})

    def of(self, paths: Iterable[Path]) -> dict[Path, str]:
        """The hash of each file; empty for one that is not there.

        Cost: a stat per file that is remembered; others are read, four at a time.
        """
        with ThreadPoolExecutor(_THREADS) as threads:
            paths = list(paths)
            return dict(zip(paths, threads.map(self._of, paths), strict=True))

    def answer(self, question: str, content: str, ask: Callable[[], Any]) -> Any:
        """The answer to a question about what has this hash, asked once; JSON. The last content's is remembered."""
        if self.answers.get(question, [None])[0] != content:
            self.answers[question] = [content, ask()]
        return self.answers[question][1]

    def _of(self, path: Path) -> str:
        name = str(path.absolute())
        try:
            stat = path.stat()
            version = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
            remembered = self.files.get(name)
            if remembered and remembered[:-1] == version:
                return str(remembered[-1])
            with path.open("rb") as file:
                content = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        except OSError:
            return ""
        if time.time() - stat.st_ctime > _SETTLED_SECONDS:
            self.files[name] = [*version, content]
        return content


@contextmanager
def contents_beside(folder: Path) -> Iterator[Contents]:
    """What is remembered in a folder, and what the block adds to it; one that cannot be written forgets."""
    before: dict[str, Any] = {}
    contents = Contents()
    with suppress(OSError, ValueError, TypeError, KeyError):
        before = json.loads((folder / FILE).read_text())
        contents = Contents(before["files"], before["answers"])
    yield contents
    after = {"files": contents.files, "answers": contents.answers}
    if after != before:
        with suppress(OSError), PublishedFolder(folder).new_file(folder / FILE) as aside:
            aside.write_text(json.dumps(after))


def files_in(path: Path) -> list[Path]:
    """A file itself, or all files in a folder and in its folders, links followed; hidden ones are left out."""
    if not path.is_dir():
        return [path]
    files: list[Path] = []
    for folder, folders, names in os.walk(path, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [Path(folder, name) for name in names if not name.startswith(".")]
    return sorted(files)
