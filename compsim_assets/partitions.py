"""How a year's cutoff is chosen: one theta for all years, or one from the five years before."""

import dagster as dg

cutoff_modes = dg.StaticPartitionsDefinition(["base", "rolling"])
