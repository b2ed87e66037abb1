"""One file, sliced: for each of its names the hash of the code that makes it, and what that code uses."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, NamedTuple

from compsim_assets.code_versions.scopes import Uses, bound_by, imported, parts_of_scope

# Slices without a name of their own: what runs whenever the module is imported, and what runs if it is the program.
ALWAYS, MAIN = "", "__main__"
# Files beside a module that its code names, `figures.csv`, or by their ending alone, `.toml`.
_FILE_NAME = re.compile(r"[\w-]*(\.\w+)+", re.ASCII)
FILE, BASE = "file:", "base:"
_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
_COMPUTING = frozenset({"getattr", "attrgetter", "methodcaller"})
_MUTE = frozenset({"ctx", "kind", "type_comment", "type_ignores"})


class Slice(NamedTuple):
    """Code of one name.

    hash: of the code, without comments, documentation and places. uses: dotted names of what it uses of the package,
    `file:NAME` for each file that it may read, `base:NAME` for a class that it extends (`base:` for one of elsewhere).
    attributes: names that methods may be called by; where one is computed (`getattr`), all that its file has as texts.
    """

    hash: str
    uses: list[str]
    attributes: list[str]


class Slices(NamedTuple):
    """Slices of a module by name, and what it imports of the package, name -> dotted name.

    `CLASS.METHOD` is a method; `CLASS` is the class without such. `NAME()` is a decorated function without its
    decorators, `NAME()[PART]` what of it makes one of several things: without what is under `if "OTHER" in names`.
    """

    slices: dict[str, Slice]
    imports: dict[str, str]


def slices_of(source: str, module: str, package: str, root: str) -> Slices:
    """Slice a module.

    Args:
        source: its text.
        module: its dotted name.
        package: that it belongs to, itself if it is one.
        root: the package whose names are followed.
    """
    tree = ast.parse(source)
    body = tree.body
    imports = {name: dotted for statement in _imports(body) for name, dotted in imported(statement, package).items()}
    defined = {name for statement in body for name in _bound(statement)} - imports.keys()
    pieces: dict[str, list[ast.stmt]] = defaultdict(list)
    for statement in body:
        if not (isinstance(statement, ast.Import | ast.ImportFrom) or _is_text(statement)):
            for name in _owners(statement, defined):
                pieces[name].append(statement)
    slicer = _Slicer(tree, imports | {name: f"{module}.{name}" for name in defined}, package, root)
    slices = {name: one for each in pieces.items() for name, one in slicer.slices(*each)}
    return Slices(slices, {name: dotted for name, dotted in imports.items() if slicer.is_of_root(dotted)})


@dataclass(frozen=True)
class _Slicer:
    """What the statements of one module have in common."""

    tree: ast.Module
    bindings: Mapping[str, str]
    package: str
    root: str

    @cached_property
    def _texts(self) -> set[str]:
        """The module's texts that could be a name."""
        texts = {node.value for node in ast.walk(self.tree) if isinstance(node, ast.Constant)}
        return {text for text in texts if isinstance(text, str) and text.isidentifier()}

    def slices(self, name: str, statements: list[ast.stmt]) -> Iterator[tuple[str, Slice]]:
        """Slices of what defines and changes a name of the module."""
        first, bases = statements[0], list[str]()
        if isinstance(first, ast.ClassDef):
            bases = [self._base(base) for base in first.bases]
            for method, parts in _methods_taken_out(first).items():
                yield f"{name}.{method}", self._slice(parts)
        yield name, self._slice(statements, bases)
        if isinstance(first, _FUNCTION) and first.decorator_list:
            first.decorator_list = []
            yield f"{name}()", self._slice(statements)
            for part, lessened in _parts(first).items():
                yield f"{name}()[{part}]", self._slice([lessened])

    def _slice(self, statements: Iterable[ast.stmt], bases: Iterable[str] = ()) -> Slice:
        uses, code = Uses(self.bindings, self.package), list[str]()
        for statement in statements:
            uses.visit(statement)
            _add_code(statement, code)
            if isinstance(statement, ast.ClassDef):  # that may name its own methods
                uses.attributes |= uses.read
        if uses.read & _COMPUTING:
            uses.attributes |= self._texts
        digest = blake2b("".join([*code, *sorted(uses.bound)]).encode(), digest_size=16).hexdigest()
        return Slice(digest, sorted({*bases, *self._followed(uses)}), sorted(uses.attributes))

    def _base(self, base: ast.expr) -> str:
        dotted = Uses(self.bindings, self.package).dotted(base)
        return BASE + (dotted if dotted and self.is_of_root(dotted) else "")

    def _followed(self, uses: Uses) -> Iterator[str]:
        yield from filter(self.is_of_root, uses.names)
        # A program that torchrun starts, or a package whose files are read.
        yield from (text for text in uses.texts if self.is_of_root(text) and text.replace(".", "").isidentifier())
        yield from (FILE + text for text in uses.texts if _FILE_NAME.fullmatch(text))

    def is_of_root(self, dotted: str) -> bool:
        """Whether a dotted name is of the package whose names are followed."""
        return f"{dotted}.".startswith(f"{self.root}.")


