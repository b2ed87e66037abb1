"""Pickles of others, read without running what they say.

A pickle is a program for a small machine. The machine is here (`reader`), with stand-ins of ours for every name that a
pickle may use (`names`, which build arrays and tables in `arrays` and `tables`) and no other way out. What is read is
what pandas 1.5 to 3, scikit-learn and joblib write for tables, arrays and PCA models; anything else is refused by name.
What the tables mean is not known here.
"""

from compsim_assets.universe.published.pickles.reader import load_pickle

__all__ = ["load_pickle"]
