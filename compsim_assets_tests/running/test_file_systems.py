"""SQLite on a network file system is noticed: by mounts of many kinds, and in a run."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from compsim_assets.running import file_systems
from compsim_assets.running.file_systems import file_system, is_network, warn_of_network
from compsim_assets_tests.launch.warm import stop_server

MOUNTS = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 0:50 / /home rw,relatime shared:7 - nfs4 server:/home rw,vers=4.2,addr=10.0.0.1
41 40 0:51 / /home/ann/local rw,relatime - xfs /dev/sdb rw
42 27 0:52 / /mnt/my\040share rw,relatime - cifs //server/share rw
43 27 0:53 / /mnt/remote rw,nosuid master:1 propagate_from:2 - fuse.sshfs ann@host: rw
44 27 0:54 / /scratch rw - lustre 10.0.0.2@tcp:/scratch rw
45 27 0:55 / /twice rw - nfs server:/a rw
46 27 0:56 / /twice rw - tmpfs tmpfs rw
47 27 0:57 / /snap rw - fuse.snapfuse snapfuse rw
"""


@pytest.mark.parametrize(
    ("path", "kind", "network"),
    [
        ("/var/lib/compsim", "ext4", False),
        ("/home/ann/.dagster", "nfs4", True),
        ("/homeless", "ext4", False),
        ("/home/ann/local/dagster", "xfs", False),
        ("/mnt/my share/dagster", "cifs", True),
        ("/mnt/remote", "fuse.sshfs", True),
        ("/scratch/ann", "lustre", True),
        ("/twice/x", "tmpfs", False),
        ("/snap/x", "fuse.snapfuse", False),
    ],
)
def test_a_path_is_on_the_innermost_and_last_mount(path: str, kind: str, network: bool) -> None:
    assert file_system(Path(path), MOUNTS)[0] == kind
    assert is_network(kind) == network


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "home").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        yield instance


def mounted(folder: Path, kind: str) -> Path:
    """A file of mounts in which this folder is one of that kind."""
    path = folder / "mountinfo"
    path.write_text(f"1 0 254:0 / / rw - ext4 /dev/vda rw\n2 1 0:9 / {folder} rw - {kind} server:/x rw\n")
    return path


def test_one_line_says_where_and_what_to_do(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    (line,) = warn_of_network(instance, mounted(tmp_path, "nfs4"))
    assert f"(nfs4 at {tmp_path})" in line
    assert str(tmp_path / "home") in line
    assert "PostgreSQL" in line
    assert list(warn_of_network(instance, mounted(tmp_path, "ext4"))) == []
    assert list(warn_of_network(instance, tmp_path / "no mountinfo")) == []
    with dg.DagsterInstance.ephemeral() as in_memory:
        assert list(warn_of_network(in_memory, mounted(tmp_path, "nfs4"))) == []


def test_the_storage_counts_and_not_the_home(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "disk").mkdir()
    (tmp_path / "home/dagster.yaml").write_text(f"storage: {{sqlite: {{base_dir: {tmp_path / 'disk'}}}}}\n")
    with dg.DagsterInstance.from_config(str(tmp_path / "home")) as instance:
        assert list(warn_of_network(instance, mounted(tmp_path / "home", "nfs"))) == []
        assert len(list(warn_of_network(instance, mounted(tmp_path / "disk", "nfs")))) == 1


def test_a_run_warns_when_it_starts(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from compsim_assets_tests.running import toy

    monkeypatch.setenv("TOY", str(tmp_path))
    mounts = mounted(tmp_path, "fuse.sshfs")
    monkeypatch.setattr(file_systems.warn_of_network, "__defaults__", (mounts,))
    job = dg.reconstructable(toy.everything)
    stop_server()  # one that an earlier test started has that test's environment
    with dg.execute_job(job, instance, asset_selection=[dg.AssetKey("first")]) as result:
        assert result.success
    logs = instance.all_logs(instance.get_runs()[0].run_id)
    warnings = [log.user_message for log in logs if log.level == 30]
    assert [line for line in warnings if "fuse.sshfs" in line], warnings
