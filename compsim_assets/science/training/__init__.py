"""Training a TopK sparse autoencoder (SAE) on the activations of a language model.

Idea: each activation is taken apart into a few directions of a dictionary (`coder`); the dictionary is learned by Adam
on shuffled tokens (`fit`), as wide and as long as the number of tokens allows (`sizes`), and measured on companies that
it has not seen (`split`). It starts from tokens, and latents that die start anew from the worst explained tokens:
the auxiliary loss that others use against them gives the encoder no gradient.

Formula: x' = sum of a_j W_j over the k largest latents + c, a = ReLU(V (x - c) + b), |W_j| = 1; the loss is the
fraction of variance unexplained. Source: Gao et al. 2024, arXiv 2406.04093; resampling: Bricken et al. 2023. Cost:
6 x tokens x width x latents multiply-adds per pass at most; memory: weights, their gradient and two moments, and a
batch. Not here: language models, files, processes (`workers`); reading an SAE (`latents`).
"""
