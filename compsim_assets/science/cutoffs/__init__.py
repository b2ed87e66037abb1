"""Where the trees are cut: MeanCorr of every cutoff, and the ways to choose one.

Idea: a cutoff is judged by how well the companies of its clusters move together. Between two merges of a year's tree
nothing changes, so MeanCorr of all cutoffs is one step function, made in one pass over the merges (`step_function`);
no cutoff is tried, and no lattice is needed until one is chosen (`choice`).

Formulas: MeanCorr(theta) = mean over clusters of two or more of the mean return correlation of their pairs; with
returns of length one these add up to (|sum of u|^2 - n) / 2 per cluster. `base` takes the theta that is best on later
years, `rolling` the one that was best over the five years before (method section 1, after arXiv 2412.02605);
`walk_forward` makes scaler, PCA, scale and cutoff of a year from earlier years alone.

Cost: O(n months) per year after its tree; from m pairs O(n log n + m) (`pairs`, which also cuts at published thetas).
`walk_forward` is a PCA per year.

`kmeans` is what linkage is compared with, `groupings` says whether two sets of clusters are the same. Not here: trees
and cuts (`linkage`), MeanCorr of given groups (`correlation`).
"""
