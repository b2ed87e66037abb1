"""Dagster's partitions: one per cutoff mode."""

import warnings

import dagster as dg

from compsim_assets.contracts.modes import CUTOFF_MODES

# What lets one run make several partitions is called beta, at every asset, by every process that loads them.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy` of function", category=dg.BetaWarning)

cutoff_modes = dg.StaticPartitionsDefinition(list(CUTOFF_MODES))
