"""Checks of assets, on what comes in and on what goes out.

What belongs here: questions that a stored result answers with yes or no, and the counts that say how bad it is. What
does not: types, limits and keys of a table, which its contract checks before it is written.
"""
