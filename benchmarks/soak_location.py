"""The platform as a code location whose rebuild a sensor asks for, each time that `benchmarks.soak` says so."""

import os
from pathlib import Path
from typing import Any

import dagster as dg

from compsim_assets import definitions
from compsim_assets.automation import ALL_MODES, rebuild

# Draws of the bootstrap, of permutations and of placebos: what they cost says nothing about what is left behind.
FEW_DRAWS: dict[str, Any] = {
    "robustness": {"config": {"resamples": 200, "permutations": 100}},
    "pairs_trading": {"config": {"placebo_pool": 150, "placebo_draws": 30, "bootstrap_draws": 60}},
}


@dg.sensor(job=rebuild, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def compressed_clock(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """The next rebuild, once it is asked for."""
    asked = int(Path(os.environ["SOAK_ASKED"]).read_text())
    if int(context.cursor or 0) >= asked:
        return dg.SkipReason("not yet")
    request = dg.RunRequest(run_key=f"tick {asked}", tags=ALL_MODES, run_config={"ops": FEW_DRAWS})
    return dg.SensorResult([request], cursor=str(asked))


defs = dg.Definitions.merge(definitions.defs, dg.Definitions(sensors=[compressed_clock]))
