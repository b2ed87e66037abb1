"""Data in, matplotlib Figure out. No pyplot, no files, no global state."""
