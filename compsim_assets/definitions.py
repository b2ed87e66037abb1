"""The whole platform in one screen."""

import dagster as dg

from compsim_assets import assets, automation
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.settings import Settings, processes
from compsim_assets.storage.io_managers import ResultsFolder, managers

settings = Settings.from_environment()

defs = dg.Definitions(
    assets=dg.load_assets_from_package_module(assets),
    jobs=automation.jobs,
    schedules=automation.schedules,
    executor=automation.executor,
    resources={
        "settings": settings,
        "torchrun": Torchrun(nproc=processes()),
        "folder": ResultsFolder(settings=settings),
        **managers(settings),
    },
)
