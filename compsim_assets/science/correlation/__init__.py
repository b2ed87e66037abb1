"""How strongly the stocks inside groups of companies move together.

Idea: companies that are alike should have returns that correlate. MeanCorr is the mean over clusters of the mean
Pearson correlation of the cluster's pairs, from twelve monthly log returns; singletons do not count.

Formula: with returns centred and scaled to length one (`returns`), the correlations of a cluster's m reports sum up
to (|sum of u|^2 - m) / 2, so no pair is listed (`mean_correlation`). `pair_weighted` counts every pair once: MeanCorr
weighs a cluster of two like one of three hundred. `groups` does any grouping year by year from returns, `pairs` from
published pairs; `factors` takes out of returns what common factors explain.

Source: MeanCorr of Molinari et al. 2025, arXiv 2412.02605 (method section 1). Cost: O(reports x months) for a method.
Not here: how clusters are made (`linkage`, `cutoffs`), intervals and tests (`inference`).
"""
