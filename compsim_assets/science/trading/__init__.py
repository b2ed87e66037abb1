"""Pairs trading on clusters: as published, and with every mistake put right, beside portfolios of random pairs.

Idea: two stocks of one cluster whose prices are cointegrated drift apart and come back. Sell the dear one and buy the
cheap one when they are a deviation apart, and close when they meet (`windows` says when, `cointegration` which).

Formulas: the spread is log a - h log b - c with h, c by least squares before trading; a pair is chosen by Engle and
Granger's test of it (MacKinnon's p-values, Benjamini and Hochberg's correction). Sharpe ratio: sqrt(rows a year)
mean / standard deviation of returns, 252 of daily ones (`sharpe`, with a stationary bootstrap and the deflated ratio).

Prices are taken as they are (`price_panel`): `calendar` has the days and what a year is, `series` where a ticker's
prices begin and end (halts, delistings, total losses, tickers passed on), `precision` what rounding makes of constant
ones, `splits` what looks like a missed adjustment.

Sources: Engle and Granger 1987; Said and Dickey 1984 and MacKinnon 2010 (`adf`); Politis and Romano 1994; Bailey and
Lopez de Prado 2014; the published loop (`as_published`) is that of arXiv 2412.02605, its traps are in method section
7.

Cost: the tests of all different pairs, O(pairs x lags x days), on all cores; trading is one pass over the days for
all pairs at once (`honest`). Not here: which clusters there are, and what is said of the result (`evidence.trading`).
"""
