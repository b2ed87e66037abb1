"""The asset graph of docs/flow.md, read from the definitions: `python -m docs.flow`.

Everything between the two marks of that file is written anew; what stands around them is written by hand.
"""

import re
import sys
from functools import cache
from pathlib import Path
from statistics import mean

import dagster as dg

from compsim_assets.assets.common import BY_MODE, STAGE
from compsim_assets.definitions import defs

PAGE = Path(__file__).with_name("flow.md")
FROM, TO = "<!-- python -m docs.flow: from here -->", "<!-- to here -->"
GRAPH = defs.resolve_asset_graph()


def main() -> None:
    """Write the graph and the list into the page."""
    above, rest = PAGE.read_text(encoding="utf-8").split(FROM)
    below = rest.split(TO)[1]
    PAGE.write_text(f"{above}{FROM}\n\n{diagram()}\n\n{listing()}\n\n{TO}{below}", encoding="utf-8")
    print(f"{PAGE}: {len(GRAPH.get_all_asset_keys())} assets")


def diagram() -> str:
    """Mermaid: all assets by group, those of a cutoff mode rounded, with the arrows that others do not imply."""
    lines, arrows = ["```mermaid", "flowchart LR"], []
    for group, keys in _groups().items():
        lines.append(f"  subgraph group_{group} [{group}]")
        for key in keys:
            node, name = GRAPH.get(key), key.path[-1]
            lines.append(f"    {name}([{name}])" if node.tags[STAGE] == BY_MODE else f"    {name}[{name}]")
            direct = {p for p in node.parent_keys if all(p not in _ancestors(q) for q in node.parent_keys)}
            arrows += [f"  {parent.path[-1]} --> {name}" for parent in sorted(direct)]
        lines.append("  end")
    return "\n".join([*lines, *arrows, "```"])


def listing() -> str:
    """By group, with what its file says of itself: a table with one row per asset."""
    parts = []
    for group, keys in _groups().items():
        about = sys.modules[f"compsim_assets.assets.{group}"].__doc__ or ""
        rows = [f"| `{key.path[-1]}` | {GRAPH.get(key).tags[STAGE]} | {_summary(key)} |" for key in keys]
        head = f"### {group}\n\n{about.splitlines()[0]}\n\n| asset | stage | what it is |\n| --- | --- | --- |"
        parts.append("\n".join([head, *rows]))
    return "\n\n".join(parts)


def _groups() -> dict[str, list[dg.AssetKey]]:
    """Asset keys by group, in the order of the data flow: groups by the mean length of the way to their assets."""
    groups: dict[str, list[dg.AssetKey]] = {}
    for key in sorted(GRAPH.get_all_asset_keys(), key=lambda key: (_depth(key), key)):
        groups.setdefault(GRAPH.get(key).group_name, []).append(key)
    return dict(sorted(groups.items(), key=lambda item: (mean(map(_depth, item[1])), item[0])))


@cache
def _depth(key: dg.AssetKey) -> int:
    return max((_depth(parent) + 1 for parent in GRAPH.get(key).parent_keys), default=0)


@cache
def _ancestors(key: dg.AssetKey) -> frozenset[dg.AssetKey]:
    parents = GRAPH.get(key).parent_keys
    return frozenset(parents).union(*(_ancestors(parent) for parent in parents))


def _summary(key: dg.AssetKey) -> str:
    """The first sentence of the description, with the second one where the first is a mere title."""
    text = " ".join((GRAPH.get(key).description or "").split())
    first, *others = re.split(r"(?<=[.?]) (?=[A-Z`])", text)
    return " ".join([first, *others[:1]] if len(first) < 55 else [first]).replace("|", "\\|")


if __name__ == "__main__":
    main()
