"""What every step inherits: the server that steps are forked from imports this module, once, before the first of them.

Importing it is all that it is for. What is loaded here no step loads: Dagster with its storage, the definitions, and
the libraries that most steps use. Nothing is computed: threads do not survive a fork, and the locks that they hold do.
All steps inherit one state of numpy's global generator: whoever draws seeds a generator of its own.

In the server, and in nobody else who imports this, it also ties processes together: the server ends with the run's
process and each step with the server, however they go. They are a process group of their own, so that Ctrl-C in a
terminal reaches the run's process alone, which then ends its steps in one way.
"""

import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from compsim_assets.launch.environment import set_defaults
from compsim_assets.launch.lifeline import die_with_parent

_PACKAGE = Path(__file__).parent
MODULES = (
    # Dagster, its storage, and what they import when they are first used.
    "dagster",
    "dagster._core.definitions.repository_definition.repository_data_builder",
    "dagster._core.executor.multiprocess",
    "dagster._core.instance.factory",
    "dagster._core.launcher.default_run_launcher",
    "dagster._core.run_coordinator.queued_run_coordinator",
    "dagster._core.secrets.env_file",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.migration.utils",
    "dagster._core.storage.sqlite_storage",
    "dagster._core.system_config.composite_descent",
    "dagster._core.utility_ops",
    "dagster._core.workspace.autodiscovery",
    "multiprocessing.popen_forkserver",
    "multiprocessing.queues",
    "upath.implementations.local",
    # What assets import inside their functions.
    "matplotlib.backends.backend_agg",
    "pandas",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "tabulate",
    "torch",
    "compsim_assets.cli",  # Python loads the main program in each child
)
# With all that these import.
ROOMS = ("contracts", "evidence", "plots", "sample", "science", "storage", "universe")


def load() -> None:
    """Import everything that steps use, and put the jobs together."""
    set_defaults()
    gc.disable()
    rooms = (walk_packages([str(_PACKAGE / room)], f"{__package__}.{room}.") for room in ROOMS)
    for name in (*MODULES, *(module.name for modules in rooms for module in modules)):
        with suppress(Exception):  # whoever needs it says so
            import_module(name)
    with suppress(Exception):  # wrong settings: the run's process says so
        from compsim_assets.definitions import defs

        for job in defs.get_repository_def().get_all_jobs():
            assert job.run_config_schema
    with suppress(Exception):
        read_migrations_once()
    # What is there now stays: children need not look through it, nor copy it.
    gc.freeze()
    gc.enable()


def read_migrations_once() -> None:
    """Have Dagster's list of database migrations read here, for all steps.

    Four times in each process it reads and runs 88 files, to see that its tables are of the last kind: a tenth of a
    second, as long as all else at the start of a step.
    """
    from alembic.script import ScriptDirectory
    from dagster._core.storage import sql

    read, lists = ScriptDirectory.from_config, dict[str | None, ScriptDirectory]()

    def remembered(config: Any) -> ScriptDirectory:
        place = config.get_main_option("script_location")
        if place not in lists:
            lists[place] = read(config)
        return lists[place]

    ScriptDirectory.from_config = staticmethod(remembered)  # type: ignore[method-assign]
    remembered(sql.get_alembic_config(sql.__file__)).as_revision_number("head")


def tie_processes() -> None:
    """Make this process and those forked from it end with their parents, apart from the terminal's group."""
    os.setpgid(0, 0)
    if sys.platform != "linux":  # elsewhere it takes a thread, and threads do not survive a fork
        return
    die_with_parent(os.getppid())
    server, tied = os.getpid(), False

    def tie_a_step() -> None:
        nonlocal tied
        if not tied:  # a step's own children are its own affair
            tied = True
            die_with_parent(server)

    os.register_at_fork(after_in_child=tie_a_step)


if any("multiprocessing.forkserver" in word for word in sys.orig_argv):
    tie_processes()
    load()
