"""What is understood of a universe's files, and what is said about it.

`decisions` collects one row per decision on a file: what was read as what, assumed, left out, missing or suspicious.
`rules` is the universe's own universe.toml. `columns` knows the usual names of columns, `values`, `lists` and `dates`
the usual spellings of what stands in them; each different value is understood once: millions of rows are cheap.
`contents` hashes files as they are. The readers of single kinds of files are in `compsim_assets.universe`; nothing here
understands a file but universe.toml.
"""
