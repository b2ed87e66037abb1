"""Which latents hold a cluster together.

Idea: remove one latent from all reports of a cluster. The more the cosines of its pairs change, the more the latent
holds it together; those beyond an elbow of this change are strong.

Formula: removing latent j takes c_aj W_j, c_aj = x_aj / s_j, from the scores z_a of report a, W_j its row of the
principal axes. All cosines afterwards follow from z_a . z_b, z_a . W_j, (sum c_ai W_i) . W_j and |W_j|^2
(`axis_products`, `removal`), so nothing of size reports x axes is made per latent. MAE_j is the mean absolute change
over the cluster's pairs. The elbow (`elbow`) tries quantiles of the MAE from above until removing the latents beyond
one changes more than removing all others. `candidates` are the pairs and latents studied, `selection` the clusters,
`search` does many at once.

Source: the published script of arXiv 2412.02605 (method section 3). Cost: products of n J (P + J) multiply-adds for n
reports in pairs, J candidates and P axes, O((n + p) J) for p pairs. Not here: interpretability (`latents`).
"""
