"""Answers about companies and latents, from the tables that lie there: one module per question.

Who is like a company, and why (`peers`, `explain`), its cluster, what its description turned to (`diff`), what a latent
or a word stands for (`latents`, `search`), what there is to ask (`status`). An answer is a dataclass or a frame with
named columns; how it is printed belongs to `commands`, how it is drawn to `plots`. Nothing is written here, and nothing
that takes longer than a question is computed. `tables` opens one version and reads the rows that are asked for;
`companies` finds who is meant; `plain` is the only way for a text of a universe to a terminal.
"""
