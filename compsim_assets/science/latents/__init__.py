"""From texts to latents of a sparse autoencoder (SAE), and how interpretable latents are.

Idea: a language model reads a description, an SAE takes its state at one layer apart into latents, and a report's
features are each latent's activation summed over the description's tokens (`extraction`). `embeddings` are what an
ordinary model says of the same texts, to compare with; `values` is the distribution of features.

Formula: x_r = sum over tokens t of TopK(ReLU(W_enc (h_t - b_dec) + b_enc)). Interpretability of a latent is the share
of its examples that a judge tells right (`fuzz`, chance is 50 %); `interpretability` follows its mean over the
latents that are strong in at least p per cent of the clusters.

Source: arXiv 2412.02605; fuzzing: Paulo et al. 2024, arXiv 2410.13928 (method section 4). Cost: one forward pass up
to the hookpoint, and tokens x width x latents multiply-adds in the SAE. Not here: loading models (`workers`), files
(`universe`).
"""
