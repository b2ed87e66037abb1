"""Why two reports are alike, and how sure that is.

Idea: with x~ a report's standardised features, z its scores and x^ = W z, the cosine of two reports is a sum over
latents, and so over groups of latents. Single latents are not a reason: there are too many of them. Groups of latents
that are active in the same reports, themes, are.

Formulas: c_j(a, b) = (x~_aj x^_bj + x~_bj x^_aj) / (2 |z_a| |z_b|), which sums to cos(z_a, z_b) exactly, and to 1 for
a = b (`parts`, `contributions`, `sums`, `top`). Its mean over the pairs of a year follows from sums over reports. A
theme's contribution is the sum over its latents. Latents are grouped by where they lie on the principal axes, latent j
at sqrt(lambda_p) W_pj: their inner products are the latents' covariances (`themes`). With weights w on latents, cos_w =
sum w_j c_j(a, b) / sqrt(sum w_j c_j(a, a) . sum w_j c_j(b, b)): drawn weights say how sure a peer is (`confidence`),
and weights 0 and 1 how alike two reports are in some latents.

Source: method section 8; the bootstrap of Efron 1979, with half the draws (Bickel, Goetze and van Zwet 1997). Cost: n D
P multiply-adds and 4 n_y^2 D per year.

Not here: who is near (`linkage`, `peers`), what a single latent does to a cluster (`strong_features`), words (`words`).
"""
