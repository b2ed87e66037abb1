"""From scores, or from a list of pairs, to one tree per year, and cuts through it.

Idea: clusters at a cutoff are the connected components of the graph of all pairs within it. All cutoffs at once are
single linkage: the minimum spanning tree of the distances, its edges ascending. Cutting it anywhere is then O(n log n)
(`cut`).

Formulas: d = 1 - cos(z_a, z_b) in float64 (`distance`); delta = (d - m) / v with mean m and population deviation v of
d over all years' pairs (`scale`). Distances within 1e-12 are equal (`dendrogram`).

Sources: Gower and Ross 1969 (single linkage is the minimum spanning tree); Prim 1957 where all distances fit, its
merges those of scipy's `linkage`; Kruskal 1956, filtered as Osipov, Sanders and Singler 2009.

Cost: n^2 P / 2 multiply-adds per year. A year that fits has its distances listed, a larger one goes through tiles of
float32 products whose candidates are computed again (`blocked`, with `unit_blocks`, `first_tree`, `bottlenecks`,
`spanning_tree`); `years` makes that choice, and nobody else. `pairs` links a year of which only some pairs exist;
`nearest` finds the most similar reports.

Linked once: `trees` are all years' trees, in memory and as rows, one row per merge. They have the same bits for any
number of processes and threads.

Not here: which cutoff is right, and anything of returns (`cutoffs`).
"""
