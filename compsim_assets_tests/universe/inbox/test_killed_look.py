"""Looks that are killed at any moment: no file is lost, none is taken twice, and the next looks finish."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compsim_assets.universe.inbox import checking
from compsim_assets.universe.inbox.checking import ask
from compsim_assets_tests.universe.inbox.boxes import MORE_PRICES, PRICES, Box
from compsim_assets_tests.universes import write_reports

# Looks again and again, and writes down each batch as the daemon would: after the look.
LOOKS = """
import json, sys
from pathlib import Path
from compsim_assets.universe.inbox.look import Inbox
inbox, cursor = Inbox(Path(sys.argv[1]), Path(sys.argv[2]), settle=0, patience=20), Path(sys.argv[3])
said = json.loads(cursor.read_text())
now = said["now"]
print("begun", flush=True)
while True:
    now += 30
    seen = inbox.look(dict(said["seen"]), said["requested"], now, str)
    if seen.batch:
        print(seen.batch, flush=True)
        said["runs"] = [*dict.fromkeys([*said["runs"], seen.batch])]
        cursor.with_suffix(".runs").write_text(json.dumps(said["runs"]))
    said |= {"seen": dict(seen.memory), "requested": seen.batch or said["requested"], "now": now}
    aside = cursor.with_suffix(".part")
    aside.write_text(json.dumps(said))
    aside.replace(cursor)
    if "empty" in seen.reason:
        break
"""
KILLS = int(os.environ.get("COMPSIM_KILLS") or 4)


def drop_everything(box: Box) -> None:
    box.drop("prices.csv", PRICES)
    box.drop("reports.csv", "year\nno year\n")  # bad
    write_reports(box.dropped, "reports_more.parquet", __index_level_0__=[1, 2, 3, 4], cik=list("1234"))
    box.drop("published_clusters/A.csv", "year,cluster_id,__index_level_0__\n2015,1,100\n2015,1,114\n")


@pytest.mark.waits(20)
def test_looks_that_are_killed_lose_nothing(tmp_path: Path) -> None:
    rng = random.Random(5)
    box, cursor = Box.beside(tmp_path), tmp_path / "cursor.json"
    (box.universe / "prices.csv").write_text(MORE_PRICES)
    drop_everything(box)
    cursor.write_text(json.dumps({"seen": {}, "requested": "", "now": 0, "runs": []}))
    command = [sys.executable, "-c", LOOKS, str(box.dropped), str(box.universe), str(cursor)]
    for kill in range(KILLS + 1):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        if kill < KILLS:
            time.sleep(rng.uniform(0, 1.2))
            process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert box.universe_files() == [
        "prices.csv", "published_clusters/A.csv", "reports/reports.parquet", "reports/reports_more.parquet",
    ]  # fmt: skip
    contents = set(box.contents().values())
    assert {PRICES.encode(), MORE_PRICES.encode(), b"year\nno year\n"} <= contents
    assert (box.universe / "prices.csv").read_text() == PRICES
    left = sorted(path.name for path in box.dropped.rglob("*") if path.is_file())
    assert left == ["reports.csv", "reports.csv.reason.txt"]
    runs = json.loads(cursor.with_suffix(".runs").read_text())
    assert 1 <= len(runs) <= KILLS + 1
    assert list((box.universe / ".inbox").rglob("*.part")) == []


def test_a_check_that_takes_long_goes_on_and_is_not_begun_twice(tmp_path: Path) -> None:
    box = Box.beside(tmp_path)
    claimed = box.inbox.claimed
    claimed.mkdir(parents=True)
    (claimed / "prices.csv").write_text(PRICES)
    assert ask(box.universe, claimed, "s", patience=0.01) is None
    deadline = time.monotonic() + 60
    while (answer := ask(box.universe, claimed, "s", patience=0.05)) is None:
        assert time.monotonic() < deadline
    assert (list(answer.accepted), answer.refused) == (["prices.csv"], {})
    assert json.loads((box.inbox.state / "tries.json").read_text()) == {"s": 1}


def test_a_file_on_which_the_check_dies_every_time_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Box.beside(tmp_path)
    claimed = box.inbox.claimed
    claimed.mkdir(parents=True)
    (claimed / "prices.csv").write_text(PRICES)
    dying = tmp_path / "dying.py"
    dying.write_text("import sys; print('Bus error', file=sys.stderr); sys.exit(7)")
    monkeypatch.setattr(checking, "_COMMAND", (sys.executable, str(dying)))
    assert [ask(box.universe, claimed, "s", patience=20) for _ in range(3)] == [None] * 3
    answer = ask(box.universe, claimed, "s", patience=20)
    assert answer is not None
    (reason,) = answer.refused["prices.csv"]
    assert reason.startswith("the check of it ended without an answer 3 times (Bus error)")
