"""The console script: it starts fast, its questions end as they should, and without a command it is Table 1."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compsim_assets import cli
from compsim_assets.commands import table

HEAVY = ("dagster", "torch", "pandas", "numpy", "pyarrow", "pydantic.main", "rich")


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys, compsim_assets.cli as cli\n"
        "sys.argv = ['compsim', '--help']\n"
        "try:\n    cli.app()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"
    for command in ("init", "check", "materialize", "table"):
        assert f"\n  {command} " in run.stdout
    assert "..." not in run.stdout.partition("Commands:")[2]


def test_the_script_is_installed(tmp_path: Path) -> None:
    script = shutil.which("compsim", path=str(Path(sys.executable).parent))
    assert script is not None
    for program in ([script], [sys.executable, "-m", "compsim_assets"]):
        run = subprocess.run([*program, "chek", "x"], capture_output=True, text=True)
        assert (run.returncode, run.stdout) == (2, "")
        assert "Usage: compsim" in run.stderr
        assert "check" in run.stderr


def test_without_a_command_it_is_table_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(table, "print_table_1", lambda: print("Table 1"))
    for arguments in ((), ("table",)):
        cli.main(*arguments)
        assert capsys.readouterr().out == "Table 1\n"


def test_what_is_not_materialized_is_named_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value, expected in (
        ("COMPSIM_DATA", str(tmp_path), "materialize 'table_1' first"),
        ("COMPSIM_SOURCE", "nowhere", "COMPSIM_SOURCE is 'nowhere', expected one of sample, local, huggingface"),
    ):
        monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as end:
            cli.app([])
        assert end.value.code == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith("compsim: ")
        assert expected in told.err
