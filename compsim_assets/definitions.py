"""The whole platform in one screen."""

import dagster as dg

from compsim_assets import assets, automation, checks
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.settings import Settings, processes
from compsim_assets.storage.io_managers import FigureIOManager, PcaIOManager, TableIOManager

settings = Settings.from_environment()

defs = dg.Definitions(
    assets=dg.load_assets_from_package_module(assets),
    asset_checks=dg.load_asset_checks_from_package_module(checks),
    jobs=automation.jobs,
    schedules=automation.schedules,
    executor=automation.executor,
    resources={
        "settings": settings,
        "torchrun": Torchrun(nproc=processes()),
        "io_manager": TableIOManager(settings=settings),
        "figure_io_manager": FigureIOManager(settings=settings),
        "pca_io_manager": PcaIOManager(settings=settings),
    },
)
