"""Names that a piece of code takes from outside itself: what is bound inside is left out, as Python's scopes go."""

import ast
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_NESTED = (*_FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS)


def imported(statement: ast.Import | ast.ImportFrom, package: str) -> dict[str, str]:
    """What an import binds: name -> dotted name. `package`: that relative imports start from."""
    if isinstance(statement, ast.Import):
        # `import a.b` binds `a`, and what is used of it is read off where it is used.
        whole = [alias.name if alias.asname else alias.name.partition(".")[0] for alias in statement.names]
        return {alias.asname or dotted: dotted for alias, dotted in zip(statement.names, whole, strict=True)}
    source = statement.module or ""
    if statement.level:
        source = importlib.util.resolve_name("." * statement.level + source, package)
    return {alias.asname or alias.name: f"{source}.{alias.name}" for alias in statement.names}


class Uses(ast.NodeVisitor):
    """Collects what a statement uses of its module.

    `names`: dotted names of the module's own and of imported things, as far as attributes lead; a constant key of a
    table follows in brackets: `package.module.TABLES[clusters]`. `bound`: which of the module's names stand for what.
    `texts`: string constants. `attributes`: names of attributes. `read`: plain names, local ones among them.

    Args:
        bindings: the module's names -> dotted names.
        package: of the module, for relative imports.
    """

    def __init__(self, bindings: Mapping[str, str], package: str) -> None:
        self.names: set[str] = set()
        self.bound: set[str] = set()
        self.texts: set[str] = set()
        self.attributes: set[str] = set()
        self.read: set[str] = set()
        self._bindings, self._package = bindings, package
        # Innermost last; a local that is no import has no dotted name.
        self._scopes: list[tuple[ast.AST, dict[str, str | None]]] = []
        self._in_annotation = False

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """A function: its decorators, defaults and annotations are of the scope around it."""
        self._visit_all(node.decorator_list)
        self._signature(node.args)
        self._annotation(node.returns)
        self._within(node, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._signature(node.args)
        self._within(node, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all([*node.decorator_list, *node.bases, *node.keywords])
        self._within(node, node.body)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        first, *others = node.generators
        self.visit(first.iter)  # of the scope around it
        values = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        inner = [part for each in others for part in (each.iter, *each.ifs)]
        self._within(node, [*first.ifs, *inner, *values])

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._annotation(node.annotation)
        self._visit_all([node.target, *([node.value] if node.value else [])])

    def visit_Name(self, node: ast.Name) -> None:
        if (dotted := self.dotted(node)) is not None:
            self.names.add(dotted)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if (dotted := self.dotted(node)) is not None:
            self.names.add(dotted)
        else:
            self.visit(_begin(node))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        dotted, key = self.dotted(node.value), node.slice
        if dotted is not None and isinstance(key, ast.Constant) and isinstance(key.value, str):
            self.names.add(f"{dotted}[{key.value}]")
        else:
            self._visit_all([node.value, key])

    def visit_Constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, str):
            return
        self.texts.add(node.value)
        if self._in_annotation:
            with suppress(SyntaxError):  # a word that is no name, of a Literal
                self.visit(ast.parse(node.value, mode="eval").body)

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def _signature(self, arguments: ast.arguments) -> None:
        for argument in _every(arguments):
            self._annotation(argument.annotation)
        self._visit_all([*arguments.defaults, *(default for default in arguments.kw_defaults if default)])

    def _annotation(self, annotation: ast.expr | None) -> None:
        """Names in an annotation, those in quotes too: a class may be known by its annotation alone."""
        if annotation is not None:
            self._in_annotation = True
            self.visit(annotation)
            self._in_annotation = False

    def _within(self, node: ast.AST, body: Iterable[ast.AST]) -> None:
        self._scopes.append((node, self._locals(node)))
        self._visit_all(body)
        self._scopes.pop()

    def _locals(self, node: ast.AST) -> dict[str, str | None]:
        """Names that are bound in the scope of a function, class or comprehension."""
        if isinstance(node, _COMPREHENSIONS):
            body: list[ast.AST] = [generator.target for generator in node.generators]
        else:
            body = [node.body] if isinstance(node, ast.Lambda) else list(getattr(node, "body", []))
        names = dict.fromkeys(argument.arg for argument in _every(node.args)) if isinstance(node, _FUNCTIONS) else {}
        outer = set[str]()
        while body:
            part = body.pop()
            if isinstance(part, ast.Import | ast.ImportFrom):
                names |= imported(part, self._package)
            elif isinstance(part, ast.Global | ast.Nonlocal):
                outer.update(part.names)
            else:
                names.update(dict.fromkeys(bound_by(part)))
            body += parts_of_scope(part)
        return {name: dotted for name, dotted in names.items() if name not in outer}

    def dotted(self, node: ast.AST) -> str | None:
        """The dotted name that a name or a chain of attributes stands for; None where it is local or built in."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        self.attributes.update(attributes)
        base = self._lookup(node.id) if isinstance(node, ast.Name) else None
        return None if base is None else ".".join([base, *reversed(attributes)])

    def _lookup(self, name: str) -> str | None:
        self.read.add(name)
        for depth, (node, names) in enumerate(reversed(self._scopes)):
            # The names of a class are seen in its body alone, not in its methods.
            if name in names and not (depth and isinstance(node, ast.ClassDef)):
                return names[name]
        if (dotted := self._bindings.get(name)) is not None:
            self.bound.add(f"{name}={dotted}")
        return dotted


def _begin(node: ast.expr) -> ast.expr:
    """What a chain of attributes is of."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def bound_by(node: ast.AST) -> list[str]:
    """Names that this node itself binds, imports apart."""
    match node:
        case ast.Name(ctx=ast.Store() | ast.Del()):
            return [node.id]
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case ast.MatchMapping(rest=str(name)):
            return [name]
    return []


def parts_of_scope(node: ast.AST) -> Iterator[ast.AST]:
    """Children of a node that are of the same scope; of nested scopes what `:=` in a comprehension binds outside it."""
    if isinstance(node, _COMPREHENSIONS):
        yield from (part.target for part in ast.walk(node) if isinstance(part, ast.NamedExpr))
    elif not isinstance(node, _NESTED):
        yield from ast.iter_child_nodes(node)


def _every(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (argument for argument in (arguments.vararg, arguments.kwarg) if argument)
