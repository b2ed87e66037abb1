"""Runs themselves: who runs one, in which processes its steps are, what it holds, and what the terminal shows of it.

Nothing here knows an asset: `automation` says what is run, `commands.materialize` asks for it. Whatever starts a run,
the UI, the schedule or a command, its steps are processes forked from one server that has loaded what they use
(`executor`, `preloaded`), they end with the run (`preloaded`), and a dead run's slots are given back (`claims`).
"""
