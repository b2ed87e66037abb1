"""Whole sets of results: publishing, going back, damage, kills."""
