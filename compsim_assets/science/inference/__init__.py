"""How sure a statistic is: intervals and tests that know what depends on what.

Idea: reports of one company depend on each other, and so do years. So companies are resampled whole, years are tested
with errors that allow for their dependence, and chance is what shuffled labels give.

Formulas: BCa intervals over companies (`bootstrap`, `intervals`), where MeanCorr of every resample comes from sums
over clusters and not from a list of pairs (`resampled_correlation`); MeanCorr of the same cluster sizes filled at
random (`permutation`); the mean over years with Newey-West errors, and Holm's correction of a family of tests
(`tests`).

Sources: Efron 1987; Davison and Hinkley 1997; Newey and West 1987, 1994; Holm 1979 (method section 6). Cost:
resamples x reports in clusters x 15 multiplications for a method, on all cores. Not here: which methods are compared
(`evidence`).
"""
