"""The same universe as people's files spell it, and universes that are damaged: what the platform makes of each."""
