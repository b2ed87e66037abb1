"""The tables of peers: who they are (`lists`) and why (`reasons`), whether they move together (`statistics`), and what
they explain of a company's accounts (`fundamentals`).

Here: which methods have peers, and the rows of their tables. Not here: how peers are found and judged
(`science.peers`, `science.reasons`), and the answers about one company (`explore`).
"""
