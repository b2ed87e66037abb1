"""Tests of `science/training`."""
