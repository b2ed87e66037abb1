"""Dagster's partitions: one per cutoff mode."""

import dagster as dg

from compsim_assets.contracts.modes import CUTOFF_MODES

cutoff_modes = dg.StaticPartitionsDefinition(list(CUTOFF_MODES))
