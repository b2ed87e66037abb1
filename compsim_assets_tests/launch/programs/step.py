"""Plays the Dagster process that runs a step: materializes one asset that runs a worker program.

Interrupts are captured as Dagster's run worker does, so SIGINT and SIGTERM end the step as a
termination from the UI does. Writes the run's events as JSON.
"""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
from dagster._utils.interrupts import capture_interrupts

from compsim_assets.launch.torchrun import Torchrun


def main(plan: dict[str, Any]) -> None:
    @dg.asset
    def worked(context: dg.AssetExecutionContext, torchrun: Torchrun) -> dg.Output[dict]:
        result = torchrun.run(context, plan["module"], plan["extras"], Path(plan["scratch"]))
        return dg.Output(result)

    with dg.DagsterInstance.ephemeral() as instance, capture_interrupts():
        outcome = dg.materialize(
            [worked], instance=instance, resources={"torchrun": Torchrun(**plan["torchrun"])}, raise_on_error=False
        )
        lines = [record.user_message for record in instance.all_logs(outcome.run_id)]
        failures = [event.step_failure_data for event in outcome.get_step_failure_events()]
    # Processes that the step would leave behind if it lived on.
    left = [" ".join(p.cmdline()) for p in psutil.Process().children(recursive=True)]
    report = {"success": outcome.success, "lines": lines, "failures": [], "left": left}
    if outcome.success:
        report["result"] = outcome.output_for_node("worked")
    for failure in failures:
        user = failure.user_failure_data
        report["failures"].append(
            {
                "description": user.description if user else None,
                "metadata": {k: v.value for k, v in user.metadata.items()} if user else {},
                "error": failure.error.to_string() if failure.error else "",
            }
        )
    Path(plan["report"]).write_text(json.dumps(report))
