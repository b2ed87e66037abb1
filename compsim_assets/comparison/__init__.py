"""What changed: the results that are about to be published, held against those that were published before.

Here: two results folders in, rows of `rebuild_report` out. `rows` counts what was added, is gone and is another by a
table's key; `movers` says whose cluster and whose peers are others; `drift` holds numbers against their old values;
`folders` reads a results folder, a batch of rows at a time; `report` goes through all tables and lets none that cannot
be compared stop the others; `page` writes it down.

Not here: how much of a change is too much (`universe.intake.levels`), what follows from that (`checks`, `assets`), and
what versions there are (`storage.versions`).
"""
