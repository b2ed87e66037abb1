"""The programs that torchrun runs, one file each, and the parts that some of them share.

Programs: `dendrograms`, `clusters`, `embed_texts`, `extract_features`. Each is a `main(worker)`: read the files that
the asset named in its extras, take this rank's share of the work by cost, compute with `science`, and let rank 0 write
and report. Its docstring lists extras, files and result. The tables' columns and types are those of `contracts`.

Parts: `cluster_features` (which clusters are studied, and their tables), `cluster_products` (scores, features and axes
read in blocks), `text_batches` (texts to a matrix on disk), `tokenization`, `language_models` and `encoders` (models
from folders, packages or the hub).

Not here: Dagster (a program runs by hand too), formulas (`science`), how ranks start, meet and end (`launch`).
"""
