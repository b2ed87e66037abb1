"""A universe: its tables, wherever they come from, read and checked."""
