"""The README against the code: its asset graph, its commands, its files."""

import re
from functools import cache
from pathlib import Path

import dagster as dg
import pytest

from compsim_assets.assets.common import BY_MODE, STAGE
from compsim_assets.definitions import defs

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GRAPH = defs.resolve_asset_graph()
GROUPS = (  # in the order of the data flow
    "descriptions",
    "features",
    "similarity",
    "clusters",
    "walk_forward",
    "interpretability",
    "baselines",
    "evaluation",
    "trading",
    "evidence",
    "published",
    "figures",
)


@cache
def _ancestors(key: dg.AssetKey) -> frozenset[dg.AssetKey]:
    parents = GRAPH.get(key).parent_keys
    return frozenset(parents).union(*(_ancestors(parent) for parent in parents))


def _asset_graph() -> str:
    """All assets by group, those of a cutoff mode rounded, with the arrows that others do not imply."""
    groups: dict[str, list[str]] = {group: [] for group in GROUPS}
    arrows = []
    for key in sorted(GRAPH.get_all_asset_keys()):
        node, name = GRAPH.get(key), key.path[-1]
        box = f"{name}([{name}])" if node.tags[STAGE] == BY_MODE else f"{name}[{name}]"
        groups.setdefault(node.group_name, []).append(box)
        direct = {p for p in node.parent_keys if all(p not in _ancestors(q) for q in node.parent_keys)}
        arrows += [f"  {parent.path[-1]} --> {name}" for parent in sorted(direct)]
    lines = ["flowchart LR"]
    for group, boxes in groups.items():
        lines += [f"  subgraph group_{group} [{group}]", *(f"    {box}" for box in boxes), "  end"]
    return "\n".join([*lines, *arrows])


def test_the_asset_graph_is_the_one_of_the_definitions() -> None:
    expected = f"```mermaid\n{_asset_graph()}\n```"
    assert expected in README, f"README.md should have this asset graph:\n{expected}"


def _select_options() -> list[str]:
    found = re.findall(r"--select (?:'([^']+)'|(\S+))", README)
    return [quoted or bare for quoted, bare in found]


def test_every_selection_in_a_command_selects_assets() -> None:
    selections = _select_options()
    assert selections
    for selection in selections:
        assert dg.AssetSelection.from_string(selection).resolve(GRAPH), selection


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake (\w+)", README))
    assert {"materialize", "test", "ui"} <= named <= targets


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!http|#)([^)]+)\)", README))))
def test_every_linked_file_is_there(link: str) -> None:
    assert (ROOT / link).exists()


SPEEDS = re.findall(r"<!-- table: (\S+) -->", README)


def test_every_saved_table_of_speeds_is_quoted() -> None:
    saved = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "benchmarks" / "results").glob("*.md"))
    assert sorted(SPEEDS) == saved


@pytest.mark.parametrize("name", SPEEDS)
def test_a_table_of_speeds_is_that_of_the_results(name: str) -> None:
    def cells(line: str) -> list[str]:
        return [cell.strip() for cell in line.strip("|").split("|")]

    headers, _, *rows = (cells(x) for x in (ROOT / name).read_text().splitlines() if x.startswith("|"))
    section = README.split(f"<!-- table: {name} -->")[1].split("\n\n")[1]
    quoted_headers, _, *quoted = (cells(line) for line in section.splitlines())
    chosen = [headers.index(header) for header in quoted_headers]
    assert quoted == [[row[column] for column in chosen] for row in rows]
