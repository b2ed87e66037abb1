"""Files come from the inbox into the universe, whole and checked, or into the quarantine with the reason."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from compsim_assets.universe.folder import Universe
from compsim_assets.universe.inbox import look as looking
from compsim_assets.universe.inbox.checking import Answer, check, names_in
from compsim_assets.universe.layout import UniverseError
from compsim_assets_tests.universe.inbox.boxes import MORE_PRICES, PRICES, Box
from compsim_assets_tests.universes import ID, write_features, write_reports

BAD = PRICES.replace("2015-03-28,11.3", "2015-03-28,about 11")


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    """The check runs in this process: faster."""
    monkeypatch.setattr(looking, "ask", lambda universe, claimed, state, patience: check(universe, claimed, state))
    return Box.beside(tmp_path)


def test_an_empty_inbox_asks_for_nothing(box: Box) -> None:
    assert [box.settle().reason, box.requests] == ["the inbox is empty", []]


def test_a_good_file_is_taken_once_it_is_settled_and_one_run_is_asked_for(box: Box) -> None:
    dropped = box.drop("prices.csv")
    assert box.look().reason == "in the inbox: 1, of which 1 may still be written to"
    assert dropped.exists()
    seen = box.look()
    assert (seen.reason, seen.notes) == ("", ("prices.csv is in the universe now: prices.csv",))
    assert not dropped.exists()
    assert (box.universe / "prices.csv").read_text() == PRICES
    assert [box.settle().reason, len(box.requests)] == ["the inbox is empty", 1]
    assert Universe(box.universe).prices() is not None


def test_all_files_that_are_settled_come_in_one_batch(box: Box) -> None:
    box.drop("prices.csv")
    write_features(box.dropped, [100, 107, 114, 121], [[1.0, 0.0]] * 4)
    write_reports(box.dropped, "reports/more.parquet", **{ID: [1, 2, 3, 4], "cik": list("1234")})
    box.settle()
    assert len(box.requests) == 1
    assert box.universe_files() == [
        "features.parquet", "prices.csv", "reports/more.parquet", "reports/reports.parquet",
    ]  # fmt: skip
    assert len(Universe(box.universe).reports()) == 8


def test_a_file_that_grows_is_waited_for(box: Box) -> None:
    path = box.drop("prices.csv", PRICES[:200])
    for end in (300, 400, len(PRICES)):
        box.look()
        path.write_text(PRICES[:end])
    box.look()
    assert path.exists()
    box.look()
    assert (box.universe / "prices.csv").read_text() == PRICES


@pytest.mark.parametrize("name", ["prices.csv.part", ".prices.csv", "prices.csv.tmp", "prices.csv~", "a.CRDOWNLOAD"])
def test_an_unfinished_name_is_never_read(box: Box, name: str) -> None:
    path = box.drop(name)
    for _ in range(3):
        assert box.look().reason == "the inbox is empty, 1 unfinished or hidden"
    assert path.exists()


def test_a_bad_file_is_kept_with_file_row_expectation_and_remedy(box: Box) -> None:
    before = box.universe_files()
    box.drop("prices.csv", BAD)
    box.settle()
    assert "prices.csv: line 16: adj_close 'about 11', expected a number" in box.reason("prices.csv")
    assert (box.dropped / "quarantine" / "prices.csv").read_text() == BAD
    assert (box.universe_files(), box.requests) == (before, [])
    assert box.settle().reason == "the inbox is empty"  # and is not looked at again


def test_a_bad_file_does_not_keep_the_good_ones(box: Box) -> None:
    box.drop("prices.csv")
    write_reports(box.dropped, "reports/more.parquet", **{ID: [100, 1, 2, 3]})  # 100 is there already
    box.drop("published_clusters/GICS.csv", "year,cluster_id\n2015,1\n")
    box.drop("features.parquet", b"PAR1 and no more")
    box.settle()
    assert box.universe_files() == ["prices.csv", "reports.parquet"]
    assert len(box.requests) == 1
    assert f"{ID} 100 is null or occurs before" in box.reason("reports__more.parquet")
    assert "GICS.csv" in box.reason("published_clusters__GICS.csv")
    assert "get it again" in box.reason("features.parquet")


def test_the_same_name_twice_in_the_quarantine_keeps_both(box: Box) -> None:
    for content in (BAD, BAD.replace("about", "some")):
        box.drop("prices.csv", content)
        box.settle()
    names = {path.name for path in (box.dropped / "quarantine").iterdir()}
    assert names == {"prices.csv", "prices.csv.2", "prices.csv.reason.txt", "prices.csv.2.reason.txt"}


def test_what_is_replaced_is_kept(box: Box) -> None:
    for content in (PRICES, MORE_PRICES):
        box.drop("prices.csv", content)
        box.settle()
    (old,) = (box.universe / ".inbox" / "replaced").rglob("prices.csv")
    assert (old.read_text(), old.parent.name) == (PRICES, box.requests[1])
    assert (box.universe / "prices.csv").read_text() == MORE_PRICES


def test_another_form_of_a_table_takes_its_place(box: Box) -> None:
    rows = "year,cik,company_name,ticker,section_1\n2015,1,One,T0,We make one.\n2016,2,Two,T1,We make two.\n"
    box.drop("reports.csv", rows)
    box.settle()
    assert box.universe_files() == ["reports.csv"]
    assert [path.name for path in (box.universe / ".inbox" / "replaced").rglob("reports*")] == ["reports.parquet"]


def test_what_comes_back_is_taken_again(box: Box) -> None:
    for content in (PRICES, MORE_PRICES, PRICES, PRICES):
        box.drop("prices.csv", content)
        seen = box.settle()
    assert len(set(box.requests)) == 3
    assert seen.notes == ("prices.csv: the universe has it already, the same to the byte",)
    assert not (box.dropped / "prices.csv").exists()


def test_files_wait_for_a_run_that_is_under_way(box: Box) -> None:
    box.drop("prices.csv")
    box.under_way = lambda: "run 1 is STARTED"
    reason = box.settle().reason
    assert reason == "in the inbox: 1, of which 0 may still be written to; they wait, since run 1 is STARTED"
    assert (box.dropped / "prices.csv").exists()
    # One that begins during the check keeps them, too.
    answers = iter(["", "run 2 is QUEUED"])
    box.under_way = lambda: next(answers)
    assert box.look().reason == "prices.csv is checked and good; they wait, since run 2 is QUEUED"
    assert box.universe_files() == ["reports.parquet"]
    box.under_way = lambda: ""
    box.look()
    assert box.universe_files() == ["prices.csv", "reports.parquet"]
    assert len(box.requests) == 1


def test_prices_that_come_before_reports_are_taken_without_a_run(tmp_path: Path, box: Box) -> None:
    shutil.rmtree(box.universe)
    box.universe.mkdir()
    box.drop("prices.csv")
    assert box.settle().reason.startswith("no run yet, the universe would be refused: ")
    write_reports(box.dropped)
    box.settle()
    assert box.universe_files() == ["prices.csv", "reports.parquet"]
    assert len(box.requests) == 1


HOSTILE: dict[str, tuple[Any, str]] = {
    "factors.csv": (lambda path: path.symlink_to("/etc/passwd"), "a link to '/etc/passwd', expected a file: copy it"),
    "reports": (lambda path: path.symlink_to("/etc"), "a link to '/etc'"),
    "pipe": (os.mkfifo, "neither a file nor a folder"),
    "prices.parquet": (Path.mkdir, "a folder that is not read"),
    "-rf": (Path.touch, "the name '-rf'"),
    "a\nb.csv": (Path.touch, r"the name 'a\nb.csv'"),
    "..csv;rm -rf $HOME": (Path.touch, ""),
    "prices.csv;id": (Path.touch, "the name 'prices.csv;id'"),
    "price.csv": (Path.touch, "did you mean prices.csv?"),
    "extraction.toml": (Path.touch, "settings are not taken from an inbox"),
    "\udcff.csv": (Path.touch, r"the name '\udcff.csv'"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_or_odd_entry_goes_aside_with_one_reason(box: Box, name: str) -> None:
    make, reason = HOSTILE[name]
    path = box.dropped / name
    make(path)
    if path.is_dir() and not path.is_symlink():
        (path / "inside").touch()
    box.settle()
    if not reason:  # hidden
        assert path.exists()
        return
    assert not path.is_symlink()
    assert not path.exists()
    (text,) = (p.read_text() for p in (box.dropped / "quarantine").glob("*.reason.txt"))
    assert reason in text
    assert (box.universe_files(), box.requests) == (["reports.parquet"], [])
    assert box.settle().reason == "the inbox is empty"


def test_links_are_not_followed_wherever_they_are(box: Box, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x_latent1.txt").write_text("secret")
    box.drop("fuzz_scores/readme.md")
    (box.dropped / "fuzz_scores" / "scores").symlink_to(outside)
    (box.dropped / "fuzz_scores" / "y_latent2.txt").symlink_to(outside / "x_latent1.txt")
    (box.dropped / "quarantine").symlink_to(outside)
    with pytest.raises(UniverseError, match="quarantine is a link or a file, expected a folder"):
        box.settle()
    (box.dropped / "quarantine").unlink()
    box.look()
    assert [path.name for path in outside.iterdir()] == ["x_latent1.txt"]
    assert (outside / "x_latent1.txt").read_text() == "secret"
    assert not any(path.name == "x_latent1.txt" for path in box.universe.rglob("*"))
    assert "a link to" in box.reason("fuzz_scores__scores")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_says_so(box: Box) -> None:
    box.drop("prices.csv").chmod(0)
    box.settle()
    assert "no permission to read it" in box.reason("prices.csv")


def test_a_file_that_this_user_may_not_read_says_so(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.drop("prices.csv")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    box.settle()
    assert "no permission to read it: chmod it" in box.reason("prices.csv")


def test_a_description_of_ten_megabytes_is_a_description(box: Box) -> None:
    text = "We sell everything. " * 500_000
    box.drop("reports.csv", f'year,cik,company_name,section_1\n2015,1,One,"{text}"\n2015,2,Two,We make two.\n')
    box.settle()
    assert len(box.requests) == 1
    assert Universe(box.universe).reports()["section_1"].str.len().max() >= 9_999_999


def test_a_clock_that_jumps_back_makes_files_wait_and_no_more(box: Box) -> None:
    box.now = 1_000_000
    box.drop("prices.csv")
    box.look()
    box.now = 0
    assert "may still be written to" in box.look().reason
    box.look()
    assert len(box.requests) == 1


def test_no_inbox_is_said_in_one_line(box: Box) -> None:
    box.dropped.rmdir()
    with pytest.raises(UniverseError, match=r"COMPSIM_INBOX: .*/inbox cannot be read \(No such file or directory\)"):
        box.look()


def test_from_another_disk(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def on_another_disk(source: Path, target: Path) -> None:
        if Path(source).is_relative_to(box.dropped) != Path(target).is_relative_to(box.dropped):
            raise OSError(18, "Invalid cross-device link")
        os.rename(source, target)

    monkeypatch.setattr("compsim_assets.universe.inbox.moving.os.replace", on_another_disk)
    box.drop("prices.csv")
    box.drop("factors.csv", "no factors")
    box.settle()
    assert (box.universe / "prices.csv").read_text() == PRICES
    assert (box.dropped / "quarantine" / "factors.csv").read_text() == "no factors"
    assert not names_in(box.inbox.claimed)
    assert len(box.requests) == 1


def test_a_verdict_on_other_files_does_not_count(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    box.drop("prices.csv")
    monkeypatch.setattr(looking, "ask", lambda *_: Answer("", accepted={"features.parquet": "1"}))
    assert box.settle().reason == "the files to be checked are other ones by now"
    assert box.requests == []
