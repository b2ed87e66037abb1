"""Where Dagster's history lies: SQLite counts on locks that network file systems do not keep, and breaks there."""

import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

MOUNTS = Path("/proc/self/mountinfo")
# As the kernel names them. Of what goes through FUSE those that are known to have another machine at the end.
NETWORK = {
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "glusterfs", "gpfs", "gfs2", "lustre", "ncpfs", "nfs", "nfs4",
    "ocfs2", "orangefs", "panfs", "pvfs2", "smb2", "smb3", "smbfs", "wekafs",
}  # fmt: skip
NETWORK_FUSE = {
    "ceph", "davfs", "davfs2", "gcsfuse", "geesefs", "glusterfs", "goofys", "grpcfuse", "juicefs", "lustre",
    "moosefs", "mfs", "osxfs", "rclone", "s3fs", "seaweedfs", "smbnetfs", "sshfs",
}  # fmt: skip


def file_system(path: Path, mounts: str) -> tuple[str, Path]:
    """Kind of the file system that a path is on, and where it is mounted.

    Args:
        mounts: the text of /proc/self/mountinfo. Of several mounts on one place the last one holds.
    """
    kind, place = "", Path("/")
    for line in mounts.splitlines():
        where, _, what = line.partition(" - ")
        mounted = Path(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), where.split()[4]))
        if path.is_relative_to(mounted) and mounted.is_relative_to(place):
            kind, place = what.split()[0], mounted
    return kind, place


def is_network(kind: str) -> bool:
    """Whether files of this kind of file system lie on another machine."""
    over, _, name = kind.partition(".")
    return name in NETWORK_FUSE if over in ("fuse", "fuseblk") else kind in NETWORK


def warn_of_network(instance: dg.DagsterInstance, mounts: Path = MOUNTS) -> Iterator[str]:
    """A line where this instance keeps its history in SQLite on a network file system."""
    from dagster._core.storage.event_log import SqliteEventLogStorage

    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        return
    try:
        text = mounts.read_text()
    except OSError:  # no Linux
        return
    folder = Path(storage.path_for_shard("index")).parent.resolve()
    kind, place = file_system(folder, text)
    if is_network(kind):
        yield (
            f"Dagster's history is SQLite in {folder}, on a network file system ({kind} at {place}): SQLite needs "
            "locks that it does not keep, and loses events or breaks. Move DAGSTER_HOME to a disk of this machine, or "
            "keep the history in PostgreSQL, as deploy/postgresql.yaml does (docs/operate.md)"
        )
