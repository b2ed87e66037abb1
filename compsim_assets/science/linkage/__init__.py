"""From scores, or from a list of pairs, to one tree per year, and cuts through it.

Idea: clusters at a cutoff are the connected components of the graph of all pairs within it. All cutoffs at once are
single linkage: the minimum spanning tree of the distances, its edges ascending. Cutting it anywhere is then O(n log n)
(`cut`).

Formulas: d = 1 - cos(z_a, z_b) in float64; delta = (d - m) / v with mean m and population deviation v of d over all
years' pairs (`distance`). Distances within 1e-12 are equal (`dendrogram`).

Sources: Gower and Ross 1969 (single linkage is the minimum spanning tree); Kruskal 1956, filtered as Osipov, Sanders
and Singler 2009; scipy's O(n^2) linkage where all distances fit.

Cost: n^2 P / 2 multiply-adds per year. A year that fits has its distances listed, a larger one goes through tiles of
float32 products whose candidates are computed again (`blocked`, with `unit_blocks`, `first_tree`, `spanning_tree`);
`years` makes that choice, and nobody else. `pairs` links a year of which only some pairs exist; `nearest` finds the
most similar reports.

Not here: which cutoff is right, and anything of returns (`cutoffs`).
"""
