"""The whole platform in one screen."""

import dagster as dg

from compsim_assets import automation
from compsim_assets.assets import (
    baselines,
    clusters,
    descriptions,
    evaluation,
    evidence,
    features,
    figures,
    interpretability,
    peers,
    published,
    similarity,
    trading,
    walk_forward,
)
from compsim_assets.checks import data_checks, result_checks
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.settings import Settings, processes
from compsim_assets.storage.io_managers import FigureIOManager, PcaIOManager, TableIOManager

settings = Settings.from_environment()

defs = dg.Definitions(
    assets=dg.load_assets_from_modules(
        [
            descriptions,
            published,
            features,
            similarity,
            clusters,
            walk_forward,
            baselines,
            interpretability,
            evaluation,
            peers,
            trading,
            evidence,
            figures,
        ]
    ),
    asset_checks=dg.load_asset_checks_from_modules([data_checks, result_checks]),
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
