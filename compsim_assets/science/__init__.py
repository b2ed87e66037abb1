"""The numbers: arrays and frames in, results out. Here live formulas and what makes them exact and fast.

Not here: Dagster, files, environment, contracts, settings, and what is said about a number (`evidence`). A function
knows nothing of where its arrays come from; a result is an array, a frame or a dataclass of what was computed.

The chapters, in reading order:

    latents          from a description to SAE features, and what is known of a latent
    training         the SAE itself, learned from tokens
    pca              features to scores on principal axes
    linkage          scores to one tree per year, and cuts through it
    cutoffs          where the trees are cut: MeanCorr of every cutoff, and the ways to choose one
    correlation      how well clusters move together
    strong_features  which latents hold a cluster together
    peers            a report's nearest companies, judged by returns
    words            what sets a group's texts apart, in terms of their own
    inference        intervals and tests of all that
    trading          pairs trading on clusters

`device` is below all of them: device, memory, threads, and how work is shared out. Formulas, lattices and traps are in
docs/method.md: "method section 2" means a section of it.
"""
