"""What starts runs without a person: the job, and who asks for it.

`jobs` has the job, `schedule` its week. What a run does is in `assets`, how it is started in `running`.
"""

from compsim_assets.automation.jobs import ALL_MODES, EVERYTHING, PART, REBUILD, rebuild
from compsim_assets.automation.schedule import weekly_rebuild
from compsim_assets.running.executor import executor

__all__ = ["ALL_MODES", "EVERYTHING", "PART", "REBUILD", "executor", "jobs", "rebuild", "schedules", "weekly_rebuild"]

jobs = [rebuild]
schedules = [weekly_rebuild]
