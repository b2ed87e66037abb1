"""Pickles of others, read without running what they say."""

from compsim_assets.universe.published.pickles.reader import load_pickle

__all__ = ["load_pickle"]
