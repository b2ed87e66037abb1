"""Tests of the judge, against servers of their own on this machine."""
