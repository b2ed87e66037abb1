"""The toy with a clock that runs fast: a sensor that asks for a run each second, and a schedule of each minute."""

import dagster as dg

from compsim_assets_tests.running import toy

MOST = 2  # runs that the sensor asks for


@dg.sensor(
    target=dg.AssetSelection.assets("first"), minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING
)
def every_second(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    count = int(context.cursor or 0)
    if count == MOST:
        return dg.SkipReason(f"{MOST} runs are enough")
    return dg.SensorResult([dg.RunRequest(run_key=str(count))], cursor=str(count + 1))


@dg.schedule(
    target=dg.AssetSelection.assets("first"), cron_schedule="* * * * *", default_status=dg.DefaultScheduleStatus.RUNNING
)
def every_minute(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    return dg.RunRequest(run_key=str(context.scheduled_execution_time))


defs = dg.Definitions.merge(toy.defs, dg.Definitions(sensors=[every_second], schedules=[every_minute]))
