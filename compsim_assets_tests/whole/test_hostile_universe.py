"""Names, texts and folders chosen to break something: data stay data, from the folder to the page."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from compsim_assets.launch.torchrun import Torchrun
from compsim_assets_tests.runs import MODES, Local, once
from compsim_assets_tests.whole.test_live_universes import COMPARED, CORE, reports_and_features, write

pytestmark = pytest.mark.waits(25)
FOLDER = "a 'b' \"c\" $(touch hacked) `touch hacked` ; touch hacked & ü %s {x} #?*"
NAMES = [
    "<script>document.title='hacked'</script> Inc", "\x1b]0;hacked\x07\x1b[31mRed Co", "=HYPERLINK(\"http://x\")",
    "../../../etc/passwd", "O'Brien \"& Sons\" {name} %s", "\u202etxt.exe Corp", "$(touch hacked)", "line\nbreak|pipe",
    "Sep\u2028arator", "Nul\x00l plc", "</td></table><h1>hacked", "Ünïcôdé" + " long" * 500,
]  # fmt: skip
TEN_MB = 10_000_000
CONTROL = [chr(code) for code in (*range(32), 127, *range(128, 160)) if chr(code) not in "\n\t"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Local:
    """Everything but the figures, with real workers; `touch` where a shell reads a name would leave a file here."""

    def make(folder: Path) -> None:
        reports, features = reports_and_features()
        names = pd.Series(NAMES)
        company = reports["cik"].astype(int) - 1000
        reports["company_name"] = names.loc[company].to_numpy()
        reports["ticker"] = ("../T" + company.astype(str)).where(company % 2 == 0, "<b>" + company.astype(str))
        reports["section_1"] = reports["section_1"] + " " + reports["company_name"]
        reports.loc[5, "section_1"] = "We make everything. " * (TEN_MB // 20)
        made = write(folder / FOLDER, reports, features)
        assets = [*CORE, "cutoffs", "clusters", "cluster_features", "cluster_feature_summary", *COMPARED]
        made.run(
            [*assets, "published_vs_ours", "published_replay", "interpretability_curve"], None, Torchrun(nproc="1")
        )

    return Local(once(tmp_path_factory, "hostile", make) / FOLDER)


def test_names_and_a_text_of_ten_megabytes_come_back_as_they_were(run: Local) -> None:
    table = run.read("descriptions").set_index("report_id")
    assert table["company_name"].unique().tolist() == NAMES
    assert len(table["description"][5]) == TEN_MB
    for mode in MODES:
        assert len(run.read("clusters", mode)) == len(table) - (0 if mode == "base" else 60)


def test_no_shell_reads_a_name(run: Local) -> None:
    assert not [path for folder in (run.folder.parent, Path.cwd()) for path in folder.rglob("hacked")]
    assert not Path("/etc/passwd.parquet").exists()


def test_no_markup_and_no_control_character_reaches_a_page(run: Local) -> None:
    pages = [*run.results.folder.glob("*.html"), *run.results.folder.glob("*.md")]
    assert {page.name for page in pages} >= {"findings.html", "findings.md"}
    for page in pages:
        text = page.read_text()
        assert "<script" not in text
        assert "<h1>hacked" not in text
        assert [character for character in CONTROL if character in text] == []


@pytest.mark.parametrize("words", [("check", "."), ("versions",), ()])
def test_no_control_character_reaches_the_terminal(run: Local, words: tuple[str, ...]) -> None:
    universe = run.folder / "universe"
    environment = {"COMPSIM_SOURCE": "local", "COMPSIM_UNIVERSE": str(universe), "COMPSIM_DATA": str(run.data)}
    command = [sys.executable, "-m", "compsim_assets", *words]
    made = subprocess.run(command, env=_with(environment), cwd=universe, capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stderr
    assert [character for character in CONTROL if character in made.stdout + made.stderr] == []
    if words == ("check", "."):
        shown = subprocess.run(
            [*command, "--json"], env=_with(environment), cwd=universe, capture_output=True, timeout=120
        )
        assert json.loads(shown.stdout)


def _with(settings: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **settings}
