"""A universe: what comes in from outside, read and checked, with errors that name file and row.

A universe is a folder (`folder`), a set of data sets of the Hugging Face hub (`hub`) or the embedded sample; `opening`
opens the one that is configured. One module per kind of file says what is accepted and gives plain arrays and frames;
what the paper's authors published is read in `published`. The settings of language models and encoders, TOML files of
the same folder, are read here too. What is made of all this is stored by `storage` and computed in `science`; no result
of ours is read here.
"""
