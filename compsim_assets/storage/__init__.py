"""What lies on disk, for steps and workers alike.

What belongs here: the paths of results and their stamps, publication in one step, and the readers and writers of each
kind of file: tables, shards of features, pairs, the PCA, embeddings, figures. A reader maps or reads in parts what is
large. What does not: what a universe gives (universe), the columns of a table (contracts), and Dagster, which only
`io_managers` knows.
"""
