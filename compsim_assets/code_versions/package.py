"""A package's code as a graph of slices, and the version of what can be reached from a function."""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from compsim_assets.code_versions.slices import ALWAYS, BASE, FILE, Slice, Slices, slices_of

_EVERYTHING = "*"  # a module as a whole
_SLICER = (Path(__file__), Path(__file__).with_name("slices.py"), Path(__file__).with_name("scopes.py"))


_Name = tuple[str, str]  # a module, and one of its names


class _Node(NamedTuple):
    """A slice in the graph. lines: what it adds to a version. methods: that are used if their names are."""

    lines: frozenset[str]
    uses: frozenset[_Name]
    attributes: frozenset[str]
    methods: frozenset[_Name]


@dataclass
class Package:
    """The source of one package, read as far as it is asked for.

    root: its dotted name. folder: where it lies. cache: folder in which slices are remembered by path, size and time of
    their file; one that cannot be written is no error. apart: dotted names of modules and things that are not followed.
    entries: what stands for entries of a table that is not followed: `package.module.TABLES[clusters]` -> text.
    """

    root: str
    folder: Path
    cache: Path | None = None
    apart: tuple[str, ...] = ()
    entries: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._slices: dict[str, Slices] = {}
        self._resolved: dict[str, frozenset[_Name]] = {}
        self._nodes: dict[_Name, _Node] = {}
        self._inside: dict[str, Mapping[str, frozenset[_Name]]] = {}
        self._apart = tuple(f"{each}." for each in self.apart)
        self._to_write = False

    def version(self, module: str, name: str, part: str = "", also: Iterable[str] = ()) -> str:
        """Hash of the code that a function runs, its own decorators apart.

        Args:
            module: dotted name of its module.
            name: its name; for one inside another the outer one's.
            part: what it makes, of several things: what it does for the others does not count, see `Slices`.
            also: texts that count, too.

        Raises:
            KeyError: the module has no such name.
        """
        slices = self._slices_of(module).slices
        first = next((each for each in (f"{name}()[{part}]", f"{name}()", name) if each in slices), "")
        if not first:
            raise KeyError(f"{module} has no {name}")
        lines, attributes, methods = set(also), set[str](), set[_Name]()
        seen, ahead = {(module, name)}, {(module, first)}
        while ahead:
            seen |= ahead
            for node in [self._node(*each) for each in ahead]:
                lines |= node.lines
                attributes |= node.attributes
                methods |= node.methods
                ahead = ahead | node.uses
            called = {method for method in methods if method[1].rpartition(".")[2] in attributes}
            methods -= called
            ahead = (ahead | called) - seen
        return _hash_of("\n".join(sorted(lines)).encode())

    def remember(self) -> None:
        """Keep in the cache what has been read."""
        if self.cache is None or not self._to_write:
            return
        files = {path: entry for path, entry in self._remembered.items() if (self.folder / path).exists()}
        with suppress(OSError):
            self.cache.mkdir(parents=True, exist_ok=True)
            descriptor, aside = tempfile.mkstemp(dir=self.cache)
            with os.fdopen(descriptor, "w") as file:
                json.dump({"slicer": self._slicer, "files": files}, file)
            os.replace(aside, self._cache_file)
        self._to_write = False

    def _node(self, module: str, name: str) -> _Node:
        if (module, name) not in self._nodes:
            self._nodes[module, name] = self._node_of(module, name)
        return self._nodes[module, name]

    def _node_of(self, module: str, name: str) -> _Node:
        slices, imports = self._slices_of(module)
        names = slices if name == _EVERYTHING else [each for each in (name, ALWAYS) if each in slices]
        uses = {use for each in names for use in slices[each].uses}
        if name == _EVERYTHING:
            uses |= set(imports.values())
        lines = {f"{module}.{each} {slices[each].hash}" for each in names}
        lines |= {f"{use} {self.entries[use]}" for use in uses if use in self.entries}
        for use in uses:
            lines |= self._beside(module, use.removeprefix(FILE)) if use.startswith(FILE) else set()
        methods = self._methods_in(module).get(name, frozenset())
        of_foreign = self._extends_foreign(module, name)
        return _Node(
            lines=frozenset(lines),
            uses=frozenset().union(methods if of_foreign else (), *map(self._resolve, uses)),
            attributes=frozenset(attribute for each in names for attribute in slices[each].attributes),
            methods=frozenset() if of_foreign else methods,
        )

    def _methods_in(self, module: str) -> Mapping[str, frozenset[_Name]]:
        """What is defined inside each class of a module, by the class."""
        if module not in self._inside:
            inside = dict[str, set[_Name]]()
            for each in self._slices_of(module).slices:
                place = each.find(".")
                while place >= 0:
                    inside.setdefault(each[:place], set()).add((module, each))
                    place = each.find(".", place + 1)
            self._inside[module] = {name: frozenset(methods) for name, methods in inside.items()}
        return self._inside[module]

    def _extends_foreign(self, module: str, name: str) -> bool:
        """Whether a class is, by its own bases or theirs, one of another package, which may call its methods."""
        piece = self._slices_of(module).slices.get(name)
        bases = [use for use in piece.uses if use.startswith(BASE)] if piece else []
        return BASE in bases or any(self._extends_foreign(*each) for base in bases for each in self._resolve(base))

    def _resolve(self, dotted: str) -> frozenset[_Name]:
        """The module and name that a dotted name means."""
        if dotted not in self._resolved:
            self._resolved[dotted] = self._meaning(dotted.removeprefix(BASE).partition("[")[0])
        return self._resolved[dotted]

    def _meaning(self, dotted: str) -> frozenset[_Name]:
        module = dotted
        while module and module not in self._modules:
            module = module.rpartition(".")[0]
        if not module or f"{dotted}.".startswith(self._apart):
            return frozenset()
        if module == dotted:
            return frozenset([(module, _EVERYTHING)])
        name, _, rest = dotted.removeprefix(f"{module}.").partition(".")
        slices, imports = self._slices_of(module)
        if name in slices:
            return frozenset([(module, name)])
        if name in imports:
            return self._resolve(f"{imports[name]}.{rest}".rstrip("."))
        dunder = name.startswith("__") and name.endswith("__")
        return frozenset() if dunder else frozenset([(module, _EVERYTHING)])

    def _beside(self, module: str, name: str) -> set[str]:
        """Content of the files beside a module that have this name or, where it is only an ending, end like this."""
        folder = self._modules[module].parent
        names = self._data.get(folder, []) if name.startswith(".") else [name]
        paths = [folder / each for each in names if each.endswith(name) and each in self._data.get(folder, [])]
        return {f"{path.relative_to(self.folder)} {self._read(path, _hash_of)}" for path in paths}

    def _slices_of(self, module: str) -> Slices:
        if module not in self._slices:
            path = self._modules[module]
            package = module if path.name == "__init__.py" else module.rpartition(".")[0]
            slices, imports = self._read(path, lambda code: _slices_or_text(code, module, package, self.root))
            self._slices[module] = Slices({name: Slice(*piece) for name, piece in slices.items()}, imports)
        return self._slices[module]

    def _read(self, path: Path, how: Any) -> Any:
        """What `how` makes of a file's content, remembered for as long as its size and time are the same."""
        stat, name = path.stat(), path.relative_to(self.folder).as_posix()
        version = [stat.st_size, stat.st_mtime_ns]
        if name not in self._remembered or self._remembered[name][:2] != version:
            self._remembered[name] = [*version, how(path.read_bytes())]
            self._to_write = True
        return self._remembered[name][2]

    @cached_property
    def _modules(self) -> dict[str, Path]:
        """Files of the package's modules, by dotted name."""
        return {self._dotted(path): path for path in self._paths if path.suffix == ".py"}

    def _dotted(self, path: Path) -> str:
        parts = (self.root, *path.relative_to(self.folder).with_suffix("").parts)
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def _data(self) -> dict[Path, list[str]]:
        """Names of files that are no code, by their folder."""
        data: dict[Path, list[str]] = {}
        for path in self._paths:
            if path.suffix != ".py":
                data.setdefault(path.parent, []).append(path.name)
        return data

    @cached_property
    def _paths(self) -> list[Path]:
        every = (Path(folder, name) for folder, _, names in os.walk(self.folder) for name in names)
        return [path for path in every if path.parent.name != "__pycache__"]

    @cached_property
    def _slicer(self) -> str:
        """Names this slicer: what another one has remembered is not read."""
        return _hash_of(b"".join(path.read_bytes() for path in _SLICER))

    @cached_property
    def _cache_file(self) -> Path:
        assert self.cache is not None
        return self.cache / f"code-{_hash_of(str(self.folder).encode())}.json"

    @cached_property
    def _remembered(self) -> dict[str, list[Any]]:
        """By path: size, time, and what was made of the file."""
        with suppress(OSError, ValueError, AttributeError):
            content = json.loads(self._cache_file.read_bytes()) if self.cache else {}
            if content.get("slicer") == self._slicer:
                return dict(content["files"])
        return {}


def _hash_of(content: bytes) -> str:
    return blake2b(content, digest_size=10).hexdigest()


def _slices_or_text(content: bytes, module: str, package: str, root: str) -> Slices:
    """The slices of a file; of one that is not Python its content as a whole."""
    try:
        return slices_of(content.decode(), module, package, root)
    except (SyntaxError, UnicodeDecodeError):
        return Slices({ALWAYS: Slice(_hash_of(content), [], [])}, {})