def _methods_taken_out(definition: ast.ClassDef) -> dict[str, list[ast.stmt]]:
    """Methods of a class that are called by their names alone; the others stay in it."""
    methods: dict[str, list[ast.stmt]] = defaultdict(list)
    for part in definition.body:
        if isinstance(part, _FUNCTION) and not part.name.startswith("__"):
            methods[part.name].append(part)
    definition.body = [part for part in definition.body if getattr(part, "name", None) not in methods]
    return methods


def _parts(function: ast.stmt) -> dict[str, ast.stmt]:
    """By what a function may be asked for, `if "NAME" in names`: the function that is asked for this alone."""
    asked = [_asked(node) for node in ast.walk(function) if isinstance(node, ast.If)]
    places = {(name, where) for names, where in asked for name in names}
    names = [name for name, _ in places]
    return {name: _Alone(name, where).visit(deepcopy(function)) for name, where in places if names.count(name) == 1}


class _Alone(ast.NodeTransformer):
    """Takes out what is done for others than `name`, where it is asked for in the same place."""

    def __init__(self, name: str, where: str) -> None:
        self._name, self._where = name, where

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        names, where = _asked(node)
        if where != self._where:
            return node
        if self._name not in names:
            return node.orelse
        return node if isinstance(node.test, ast.BoolOp) else node.body


def _asked(node: ast.If) -> tuple[set[str], str]:
    """Names, and where they are looked for: `"NAME" in names`, the same `and ...`, `names & {"NAME", "OTHER"}`."""
    test = node.test.values[0] if isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.And) else node.test
    match test:
        case ast.Compare(left=ast.Constant(value=str(name)), ops=[ast.In()], comparators=[where]):
            return {name}, ast.unparse(where)
        case ast.BinOp(left=where, op=ast.BitAnd(), right=ast.Set(elts=constants)):
            names = [each.value for each in constants if isinstance(each, ast.Constant)]
            if len(names) == len(constants):
                return {name for name in names if isinstance(name, str)}, ast.unparse(where)
    return set(), ""


def _imports(body: Iterable[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """A module's imports, also those under `if TYPE_CHECKING`."""
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement
        else:
            yield from _imports(part for part in parts_of_scope(statement) if isinstance(part, ast.stmt))


def _bound(node: ast.AST) -> Iterator[str]:
    yield from bound_by(node)
    for part in parts_of_scope(node):
        yield from _bound(part)


def _owners(statement: ast.stmt, defined: set[str]) -> set[str]:
    """The names that a statement of the module defines or changes; ALWAYS where it is nobody's."""
    if isinstance(statement, ast.If) and ast.unparse(statement.test).startswith("__name__ == "):
        return {MAIN}
    changed = {name for part in _of_scope(statement) for name in _changed(part)}
    imports_only = isinstance(statement, ast.If | ast.Try) and not changed and any(_imports([statement]))
    return (changed & defined) or (set() if imports_only else {ALWAYS})


def _of_scope(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for part in parts_of_scope(node):
        yield from _of_scope(part)


def _changed(node: ast.AST) -> Iterator[str]:
    """Names that a node binds, or whose value it changes: `X[...] = ...`, `X.y += ...`, `X.append(...)`."""
    yield from bound_by(node)
    if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
        yield from _root(node)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield from _root(node.value.func)


def _root(node: ast.AST) -> Iterator[str]:
    """The name that a chain of attributes, keys and calls begins with; none where it is a mere call."""
    chain = isinstance(node, ast.Attribute | ast.Subscript)
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    if chain and isinstance(node, ast.Name):
        yield node.id


def _is_text(node: Any) -> bool:
    """Whether a statement is a text alone: documentation."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_description(node: Any) -> bool:
    """Whether a keyword tells people what a setting means: `Field(description="...")`."""
    return isinstance(node, ast.keyword) and node.arg == "description" and isinstance(node.value, ast.Constant)


def _add_code(node: Any, code: list[str]) -> None:
    """What a node says to the interpreter: all but places, documentation and layout."""
    if isinstance(node, list):
        for part in node:
            if not _is_text(part) and not _is_description(part):
                _add_code(part, code)
    elif isinstance(node, ast.AST):
        code.append(f"({type(node).__name__}")
        for field in node._fields:
            value = getattr(node, field, None)
            if value is not None and value != [] and field not in _MUTE:
                code.append(f" {field}=")
                _add_code(value, code)
        code.append(")")
    else:
        code.append(repr(node))
