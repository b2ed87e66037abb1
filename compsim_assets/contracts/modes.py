"""How a year's cutoff is chosen: one theta for all years, or one from the five years before."""

CUTOFF_MODES = ("base", "rolling")
