"""How many reports fit into how much memory: the page's formulas against the code, its table, and measured peaks."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

from compsim_assets.science.pca.fit import memory_needed
from compsim_assets_tests.deploy.peaks import SIZES

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "docs/operate.md").read_text().split("\n## Memory\n")[1].split("\n## ")[0]
GB = 1e9
BLOCK, MOST_COMPONENTS, SMALL, CHARACTERS = 4096, 4000, 12_000, 20_000
BASE = 1.0  # GB of a step's process and of those beside it
pytestmark = pytest.mark.waits(30)


def table(first: str) -> list[list[str]]:
    """Rows of the table of this section with that first header."""
    (block,) = re.findall(rf"^\| {first} \|.*\n(?:\|.*\n?)+", SECTION, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]]


def bytes_of(formula: str, **values: float) -> float:
    """A formula of the page: products by juxtaposition, powers by ^."""
    python = re.sub(r"(?<=[\w)]) (?=[\w(])", " * ", formula.replace("^", "**"))
    names = {"min": min, **values, "b": 2.375 * values["P"]}
    return float(eval(python.replace("min *", "min"), {"__builtins__": {}}, names))


FORMULAS = {row[0]: re.findall(r"`([^`]+)`", row[1])[0] for row in table("what")}


NAMES = {"link": "linking a year", "peers": "peer statistics of a year", "words": "terms of the texts"}


def peaks_of(n: int, latents: int, y: int) -> dict[str, float]:
    """Bytes by what needs them."""
    m = min(n, latents)
    values = {"n": n, "D": latents, "m": m, "P": min(m, MOST_COMPONENTS), "y": y, "B": min(BLOCK, latents)}
    pca = "PCA, m up to 12,000" if m <= SMALL else "PCA of more"
    names = {"pca": pca, **NAMES}
    return {what: bytes_of(FORMULAS[name], **values, c=CHARACTERS) for what, name in names.items()}


@pytest.mark.parametrize(("n", "latents"), [(4000, 2000), (9237, 6144), (27_888, 131_072), (100_000, 131_072)])
def test_the_formula_of_the_pca_is_that_of_the_code(n: int, latents: int) -> None:
    assert 1 <= peaks_of(n, latents, 1)["pca"] / memory_needed(n, latents, MOST_COMPONENTS, BLOCK) < 1.3


def test_the_table_follows_from_the_formulas() -> None:
    rows = table("reports")
    assert len(rows) >= 5
    for row in rows:
        n, latents, y, *numbers = (float(cell.replace(",", "").split()[0]) for cell in row)
        peaks = peaks_of(int(n), int(latents), int(y))
        assert [round(value / GB, 1) for value in peaks.values()] == numbers[:4], row
        assert numbers[4] == 2 ** math.ceil(math.log2(1.25 * max(peaks.values()) / GB + BASE)), row


@pytest.fixture(scope="module")
def measured() -> dict[str, int]:
    """Peaks of each at two sizes, in one process of its own."""
    run = subprocess.run(
        [sys.executable, "-m", "compsim_assets_tests.deploy.peaks"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return dict(json.loads(run.stdout))


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
@pytest.mark.parametrize(("what", "size"), [(what, size) for what, sizes in SIZES.items() for size in sizes])
def test_a_peak_is_what_the_formula_says(what: str, size: tuple[int, int], measured: dict[str, int]) -> None:
    n, width = size
    m, components = min(n, width), width if what == "link" else min(n, width)
    values = {"n": n, "D": width, "m": m, "P": components, "y": n, "B": width, "c": width}
    name = {"pca": "PCA, m up to 12,000", **NAMES}[what]
    expected = bytes_of(FORMULAS[name], **values)
    peak = measured[f"{what} {n} {width}"]
    assert peak < 1.3 * expected + 60e6, (peak, expected)  # threads of the libraries take some once
    assert peak > 0.6 * expected, (peak, expected)
