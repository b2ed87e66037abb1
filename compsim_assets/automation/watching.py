"""Sensors that say which run failed or was ended: in their log, and to a webhook."""

import dagster as dg

from compsim_assets.automation.failures import report_on
from compsim_assets.automation.webhook import tell

EVERY = 30  # seconds


def failure_sensors(webhook: str, ui: str, default_status: dg.DefaultSensorStatus) -> list[dg.SensorDefinition]:
    """One for runs that failed, one for those that were ended, by a person or by the daemon.

    Args:
        webhook: a URL; empty: the log alone.
        ui: where the UI is, for links; may be empty.
    """

    def say(context: dg.RunStatusSensorContext) -> None:
        report = report_on(context.instance, context.dagster_run, ui)
        for line in report.lines():
            context.log.error(line)
        if webhook:
            tell(webhook, report.to_dict(), context.log.error)

    @dg.run_failure_sensor(
        name="failed_runs",
        minimum_interval_seconds=EVERY,
        default_status=default_status,
        description="Says of each run that failed: which steps and why, what to do, and what was not made.",
    )
    def failed_runs(context: dg.RunFailureSensorContext) -> None:
        say(context)

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.CANCELED,
        name="ended_runs",
        minimum_interval_seconds=EVERY,
        default_status=default_status,
        description="Says of each run that was ended, by a person or by the daemon, what was not made.",
    )
    def ended_runs(context: dg.RunStatusSensorContext) -> None:
        say(context)

    return [failed_runs, ended_runs]
