"""A universe's reports: one row per company and year, with ids, names, codes, texts and the year's monthly returns.

`files` reads the files, `texts` finds descriptions that describe nothing, `one_per_company` takes one of several
reports of a company in one year and makes ids where there are none, `months` reads the twelve returns.
"""
