"""What starts runs without a person, and what is said of them.

`jobs` has the job, `schedule` its week, `inbox` the sensor of new files, `conditions` the declarative way, `planning`
what is out of date. `freshness` says when results are overdue, `watching` and `failures` what a run that failed asks
for, `webhook` tells it to another program. `options` are what the environment says of all this; everything is off until
it, or a person in the UI, says otherwise. What a run does is in `assets`, how it is started in `running`, how files get
into a universe in `universe.inbox`.
"""

from collections.abc import Iterable

import dagster as dg

from compsim_assets.automation.conditions import automated, condition_sensor
from compsim_assets.automation.freshness import fresh
from compsim_assets.automation.inbox import inbox_sensor
from compsim_assets.automation.jobs import ALL_MODES, EVERYTHING, PART, REBUILD, rebuild
from compsim_assets.automation.options import Options
from compsim_assets.automation.schedule import weekly, weekly_rebuild
from compsim_assets.automation.watching import failure_sensors
from compsim_assets.running.executor import executor

__all__ = [
    "ALL_MODES", "EVERYTHING", "PART", "REBUILD", "Options", "executor", "jobs", "rebuild", "ruled", "schedules",
    "sensors", "weekly_rebuild",
]  # fmt: skip

jobs = [rebuild]


def ruled(assets: Iterable[dg.AssetsDefinition], options: Options) -> list[dg.AssetsDefinition]:
    """The same assets with the rules that hold for all of them."""
    definitions = list(assets)
    if options.automate:
        return automated(definitions)
    return fresh(definitions) if options.unattended else definitions


def schedules(options: Options) -> list[dg.ScheduleDefinition]:
    """The weekly one; off where conditions do its work."""
    on = options.unattended and not options.automate
    return [weekly(dg.DefaultScheduleStatus.RUNNING if on else dg.DefaultScheduleStatus.STOPPED)]


def sensors(options: Options) -> list[dg.SensorDefinition]:
    """Those of failures, and of the inbox and of conditions where there are such."""
    status = dg.DefaultSensorStatus.RUNNING if options.unattended else dg.DefaultSensorStatus.STOPPED
    every = failure_sensors(options.webhook, options.ui, status)
    if options.inbox and options.universe:
        every.append(inbox_sensor(options.inbox, options.universe, options.webhook, status))
    if options.automate:
        every.append(condition_sensor(status))
    return every
