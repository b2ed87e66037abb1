"""The weekly schedule."""

import dagster as dg

from compsim_assets.automation.jobs import ALL_MODES, rebuild, rebuild_under_way


def weekly(default_status: dg.DefaultScheduleStatus) -> dg.ScheduleDefinition:
    """The schedule, on or off until somebody says otherwise in the UI."""

    @dg.schedule(
        job=rebuild,
        cron_schedule="0 6 * * 1",
        execution_timezone="UTC",
        default_status=default_status,
        description="Mondays 06:00 UTC: everything, in one run, unless one is still under way.",
    )
    def weekly_rebuild(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """One run over both modes; none while another one, or the UI's *Materialize all*, is queued or running."""
        if reason := rebuild_under_way(context.instance):
            return dg.SkipReason(reason)
        return dg.RunRequest(run_key=context.scheduled_execution_time.isoformat(), tags=ALL_MODES)

    return weekly_rebuild


weekly_rebuild = weekly(dg.DefaultScheduleStatus.STOPPED)
