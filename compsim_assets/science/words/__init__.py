"""What sets a group of reports apart, in words of their own texts; no language model is asked.

Idea: a group (a latent, a theme) is known by the reports in which it is strongest. Terms that these have and others
lack are its words. `counts` finds the terms of texts: words and pairs of words; `lexicon` numbers words, so that each
is looked at once; `text` and `places` say which never are one: stop words, numbers, dates, places, legal endings, and
in a company's text its own name. `log_odds` ranks them, `held_out` judges them, `groups` does both for many groups at
once.

Formula: weighted log-odds with an informative Dirichlet prior, between a group's texts and all texts. With y_w of a
group's n term occurrences, z_w of all m, and prior a_w, which sums to a: d_w = log((y_w + a_w) / (n + a - y_w - a_w)) -
log((z_w + a_w) / (m + a - z_w - a_w)), divided by sqrt(1 / (y_w + a_w) + 1 / (z_w + a_w)). A text counts once for each
of its terms, a company once for all of its texts.

Source: Monroe, Colaresi, Quinn 2008, Fightin' Words, Political Analysis 16(4). Cost: a sparse product of the groups'
top reports with the terms of all texts, a block of groups at a time. Not here: texts and tables (`universe`, `assets`).
"""

from compsim_assets.science.words.counts import TermCounts, count_terms
from compsim_assets.science.words.groups import GroupWords, describe_groups
from compsim_assets.science.words.places import Places

__all__ = ["GroupWords", "Places", "TermCounts", "count_terms", "describe_groups"]
