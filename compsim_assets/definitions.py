"""The whole platform in one screen."""

import gc

import dagster as dg

# Dagster and what it loads stay as they are: looking through them again and again is a tenth of the time to load ours.
gc.freeze()

from compsim_assets import assets, automation
from compsim_assets.code_versions import versioned
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.settings import Settings, processes
from compsim_assets.storage.io_managers import ResultsFolder, managers

settings = Settings.from_environment()
options = automation.Options.from_environment(settings)

defs = dg.Definitions(
    assets=automation.ruled(versioned(dg.load_assets_from_package_module(assets)), options),
    jobs=automation.jobs,
    schedules=automation.schedules(options),
    sensors=automation.sensors(options),
    executor=automation.executor,
    resources={
        "settings": settings,
        "torchrun": Torchrun(nproc=processes()),
        "folder": ResultsFolder(settings=settings),
        **managers(settings),
    },
)


def everything() -> dg.JobDefinition:
    """The job of all assets, for a command's run and for the processes of its steps."""
    return defs.resolve_job_def("rebuild")
