"""Tests of what a universe holds of a judge."""
