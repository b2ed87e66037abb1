"""A universe's prices, in whatever layout its files have them, and the monthly returns they imply.

`layouts` says which columns are what, `rows` reads one file, `files` puts all of them in one order; `month_ends` makes
returns of them where reports have none, `comparison` holds them against the returns that reports have.
"""
