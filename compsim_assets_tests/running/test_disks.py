"""Disks that are full or cannot be written, for real: file systems of a few pages in a namespace of the test's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compsim_assets import open_results
from compsim_assets.running.home import CONFIGURATION

SMALL, LARGE = "small", os.urandom(60_000).hex()  # cannot be compressed
TOY = f"{sys.executable} -m compsim_assets_tests.running.publishing"
CAN = (
    shutil.which("unshare")
    and not os.geteuid()
    and not subprocess.run(["unshare", "--mount", "true"], check=False).returncode
)
pytestmark = [pytest.mark.skipif(not CAN, reason="mounting asks for root, or for the right to"), pytest.mark.waits(120)]


class Disks:
    def __init__(self, folder: Path) -> None:
        self.data, self.home, self.tmp = (folder / name for name in ("data", "home", "tmp"))
        for each in (self.data, self.home, self.tmp):
            each.mkdir()
        shutil.copy(CONFIGURATION, self.home)

    def script(self, *lines: str) -> list[str]:
        """What the lines print, one after the other; each says its exit code. Mounts go with the process."""
        environment = {
            **os.environ, "COMPSIM_DATA": str(self.data), "DAGSTER_HOME": str(self.home), "TMPDIR": str(self.tmp),
            "TEXT": SMALL, "LARGE": LARGE,
        }  # fmt: skip
        ran = subprocess.run(
            ["unshare", "--mount", "bash", "-c", "\n".join(f"{line}\necho code $?\necho ---" for line in lines)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240, check=False,
        )  # fmt: skip
        return ran.stdout.split("---\n")[:-1]

    def text(self) -> str:
        return str(open_results(source="sample", data=self.data).read("descriptions")["description"][0])


@pytest.fixture
def disks(short_folder: Path) -> Disks:
    return Disks(short_folder)


PRINT = 'from compsim_assets import read_asset; print(read_asset("descriptions").description[0][:9])'
READ = f"{sys.executable} -c '{PRINT}'"


def test_results_disk_is_full(disks: Disks) -> None:
    _, first, second, read, _, third, again = disks.script(
        f"mount -t tmpfs -o size=100k tmpfs {disks.data}",
        TOY, f"TEXT=$LARGE {TOY}", READ, f"mount -o remount,size=1m {disks.data}", f"TEXT=$LARGE {TOY}", READ,
    )  # fmt: skip
    assert first.endswith("code 0\n")
    assert second.endswith("code 1\n")
    assert "No space left on device" in second
    assert "One of the disks of COMPSIM_DATA, TMPDIR and DAGSTER_HOME is full: what is whole is kept." in second
    assert "Traceback" not in second
    assert read == "small\ncode 0\n"
    assert third.endswith("code 0\n")
    assert again == f"{LARGE[:9]}\ncode 0\n"


def test_temporary_disk_is_full(disks: Disks) -> None:
    first, _, second, _, third = disks.script(
        TOY, f"mount -t tmpfs -o size=4k,nr_inodes=2 tmpfs {disks.tmp}", f"TEXT=other {TOY}", f"umount {disks.tmp}",
        f"TEXT=third {TOY}",
    )  # fmt: skip
    assert first.endswith("code 0\n")
    assert second.endswith("code 1\n")
    assert "No space left on device" in second
    assert third.endswith("code 0\n")
    assert disks.text() == "third"


@pytest.mark.parametrize("what", ["full", "read-only"])
def test_disk_of_the_history(what: str, disks: Disks) -> None:
    mount = f"mount -t tmpfs -o size=1m tmpfs {disks.home} && cp {CONFIGURATION} {disks.home}"
    command = f"{sys.executable} -m compsim_assets materialize returns"
    break_it = {
        "full": f"head -c 2m /dev/zero > {disks.home}/filler",
        "read-only": f"mount -o remount,ro {disks.home}",
    }[what]
    mend = {"full": f"rm {disks.home}/filler", "read-only": f"mount -o remount,rw {disks.home}"}[what]
    *_, broken, _, again = disks.script(mount, TOY, break_it, command, mend, TOY)
    assert "code 2\n" in broken
    assert f"compsim: Dagster's history in {disks.home} cannot be written" in broken
    assert "Traceback" not in broken
    assert again.endswith("code 0\n")


def test_results_cannot_be_written(disks: Disks) -> None:
    first, _, second, read, _, third = disks.script(
        TOY,
        f"mount --bind {disks.data} {disks.data} && mount -o remount,ro,bind {disks.data}",
        f"TEXT=other {TOY}",
        READ,
        f"umount {disks.data}",
        f"TEXT=third {TOY}",
    )
    assert first.endswith("code 0\n")
    assert second.endswith("code 1\n")
    assert f"Read-only file system: '{disks.data}" in second
    assert read == "small\ncode 0\n"
    assert third.endswith("code 0\n")
    assert disks.text() == "third"


def test_results_belong_to_another_user(disks: Disks) -> None:
    another = "setpriv --reuid=65534 --clear-groups"
    asked = f"{another} {sys.executable} -c 'import compsim_assets.settings'"
    if subprocess.run(["bash", "-c", asked], capture_output=True, check=False).returncode:
        pytest.skip("another user cannot read the program itself")
    nobody = f"{another} {TOY}"
    first, _, second, third = disks.script(
        TOY, f"chown -R 65534 {disks.home} {disks.tmp}", f"TEXT=other {nobody}", f"TEXT=third {TOY}"
    )
    assert first.endswith("code 0\n")
    assert second.endswith("code 1\n")
    assert f"Permission denied: '{disks.data}" in second
    assert third.endswith("code 0\n")
    assert disks.text() == "third"


def test_disk_of_the_history_fills_while_a_run_works(disks: Disks) -> None:
    mount = f"mount -t tmpfs -o size=2m tmpfs {disks.home} && cp {CONFIGURATION} {disks.home}"
    *_, broken, read, _, again = disks.script(
        mount, TOY, f"TEXT=other FAIL='fill descriptions' {TOY}", READ, f"rm {disks.home}/filler", f"TEXT=third {TOY}"
    )
    assert broken.endswith("code 2\n"), broken
    assert f"compsim: Dagster's history in {disks.home} cannot be written" in broken
    assert "Traceback" not in broken
    assert read == "small\ncode 0\n"
    assert again.endswith("code 0\n")
    assert disks.text() == "third"
