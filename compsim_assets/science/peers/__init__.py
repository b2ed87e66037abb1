"""Do the companies that a similarity calls peers move together?

Idea: clusters are one use of a similarity, nearest peers another. A good one ranks pairs as their returns do, puts
companies that move along nearest, says more than the industry code, and says the same next year.

Formulas, year by year (`statistics`, `returns`): Spearman of similarity and return correlation,
also with description length held fixed; mean correlation of the top x per cent of pairs and of the K nearest peers,
over all companies and within a two-digit SIC code, beside random ones; R^2 of a return on its peers' mean; peers kept
from year to year. `explained` is the share of a company's accounting metric that its peers' mean explains, with
intervals. `agreement` is the adjusted mutual information of clusters and codes. `supervised` scores latents
by the returns of earlier years: the mean correlation of pairs that share the latent less that of all pairs.
`industries` are SIC codes. `squares` are values of every two reports, made a few rows at a time of a large year;
`ranks` are rank correlations over all pairs.

Source: follow-ups of arXiv 2412.02605 (method section 6); Vinh et al. 2010 (mutual information). Cost: O(n^2) time for
a year of n reports; about 20 n^2 bytes and 1 GB, of more than 10,240 reports 30 n K bytes and 1 GB. Not here: which
similarities there are (`evidence`).
"""
