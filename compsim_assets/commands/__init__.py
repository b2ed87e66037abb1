"""What a user types after `compsim`: one file per command, each a question and how its answer is printed.

`cli` puts them together. A command loads what it needs when it runs, so that `compsim --help` loads neither Dagster nor
pandas nor torch. Answers go to standard output; what cannot be asked goes to standard error and ends with 2 (`asking`).
What is computed or read is not here but in the rooms below.
"""
