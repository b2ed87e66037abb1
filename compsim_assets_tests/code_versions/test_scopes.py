"""Names that a piece of code uses of its module, as Python's scopes go."""

import ast

import pytest

from compsim_assets.code_versions.scopes import Uses, imported

# What a module has: names of its own, a function and a module of its package, and something of elsewhere.
BINDINGS = {"a": "p.m.a", "b": "p.m.b", "f": "p.n.f", "tools": "p.tools", "np": "numpy", "TABLE": "p.m.TABLE"}


def names(source: str) -> set[str]:
    uses = Uses(BINDINGS, "p")
    for statement in ast.parse(source).body:
        uses.visit(statement)
    return {name.removeprefix("p.m.") for name in uses.names}


@pytest.mark.parametrize(
    ("source", "used"),
    [
        ("x = a", "a"),
        ("x = unknown + len([])", ""),
        ("def g(): return a", "a"),
        ("def g(a): return a", ""),
        ("def g(*a, b=1, **f): return a, b, f", ""),
        ("def g(x, /, y, *, b): return b", ""),
        ("def g(x=a, *, y=b): pass", "a b"),
        ("def g(x: a, *y: b) -> f: pass", "a b p.n.f"),
        ('def g(x: "a") -> "list[b]": pass', "a b"),
        ('def g(x: Literal["not a name"]): pass', ""),
        ("@a\ndef g(): pass", "a"),
        ("@a\nasync def g(): return b", "a b"),
        ("def g():\n a = 1\n return a", ""),
        ("def g():\n for a, (b, *f) in []: pass\n return a, b, f", ""),
        ("def g():\n with open() as a: return a", ""),
        ("def g():\n try: pass\n except OSError as a: return a", ""),
        ("def g():\n match x:\n  case [a, *b]: return a, b\n  case {**f}: return f", ""),
        ("def g():\n match x:\n  case tools.Thing(): pass", "p.tools.Thing"),
        ("def g():\n if (a := 1): return a", ""),
        ("def g():\n x = [(a := y) for y in []]\n return a", ""),
        ("def g():\n a: int = 1\n return a", ""),
        ("def g():\n del a", ""),
        ("def g():\n global a\n a = 1", "a"),
        ("def g():\n a = 1\n def h():\n  nonlocal a\n  a = 2\n return a", ""),
        ("def g():\n a = 1\n def h(): return a, b\n return h", "b"),
        ("def g():\n def a(): pass\n return a", ""),
        ("x = lambda a: (a, b)", "b"),
        ("x = lambda y=a: y", "a"),
        ("x = [a for a in b]", "b"),
        ("x = [a for a in a]", "a"),
        ("x = {a: b for a in [] if a for f in a}", "b"),
        ("x = (y for y in [] for z in b if a)", "a b"),
        ("class C(a):\n b = 1\n c = b", "a"),
        ("class C:\n a = 1\n def g(self): return a", "a"),  # a method does not see it
        ("class C(metaclass=a): pass", "a"),
        ("class C:\n x: a = b", "a b"),
        ("x = f(1)", "p.n.f"),
        ("x = np.linalg.norm(a)", "numpy.linalg.norm a"),
        ("x = tools.helper.part(1)", "p.tools.helper.part"),
        ("x = getattr(tools, y)", "p.tools"),
        ("x = a[0].b", "a"),
        ("x = (a + 1).real", "a"),
        ('x = TABLE["one"].names', "TABLE[one]"),
        ("x = TABLE[b]", "TABLE b"),
        ("TABLE[b] = 1", "TABLE b"),
        ("def g():\n from p.q import h as a\n return a", "p.q.h"),
        ("def g():\n from . import q\n return q.h", "p.q.h"),
        ("def g():\n import p.q\n return p.q.h", "p.q.h"),
        ("def g():\n import p.q as a\n return a.h", "p.q.h"),
        ("def g():\n from p.q import h\n return 1", ""),
    ],
)  # fmt: skip
def test_names_of_the_module_that_are_used(source: str, used: str) -> None:
    assert names(source) == {*used.split()}


@pytest.mark.parametrize(
    ("statement", "bound"),
    [
        ("import p.q", {"p": "p"}),
        ("import p.q as r, os", {"r": "p.q", "os": "os"}),
        ("from p.q import r as s, t", {"s": "p.q.r", "t": "p.q.t"}),
        ("from . import r", {"r": "p.o.r"}),
        ("from ..q import r", {"r": "p.q.r"}),
    ],
)
def test_what_imports_bind(statement: str, bound: dict[str, str]) -> None:
    (node,) = ast.parse(statement).body
    assert isinstance(node, ast.Import | ast.ImportFrom)
    assert imported(node, "p.o") == bound


def test_texts_attributes_and_what_names_stand_for() -> None:
    uses = Uses(BINDINGS, "p")
    for statement in ast.parse("def g(x):\n    return x.one(f).two, a, 'three', np.four, x[0].five").body:
        uses.visit(statement)
    assert uses.texts == {"three"}
    assert uses.attributes == {"one", "two", "four", "five"}
    assert uses.bound == {"f=p.n.f", "a=p.m.a", "np=numpy"}
