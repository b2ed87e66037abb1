"""The house keeps its rules: sizes, names, a file of assets per group, a docstring per room (docs/house.md)."""

import ast
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from compsim_assets.definitions import defs

PACKAGE = Path(__file__).parents[1] / "compsim_assets"
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(path.parent for path in PACKAGE.rglob("__init__.py"))
# What a local is should be its name, not how one came by it.
TELLS_NOTHING = {"found", "own", "kept", "said", "known", "chosen"}


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    yield from (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))


def length(node: ast.FunctionDef) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def locals_of(path: Path) -> Iterator[tuple[str, int]]:
    """Names that are bound anywhere in the file, as variable or parameter."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        if isinstance(node, ast.arg):
            yield node.arg, node.lineno


def test_files_and_functions_stay_short() -> None:
    assert {path.name: n for path in FILES if (n := len(path.read_text().splitlines())) > 300} == {}
    lengths = sorted(length(node) for path in FILES for node in functions(path))
    assert lengths[-1] <= 75
    assert lengths[int(0.9 * len(lengths))] <= 29
    assert sum(len(path.read_text().splitlines()) for path in FILES) <= 54_000


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(PACKAGE.parent)))
def test_a_room_says_what_belongs_in_it_and_holds_few_files(room: Path) -> None:
    text = ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or ""
    assert len(text) > 60
    assert len([path for path in room.iterdir() if path.is_file()]) <= 23


def test_a_local_is_named_by_what_it_is() -> None:
    places = [
        f"{path.relative_to(PACKAGE)}:{line} {name}"
        for path in FILES
        for name, line in locals_of(path)
        if name in TELLS_NOTHING
    ]
    assert places == []


def sentences(path: Path) -> Iterator[str]:
    """Texts of four words and more, names in capitals apart: no documentation, no error, nothing given to a log."""
    tree = ast.parse(path.read_text())
    allowed = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "log")
        for part in ast.walk(node)
    }
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and id(node) not in allowed and sum(word[0].islower() for word in text.split()) >= 4:
            yield text


def test_science_says_nothing_in_english() -> None:
    assert {
        path.name: list(sentences(path)) for path in (PACKAGE / "science").rglob("*.py") if any(sentences(path))
    } == {}


def test_a_file_of_assets_is_named_as_its_group() -> None:
    for definition in defs.assets or []:
        assert isinstance(definition, dg.AssetsDefinition)
        module = definition.op.compute_fn.decorated_fn.__module__  # type: ignore[union-attr]
        assert {spec.group_name for spec in definition.specs} == {module.rpartition(".")[2]}


def test_nothing_refers_to_what_does_not_ship() -> None:
    for path in FILES:
        text = path.read_text()
        for absent in ("contracts.md", "house.md section", "../shared"):
            assert absent not in text, f"{path.name} mentions {absent}"
