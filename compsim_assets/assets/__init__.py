"""The assets, a file per group of the UI.

What belongs here: what an asset is called, reads, says about itself and costs, and a body that coordinates: it opens
what it reads, calls what computes, reports progress and notes, and returns tables. What every asset says the same way
is in `common`. What does not: numbers (science), what is said about them (evidence), files (storage, universe), the
columns of a table (contracts), programs that torchrun runs (workers).
"""
