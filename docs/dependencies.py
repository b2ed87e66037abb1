"""Writes dependencies.md: what the project stands on, in which version, since when, under which licence.

    python -m docs.dependencies

It asks the package index of when each pinned version is, and whether it was withdrawn. Known holes are another
database's affair: `pip-audit --requirement constraints.txt` asks that where it can be reached.
"""

import json
import re
import tomllib
import urllib.request
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("dependencies.md")
HEADERS = ("package", "version", "of", "licence", "for")
_INDEX = "https://pypi.org/simple/{}/"
_INTRODUCTION = """# Dependencies

What the project names itself, in the versions of `constraints.txt`, which pins what these need, too.
`python -m docs.dependencies` writes this page: it asks the package index of when a version is, and stops at one that
was withdrawn. Against known holes: `pip-audit --requirement constraints.txt`, where its database can be reached.

"""


def direct() -> dict[str, list[str]]:
    """Packages that pyproject.toml names, in the index' spelling, and what for: the platform, or extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    uses = dict[str, list[str]]()
    for use, lines in {"compsim": project["dependencies"], **project["optional-dependencies"]}.items():
        for line in lines:
            name = normal(re.split(r"[\s\[<>=;!~]", line)[0])
            if name != "compsim-assets":
                uses.setdefault(name, []).append(use)
    return uses


def pinned() -> dict[str, str]:
    """Version by package, as constraints.txt has them."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines())
    pairs = (line.partition(";")[0].strip().split("==") for line in lines if "==" in line)
    return {normal(name): version for name, version in pairs}


def normal(name: str) -> str:
    """A package's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _released(name: str, version: str) -> str:
    """The day of a version's first file.

    Raises:
        ValueError: it is not there, or was withdrawn.
    """
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    request = urllib.request.Request(_INDEX.format(name), headers=accept)  # noqa: S310 - the address is above
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        files: list[dict[str, Any]] = json.load(answer)["files"]
    part = re.compile(rf"[-_]{re.escape(version)}(\.tar\.gz|\.zip|-.*\.whl)$")
    ours = [file for file in files if part.search(file["filename"])]
    if not ours or all(file.get("yanked") for file in ours):
        raise ValueError(f"{name} {version} {'was withdrawn' if ours else 'is not on the index'}: pin another")
    return min(file["upload-time"] for file in ours)[:10]


def _licence(name: str) -> str:
    try:
        described = metadata(name)
    except PackageNotFoundError:
        return ""
    classifiers = [each for each in described.get_all("Classifier", []) if each.startswith("License ::")]
    text = described.get("License-Expression") or ", ".join(each.rpartition(":: ")[2] for each in classifiers)
    return text or (described.get("License") or "").strip().partition("\n")[0][:60]


def main() -> None:
    """Write the page."""
    from tabulate import tabulate

    versions = pinned()
    rows = [
        (f"`{name}`", version, _released(name, version.partition("+")[0]), _licence(name), ", ".join(uses))
        for name, uses in sorted(direct().items())
        for version in [versions[name]]
    ]
    PAGE.write_text(_INTRODUCTION + tabulate(rows, HEADERS, "pipe", disable_numparse=True) + "\n")


if __name__ == "__main__":
    main()
