"""Principal components of standardised SAE features, out of core.

Idea: n reports have D latents each, D far above n. The smaller of the n x n Gram matrix and the D x D covariance
matrix is enough, and it adds up over blocks of latents: the features are never in memory as a whole. Identical reports
are one row of that weight.

Formulas: X = (x - mean) / scale, K = X X^T = U L U^T, scores Z = U L^(1/2) with no projection, axes W = X^T U
L^(-1/2); other reports get theirs through products with the fitted ones, X' X^T U L^(-1/2) (method section 2).

Sources: eigenpairs by LAPACK, or block Lanczos with Rayleigh-Ritz (Musco and Musco 2015; Golub and Van Loan, section
10.3).

Cost: n^2 D / 2 multiply-adds for K, then 9 n^3 (LAPACK) or 2 n^2 m for a basis of m vectors.

Read `standardise`, `cross_products`, `eigenpairs`, `scores`, `fit`; then `projection` (a PCA that somebody else fitted)
and `axes` (a few rows of W from the scores). Not here: reading shards (`storage.shards`), distances (`linkage`).
"""
