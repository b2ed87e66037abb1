"""Versions change with what a function runs, and with nothing else: a little package, changed place by place."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from compsim_assets.code_versions.package import Package

FILES = {
    "little/__init__.py": "",
    "little/assets/__init__.py": '"""Assets."""\n',
    "little/assets/drawing.py": '''
"""Drawing."""
from typing import TYPE_CHECKING
import math as m
from little import tools
from little.tables import TABLES
from little.handles import Shards as Handle

if TYPE_CHECKING:
    from little.noted import Noted

LIMIT = 7
NAMES = {}
NAMES["a"] = 1
ORDER = []
ORDER.append("first")
unused_elsewhere = 3


def decorate(function):
    return function


@decorate
def figure(table, clusters, handle: Handle, noted: "Noted"):
    """Draws."""
    from little.plots.bars import bars as draw

    # A comment.
    local = [clusters for clusters in table if clusters]
    return draw(table, local, LIMIT, NAMES, ORDER, m.sqrt(2), handle.rows())


@decorate
def clusters(run):
    """Launches."""
    columns = TABLES["clusters"].names
    return run("little.workers.cut", columns)


@decorate
def reading(reader: "little.reader.Reader"):
    return reader.reports(), tools.helper(), tools.Config


@decorate
def computed(thing):
    from little.reader import Reader

    return getattr(Reader(), "prices")()


def outer():
    def inner():
        return LIMIT

    return inner


@decorate
def several(names, columns):
    if "one" in names:
        yield len([LONE])
    elif "two" in names:
        yield 2
    else:
        yield 3
    if "one" in names and len(columns):
        yield 11
    if names & {"one", "three"}:
        yield 13
    if "four" in columns:
        yield 14
    yield 15


LONE = 1


@decorate
def recursive(n):
    return n and other(n - 1)


def other(n):
    return recursive(n)
''',
    "little/plots/__init__.py": "from little.plots.bars import bars as shown\n",
    "little/plots/bars.py": """
from little.plots import style

WIDTH: int = 3


def bars(*values):
    return [style.BLUE, WIDTH, values]


def lines(*values):
    return values
""",
    "little/plots/style.py": 'BLUE = "blue"\nRED = "red"\n',
    "little/tools.py": """
import warnings

warnings.simplefilter("error")


def helper(path="figures.csv"):
    return path, [f"{name}.toml" for name in ("a", "b")]


def lone():
    return "nothing"


class Config:
    size = Field(default=3, description="How large.")

    def name(self):
        return "plain"

    title = name


if __name__ == "__main__":
    lone()
""",
    "little/figures.csv": "a,1\n",
    "little/a.toml": "x = 1\n",
    "little/other.csv": "b,1\n",
    "little/handles.py": '''
class Shards:
    """Rows."""

    width = 4

    def __init__(self):
        self.a = 1

    def rows(self):
        """All."""
        return self._some()

    def _some(self):
        return 1

    def columns(self):
        return 2
''',
    "little/noted.py": "class Noted:\n    value = 1\n",
    "little/reader.py": """
import ast
from little.sources import Base
from little.foreign import Visitor


class Reader(Base):
    def reports(self):
        return self.table("reports")

    def prices(self):
        return Called().run()


class Called(Visitor):
    def run(self):
        return Direct()

    def visit_this(self):
        return 2


class Direct(ast.NodeVisitor):
    def visit_that(self):
        return 3
""",
    "little/sources.py": """
class Base:
    def table(self, name):
        return name

    def pairs(self):
        return 3
""",
    "little/foreign.py": "import ast\n\n\nclass Visitor(ast.NodeVisitor):\n    pass\n",
    "little/tables.py": 'TABLES = {"clusters": 1}\n',
    "little/workers/__init__.py": "",
    "little/workers/cut.py": """
from little.workers.parts import part


def main():
    return part()


if __name__ == "__main__":
    main()
