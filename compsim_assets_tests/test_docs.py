"""README and docs against the code: everything is documented in one place, and what they name exists.

Documented means: named in backticks in the first column of a table whose first header says what kind of thing it is:
asset, table, array, figure, method, setting, command or room.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version as installed
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from compsim_assets.cli import app
from compsim_assets.contracts import TABLES
from compsim_assets.contracts.methods import BY_NAME
from compsim_assets.definitions import defs
from compsim_assets.evidence.claims import published_claims
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.settings import Settings
from docs import dependencies

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "compsim_assets"
PAGES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
README = PAGES[ROOT / "README.md"]
GRAPH = defs.resolve_asset_graph()
ASSETS = {key.path[-1] for key in GRAPH.get_all_asset_keys()}
FIGURES = {key.path[-1] for key in GRAPH.get_all_asset_keys() if GRAPH.get(key).group_name == "figures"}
TICKED = re.compile(r"`([^`]+)`")
# What a test and the program that it starts tell each other.
BETWEEN_TESTS = {"COMPSIM_TEST_PREFIX"}


def tables() -> Iterator[tuple[Path, list[list[str]]]]:
    """Every table of every page: its rows of cells, the headers first."""
    for path, text in PAGES.items():
        for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
            headers, _, *rows = block.splitlines()
            yield path, [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in (headers, *rows)]


def documented(kind: str) -> Counter[str]:
    """How often each thing of that kind is documented."""
    rows = [row for _, (headers, *rows) in tables() if headers[0] == kind for row in rows]
    return Counter(name for row in rows for name in TICKED.findall(row[0]))


def settings() -> set[str]:
    files = [*PACKAGE.rglob("*.py"), *Path(__file__).parent.rglob("*.py")]
    named = {name for path in files for name in re.findall(r"COMPSIM_[A-Z_]*[A-Z]", path.read_text())}
    ours = {f"COMPSIM_{name.upper()}" for name in Settings.model_fields}
    return (named | ours | set(Torchrun.model_fields)) - BETWEEN_TESTS


def commands() -> set[str]:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    asked = {f"compsim {command.name or command.callback.__name__}" for command in app.registered_commands}
    scripts = ("docs.flow", "docs.example", "docs.dependencies")
    modules = {"python -m compsim_assets", *(f"python -m {script}" for script in scripts)}
    return {*(f"make {target}" for target in targets), *asked, *modules}


def rooms() -> set[str]:
    chapters = {f"{path.parent.relative_to(ROOT)}/" for path in PACKAGE.rglob("*/__init__.py")}
    return {*chapters, "compsim_assets_tests/", "benchmarks/", "deploy/", "docs/", "findings/"}


EXPECTED = {
    "asset": lambda: ASSETS,
    "table": lambda: set(TABLES),
    "figure": lambda: FIGURES,
    "array": lambda: ASSETS - set(TABLES) - FIGURES,
    "method": lambda: set(BY_NAME),
    "setting": settings,
    "command": commands,
    "room": rooms,
}


@pytest.mark.parametrize("kind", EXPECTED)
def test_everything_is_documented_in_exactly_one_place(kind: str) -> None:
    assert documented(kind) == Counter(EXPECTED[kind]())


def test_the_graph_shows_every_asset() -> None:
    boxes = re.findall(r"^    (\w+)[(\[]", PAGES[ROOT / "docs" / "flow.md"], re.MULTILINE)
    assert Counter(boxes) == Counter(ASSETS)


def test_columns_to_start_with_are_columns_of_their_table() -> None:
    rows = [row for _, (headers, *rows) in tables() if headers[0] == "table" for row in rows]
    for name, _, columns in rows:
        assert set(TICKED.findall(columns)) <= set(TABLES[name.strip("`")].names), name


def test_the_readme_is_short_and_starts_with_two_commands() -> None:
    assert len(README.splitlines()) <= 150
    first = README.split("```bash\n")[1].split("```")[0]
    assert re.findall(r"^make \w+", first, re.MULTILINE) == ["make materialize", "make test"]
    assert {f"docs/{path.name}" for path in PAGES if path.parent.name == "docs"} <= set(
        re.findall(r"\(([^)]+)\)", README)
    )


def test_every_path_exists() -> None:
    ours = {"compsim_assets", "compsim_assets_tests", "benchmarks", "deploy", "docs", ".ci", ".dagster"}
    everywhere = {path.name for path in PACKAGE.rglob("*.py")}
    paths = [(page, name) for page, text in PAGES.items() for name in TICKED.findall(text)]
    looked_at = 0
    for page, name in paths:
        if re.fullmatch(r"[\w.-]+(/[\w.-]+)+/?|[\w.-]+/", name) and name.split("/")[0] in ours:
            looked_at += 1
            assert (ROOT / name).exists(), f"{page.name}: {name}"
        if re.fullmatch(r"\w+\.py", name):
            assert name in everywhere, f"{page.name}: {name}"
    assert looked_at > 50


def test_every_link_leads_somewhere() -> None:
    shown = set()
    for page, text in PAGES.items():
        for link in re.findall(r"\]\((?!http)([^)]*)\)", text):
            target, _, anchor = link.partition("#")
            path = (page.parent / target).resolve() if target else page
            assert path.exists(), f"{page.name}: {link}"
            shown.add(path)
            if anchor:
                headings = re.findall(r"^#+ (.+)$", PAGES[path], re.MULTILINE)
                slugs = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
                assert anchor in slugs, f"{page.name}: {link}"
    assert set((ROOT / "docs" / "images").iterdir()) <= shown


def names_in(module: Path) -> set[str]:
    """What a module defines."""
    nodes = list(ast.walk(ast.parse(module.read_text())))
    defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    imported = {alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    return (
        defined
        | imported
        | {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    )


def test_what_a_page_says_is_in_a_file_is_there() -> None:
    rows = [row for _, (headers, *rows) in tables() if headers[0] == "you look for" for row in rows]
    assert len(rows) > 15
    for question, file, names in rows:
        assert set(TICKED.findall(names)) <= names_in(ROOT / file.strip("`")), question


def test_code_in_the_pages_names_what_exists() -> None:
    for page, text in PAGES.items():
        for module, names in re.findall(r"from (compsim_assets[\w.]*) import ([\w, ]+)", text):
            file = ROOT.joinpath(*module.split("."))
            file = file / "__init__.py" if file.is_dir() else file.with_suffix(".py")
            assert {name.strip() for name in names.split(",")} <= names_in(file), f"{page.name}: {module}"
        for module in re.findall(r"(?:-m |\"-m\", |-m, )((?:compsim_assets|docs|benchmarks)[\w.]*)", text):
            path = ROOT.joinpath(*module.split("."))
            assert path.is_dir() or path.with_suffix(".py").exists(), f"{page.name}: -m {module}"
        for name in re.findall(r"read_asset\(\"(\w+)\"", text):
            assert name in ASSETS, f"{page.name}: {name}"


def test_every_selection_in_a_command_selects_assets() -> None:
    options = [option for text in PAGES.values() for option in re.findall(r"--select (?:'([^']+)'|([\w:+]+))", text)]
    selections = {quoted or bare for quoted, bare in options} - {"tag:typo"}
    assert len(selections) > 4
    for selection in selections:
        assert dg.AssetSelection.from_string(selection).resolve(GRAPH), selection


def test_every_make_target_exists() -> None:
    named = {name for text in PAGES.values() for name in re.findall(r"\bmake (\w+)(?=`| +#|$)", text, re.MULTILINE)}
    assert {f"make {name}" for name in named} <= commands()


def test_every_section_that_the_code_refers_to_is_there() -> None:
    method = PAGES[ROOT / "docs" / "method.md"]
    files = [*PACKAGE.rglob("*.py"), *Path(__file__).parent.rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
    places = [
        n for path in files for n in re.findall(r"method sections? (\d+)(?: (?:and|to) (\d+))?", path.read_text())
    ]
    assert len(places) > 10
    for number in {int(digits) for pair in places for digits in pair if digits}:
        assert f"\n## {number}. " in method


SPEEDS = re.findall(r"<!-- table: (\S+) -->", PAGES[ROOT / "docs" / "speed.md"])


def test_every_saved_table_of_speeds_is_quoted_as_it_is() -> None:
    saved = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "benchmarks" / "results").glob("*.md"))
    assert sorted(SPEEDS) == saved
    for name in SPEEDS:
        lines = [line for line in (ROOT / name).read_text().splitlines() if line.startswith("|")]
        quoted = PAGES[ROOT / "docs" / "speed.md"].split(f"<!-- table: {name} -->")[1].split("\n\n")[1].splitlines()
        headers, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
        quoted_headers, _, *quoted_rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in quoted)
        columns = [headers.index(header) for header in quoted_headers]
        assert quoted_rows == [[row[column] for column in columns] for row in rows]


def figures() -> pd.Series:
    """Every published number by its name."""
    table = pd.read_csv(PACKAGE / "evidence" / "published_figures.csv")
    return table.set_index("figure")["published"]


def test_published_numbers_are_quoted_as_they_are() -> None:
    prefixes = ("MeanCorr", "MeanCorr 2001-2020", "Pair-weighted correlation", "Sharpe as published")
    published = figures()
    ((_, *rows),) = [rows for _, rows in tables() if rows[0][-1] == "Sharpe as published"]
    assert len(rows) == 7
    for method, *numbers in rows:
        wanted = [published.get(f"{prefix}, {method}") for prefix in prefixes]
        assert [float(number) if number else None for number in numbers] == wanted, method


def test_the_readme_has_a_line_for_each_claim() -> None:
    ((_, *rows),) = [rows for page, rows in tables() if rows[0][0] == "claim" and page.name == "README.md"]
    claims = published_claims(figures().rename("published").reset_index(), "encoder")
    assert [row[1] for row in rows] == [f"{claim.published:.3f}" for claim in claims]


def test_rows_are_per_something() -> None:
    for page, text in PAGES.items():
        assert not re.search(r"\b[Oo]ne (row|line|table) an? ", text), page.name


def test_every_dependency_is_listed_in_the_version_that_is_installed() -> None:
    (rows,) = [rows for path, (headers, *rows) in tables() if headers[0] == "package" and path.stem == "dependencies"]
    listed = {row[0].strip("`"): (row[1], row[4]) for row in rows}
    versions = dependencies.pinned()
    assert listed == {name: (versions[name], ", ".join(uses)) for name, uses in dependencies.direct().items()}
    for name, (version, uses) in listed.items():
        if uses == "compsim":
            assert installed(name).partition("+")[0] == version.partition("+")[0]
