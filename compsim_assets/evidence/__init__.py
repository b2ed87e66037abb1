"""What is said about the numbers: published claims and figures, ours beside them, and the verdict on each.

Here: the tables that compare methods with each other and with what was published (`table_one`, `table_two`,
`robustness`, `published_vs_ours`), those of peers (`peers`), and the findings. A claim is a sentence with its
published number (`claims`) and a way to measure it here (`judge`); `verdicts` decides by one rule whether it stands,
and `page` writes it down below its `headline`, with the `cautions` that limit it. Every published number is in
`published_figures.csv`.

Not here: how a statistic is computed (`science`), which methods there are and which columns a table has (`contracts`),
and what is drawn (`plots`).
"""
