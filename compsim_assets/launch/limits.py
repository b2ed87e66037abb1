"""What this process may use of its machine: cores and memory, by its control groups where they allow less than all.

A container, a batch job and a systemd unit are control groups, one inside another: of their limits the smallest holds.
What the machine has, which is what Python, torch and Dagster look at, is not theirs.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

PROC = Path("/proc")


@dataclass(frozen=True)
class Group:
    """A control group, as a folder of files.

    Attributes:
        version: 1 or 2, which differ in the names of the files.
    """

    folder: Path
    version: int

    def numbers(self, name: str) -> list[int]:
        """The numbers in one of its files; none where there is no such file, or no limit in it."""
        with suppress(OSError, ValueError):
            return [int(word) for word in (self.folder / name).read_text().split()]
        return []


def affine() -> int:
    """Processor cores that this process may be put on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cores(proc: Path = PROC) -> int:
    """Processor cores that this process may use: by its affinity and its groups' share of time, at least one."""
    allowed = affine()
    for group in _groups("cpu", proc):
        quota = [*group.numbers("cpu.cfs_quota_us"), *group.numbers("cpu.cfs_period_us")]
        if group.version == 2:
            quota = group.numbers("cpu.max")
        if len(quota) == 2 and min(quota) > 0:  # -1: no limit
            allowed = min(allowed, -(-quota[0] // quota[1]))
    return max(1, allowed)


def memory(proc: Path = PROC) -> int:
    """Bytes of memory that this process may use, with all others of its groups; 0 where the system does not say."""
    limits = [limit for limit in (_of_the_machine(proc),) if limit]
    for group in _groups("memory", proc):
        names = ("memory.max", "memory.high") if group.version == 2 else ("memory.limit_in_bytes",)
        limits += [limit for name in names for limit in group.numbers(name) if limit > 0]
    return min(limits, default=0)


def _of_the_machine(proc: Path) -> int:
    with suppress(OSError):
        for line in (proc / "meminfo").read_text().splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
    with suppress(OSError, ValueError, AttributeError):  # no Linux
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if proc == PROC else 0
    return 0


def _groups(controller: str, proc: Path) -> Iterator[Group]:
    """The groups of this process that can limit it, from the innermost to the outermost that can be seen."""
    try:
        lines = (proc / "self/cgroup").read_text().splitlines()
        mounts = (proc / "self/mountinfo").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        version = 1 if controllers else 2
        for root, top in _mounted(mounts, version, controller):
            yield from (Group(folder, version) for folder in _upwards(top, root, path))


def _mounted(mounts: list[str], version: int, controller: str) -> Iterator[tuple[str, Path]]:
    """Where a hierarchy of groups is mounted, and from which of its groups on."""
    for mount in mounts:
        place, _, kind = mount.partition(" - ")
        words, (file_system, _, options) = place.split(), kind.split()[:3]
        of_version = file_system == ("cgroup2" if version == 2 else "cgroup")
        if of_version and (version == 2 or controller in options.split(",")):
            yield words[3], Path(words[4])


def _upwards(top: Path, root: str, path: str) -> Iterator[Path]:
    """Folders from a group's up to the mount. In a container the path can be one of the host: then the mount alone."""
    try:
        inside = PurePosixPath(path).relative_to(root)
    except ValueError:
        inside = PurePosixPath()
    folder = top / inside if ".." not in inside.parts and (top / inside).is_dir() else top
    yield folder
    while folder != top:
        folder = folder.parent
        yield folder
