"""Cores and memory by control groups, as files say it: both versions, nested, in a container and without any."""

from pathlib import Path

import pytest

from compsim_assets.launch import environment
from compsim_assets.launch.limits import affine, cores, memory

GB = 1 << 30
V2 = "0::/system.slice/compsim.service/run\n"
V1 = "5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/\n"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """/proc of a machine of 64 GB, without groups yet."""
    (tmp_path / "self").mkdir()
    (tmp_path / "meminfo").write_text(f"MemTotal:       {64 * GB // 1024} kB\nMemFree:  1 kB\n")
    return tmp_path


def grouped(proc: Path, membership: str, root: str, *places: str) -> None:
    """Put this process into groups, mounted from `root` on at places named as their controllers, or v2."""
    (proc / "self/cgroup").write_text(membership)
    kinds = {place: "cgroup2 none rw" if place == "v2" else f"cgroup none rw,{place}" for place in places}
    lines = [f"31 23 0:28 {root} {proc / 'fs' / place} rw - {kind}" for place, kind in kinds.items()]
    (proc / "self/mountinfo").write_text("\n".join(["1 0 0:1 / / rw - ext4 /dev/vda rw", *lines]))


def test_without_groups_it_is_the_machines(machine: Path) -> None:
    assert (cores(machine), memory(machine)) == (affine(), 64 * GB)
    (machine / "meminfo").unlink()
    assert memory(machine) == 0


def test_here_it_is_at_most_what_there_is() -> None:
    total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    assert 0 < memory() <= total
    assert 1 <= cores() <= affine()


def write(proc: Path, group: str, **files: object) -> None:
    folder = proc / "fs" / group
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")


def test_of_nested_groups_the_smallest_limit_holds(machine: Path) -> None:
    grouped(machine, V2, "/", "v2")
    inner, unit = "v2/system.slice/compsim.service/run", "v2/system.slice/compsim.service"
    write(machine, inner, memory__max="max", cpu__max="max 100000")
    write(machine, unit, memory__max=16 * GB, memory__high="max", cpu__max="100000 100000")
    write(machine, "v2/system.slice", memory__max=32 * GB)
    assert (cores(machine), memory(machine)) == (1, 16 * GB)
    write(machine, unit, memory__high=12 * GB)
    assert memory(machine) == 12 * GB
    write(machine, "v2/system.slice", memory__max=8 * GB)
    assert memory(machine) == 8 * GB
    write(machine, inner, memory__max=2 * GB)
    assert memory(machine) == 2 * GB
    write(machine, "v2/user.slice", memory__max=GB)  # of others
    assert memory(machine) == 2 * GB


def test_a_container_sees_its_own_group_as_the_root(machine: Path) -> None:
    grouped(machine, "0::/\n", "/", "v2")
    write(machine, "v2", memory__max=4 * GB, cpu__max="50000 100000")
    assert (cores(machine), memory(machine)) == (1, 4 * GB)


@pytest.mark.parametrize("root", ["/docker/abc", "/", "/elsewhere"])
def test_version_1_with_the_path_of_the_host(machine: Path, root: str) -> None:
    """Mounted from the container's group on, or from the host's root, or from where the path does not lead."""
    grouped(machine, V1, root, "cpu,cpuacct", "memory")
    inside = "docker/abc" if root == "/" else ""
    write(machine, f"memory/{inside}", memory__limit_in_bytes=3 * GB)
    write(machine, f"cpu,cpuacct/{inside}", cpu__cfs_quota_us=100000, cpu__cfs_period_us=100000)
    assert (cores(machine), memory(machine)) == (1, 3 * GB)
    write(machine, f"memory/{inside}", memory__limit_in_bytes=9223372036854771712)
    write(machine, f"cpu,cpuacct/{inside}", cpu__cfs_quota_us=-1)
    assert (cores(machine), memory(machine)) == (affine(), 64 * GB)


def test_half_a_core_is_one_and_a_path_out_of_the_mount_is_not_followed(machine: Path) -> None:
    grouped(machine, "0::/../../other\n", "/", "v2")
    write(machine, "v2", cpu__max="1 2", memory__max="nonsense")
    assert (cores(machine), memory(machine)) == (1, 64 * GB)


def test_threads_are_said_where_a_group_allows_fewer_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "affine", lambda: 64)
    monkeypatch.setattr(environment, "cores", lambda: 4)
    assert environment.threads() == {"OMP_NUM_THREADS": "4"}
    monkeypatch.setattr(environment, "cores", lambda: 64)
    assert environment.threads() == {}