""",
    "little/workers/parts.py": "def part():\n    return 1\n\n\ndef apart():\n    return 2\n",
}
FUNCTIONS = ("figure", "clusters", "reading", "computed", "outer", "recursive")
APART = ("little.tables",)

Versions = Callable[..., dict[str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "little"


def versions(folder: Path, cache: Path | None = None, entries: str = "names and types") -> dict[str, str]:
    package = Package("little", folder, cache, APART, {"little.tables.TABLES[clusters]": entries})
    made = {name: package.version("little.assets.drawing", name) for name in FUNCTIONS}
    package.remember()
    return made


def changed(folder: Path, file: str, old: str, new: str) -> set[str]:
    """Functions whose version is another one when the text of a file is."""
    before = versions(folder)
    path = folder / file
    assert path.read_text().count(old) == 1, "the text to change"
    path.write_text(path.read_text().replace(old, new))
    after = versions(folder)
    return {name for name in FUNCTIONS if before[name] != after[name]}


def test_functions_have_different_versions_of_a_fixed_length(folder: Path) -> None:
    made = versions(folder)
    assert len({*made.values()}) == len(FUNCTIONS)
    assert {len(version) for version in made.values()} == {20}
    assert made == versions(folder)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("assets/drawing.py", "# A comment.", "# Another."),
        ("assets/drawing.py", '"""Draws."""', '"""Draws it."""'),
        ("assets/drawing.py", '"""Drawing."""', "\n\n\n"),
        ("assets/drawing.py", "return draw(table, local,", "return draw(\n        table,\n        local,"),
        ("assets/drawing.py", "@decorate\ndef figure", "@decorate\n@decorate\ndef figure"),
        ("assets/drawing.py", "unused_elsewhere = 3", "unused_elsewhere = 4"),
        ("handles.py", '"""All."""', '"""Every row."""'),
        ("handles.py", '"""Rows."""', '"""Rows of reports."""'),
        ("handles.py", "return 2", "return 3"),  # a method that nothing calls
        ("sources.py", "return 3", "return 4"),  # the same of a base class
        ("plots/bars.py", "return values", "return 1"),  # a function beside
        ("plots/style.py", '"red"', '"crimson"'),
        ("tools.py", '"nothing"', '"less"'),
        ("tools.py", "How large.", "How small."),
        ("workers/parts.py", "return 2", "return 3"),
        ("other.csv", "b,1", "b,2"),
        ("tables.py", '"clusters": 1', '"clusters": 2'),
    ],
)
def test_what_changes_no_result_changes_no_version(folder: Path, file: str, old: str, new: str) -> None:
    assert changed(folder, file, old, new) == set()


@pytest.mark.parametrize(
    ("file", "old", "new", "names"),
    [
        ("assets/drawing.py", "return draw(table,", "return draw(None,", "figure"),
        ("assets/drawing.py", 'noted: "Noted"):', 'noted: "Noted", more=0):', "figure"),
        ("assets/drawing.py", "LIMIT = 7", "LIMIT = 8", "figure outer"),
        ("assets/drawing.py", 'NAMES["a"] = 1', 'NAMES["a"] = 2', "figure"),
        ("assets/drawing.py", 'ORDER.append("first")', 'ORDER.append("last")', "figure"),
        ("assets/drawing.py", "import math as m", "import cmath as m", "figure"),
        ("assets/drawing.py", "bars as draw", "lines as draw", "figure"),
        ("assets/drawing.py", "return recursive(n)", "return recursive(n - 1)", "recursive"),
        ("assets/drawing.py", 'run("little.workers.cut", columns)', "run(columns)", "clusters"),
        ("plots/bars.py", "WIDTH: int = 3", "WIDTH: int = 4", "figure"),
        ("plots/style.py", '"blue"', '"navy"', "figure"),
        ("handles.py", "width = 4", "width = 5", "figure"),
        ("handles.py", "self.a = 1", "self.a = 2", "figure"),
        ("handles.py", "return 1", "return 2", "figure"),  # a method that a method calls
        ("noted.py", "value = 1", "value = 2", "figure"),
        ("reader.py", 'self.table("reports")', 'self.table("report")', "reading"),
        ("sources.py", "return name", "return name * 2", "reading"),  # of the base class
        ("reader.py", "return Called().run()", "return None", "computed"),
        ("reader.py", "return 2", "return 4", "computed"),  # that a class of elsewhere may call, which it extends
        ("reader.py", "return 3", "return 4", "computed"),
        ("tools.py", "default=3", "default=4", "reading"),
        ("tools.py", '"plain"', '"simple"', "reading"),  # a method that its class names
        ("tools.py", "return path,", "return path.upper(),", "reading"),
        ("tools.py", 'simplefilter("error")', 'simplefilter("always")', "reading"),  # runs whenever it is imported
        ("figures.csv", "a,1", "a,2", "reading"),
        ("a.toml", "x = 1", "x = 2", "reading"),
        ("workers/cut.py", "return part()", "return 2 * part()", "clusters"),
        ("workers/cut.py", '"__main__":\n    main()', '"__main__":\n    main() or main()', "clusters"),
        ("workers/parts.py", "return 1", "return 0", "clusters"),
    ],
)
def test_what_a_function_runs_changes_its_version_alone(
    folder: Path, file: str, old: str, new: str, names: str
) -> None:
    assert changed(folder, file, old, new) == {*names.split()}


def test_a_name_that_is_imported_for_another_counts(folder: Path) -> None:
    """Both functions are used before and after, and nothing but which is which is different."""
    swapped = ("from little.plots.bars import bars as one, lines as two", "import bars as two, lines as one")
    path = folder / "assets" / "drawing.py"
    path.write_text(path.read_text().replace("import math as m", f"import math as m\n{swapped[0]}"))
    path.write_text(path.read_text().replace("return inner", "return one, two, inner"))
    assert changed(folder, "assets/drawing.py", "import bars as one, lines as two", swapped[1]) == {"outer"}


def test_columns_of_a_table_count_where_it_is_named(folder: Path) -> None:
    before, after = versions(folder), versions(folder, entries="other names")
    assert {name for name in FUNCTIONS if before[name] != after[name]} == {"clusters"}


def test_a_package_that_is_named_counts_with_what_it_gives_on(folder: Path) -> None:
    path = folder / "workers" / "cut.py"
    path.write_text(path.read_text().replace("return part()", 'return part(), "little.plots"'))
    assert changed(folder, "plots/style.py", '"blue"', '"navy"') == {"figure", "clusters"}


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("LONE = 1", "LONE = 2", "one none"),
        ("yield 2", "yield 3", "two none"),
        ("yield 3", "yield 12", "three none"),
        ("yield 11", "yield 12", "one none"),
        ("and len(columns):", "and sum(columns):", "one none"),
        ("yield 13", "yield 12", "one three none"),
        ("yield 14", "yield 12", "one two three none"),
        ("yield 15", "yield 12", "one two three none"),
    ],
)
def test_a_step_that_makes_several_things_has_a_version_for_each(folder: Path, old: str, new: str, parts: str) -> None:
    def of_parts() -> dict[str, str]:
        package = Package("little", folder)
        return {
            part: package.version("little.assets.drawing", "several", part) for part in ("one", "two", "three", "none")
        }

    before, path = of_parts(), folder / "assets" / "drawing.py"
    path.write_text(path.read_text().replace(f"{old}\n", f"{new}\n"))
    after = of_parts()
    assert {part for part in before if before[part] != after[part]} == {*parts.split()}
    assert before["one"] != before["two"] != before["none"]


def test_what_is_asked_for_in_two_ways_has_the_version_of_the_whole(folder: Path) -> None:
    path = folder / "assets" / "drawing.py"
    path.write_text(path.read_text().replace('"four" in columns', '"one" in columns'))
    package = Package("little", folder)
    one, two, other = (package.version("little.assets.drawing", "several", part) for part in ("one", "two", "none"))
    assert one == other != two


def test_texts_beside_the_code_count(folder: Path) -> None:
    package = Package("little", folder)
    assert len({package.version("little.tools", "helper", also=also) for also in ([], ["a"], ["b"])}) == 3


def test_a_name_is_followed_to_where_it_comes_from(folder: Path) -> None:
    path = folder / "assets" / "drawing.py"
    path.write_text(path.read_text().replace("from little.plots.bars import bars", "from little.plots import shown"))
    assert changed(folder, "plots/style.py", '"blue"', '"navy"') == {"figure"}


def test_a_file_that_is_no_python_counts_as_a_whole(folder: Path) -> None:
    assert "figure" in changed(folder, "plots/bars.py", "def bars(*values):", "def bars(*values:")
    assert changed(folder, "plots/bars.py", "return values", "return 1") == {"figure"}


def test_what_does_not_exist_has_no_version(folder: Path) -> None:
    with pytest.raises(KeyError, match=r"little\.tools has no missing"):
        Package("little", folder).version("little.tools", "missing")


def test_files_are_sliced_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, sliced = tmp_path / "cache", list[str]()

    def slices_of(source: str, module: str, package: str, root: str) -> object:
        sliced.append(module)
        return real(source, module, package, root)

    from compsim_assets.code_versions import package as room

    real = room.slices_of
    monkeypatch.setattr(room, "slices_of", slices_of)
    first = versions(folder, cache)
    assert sliced
    sliced.clear()
    assert versions(folder, cache) == first
    assert sliced == []
    os.utime(folder / "tools.py", ns=(1, 1))
    assert versions(folder, cache) == first
    assert sliced == ["little.tools"]


def test_what_another_slicer_has_remembered_is_not_read(folder: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = versions(folder, cache)
    (path,) = cache.iterdir()
    content = json.loads(path.read_text())
    name = "assets/drawing.py"
    content["files"][name][2][0]["figure()"][0] = "something else"
    path.write_text(json.dumps(content))
    assert versions(folder, cache)["figure"] != first["figure"], "the cache is read"
    path.write_text(json.dumps({**content, "slicer": "another"}))
    assert versions(folder, cache) == first


@pytest.mark.parametrize("content", ["", "{", "[]", '{"slicer": 1}', "null"])
def test_a_damaged_cache_is_made_anew(folder: Path, tmp_path: Path, content: str) -> None:
    cache = tmp_path / "cache"
    first = versions(folder, cache)
    (path,) = cache.iterdir()
    path.write_text(content)
    assert versions(folder, cache) == first
    assert json.loads(path.read_text())["files"]


def test_without_a_cache_that_can_be_written_versions_are_the_same(folder: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert versions(folder, blocked / "cache") == versions(folder)
