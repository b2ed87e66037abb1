#!/usr/bin/env bash
# faiss-cpu 1.15.1 (MIT), numpy 2.4.6, CPython 3.11.
#
# One would guess: IndexFlatL2 is exact, up to the rounding of float32, and a vector's neighbours do not depend on how
# many other vectors are asked for in the same call.
# Up to 128,000 numbers of queries (31 vectors of 4,096) differences are summed, and the neighbours are the true ones.
# From there on distances are made of squared norms and one product, in float32, without a word. Where all vectors share
# a large part, as the hidden states of a language model do in a few dimensions, the norms round away what tells
# neighbours apart: one dimension near 2,000 beside 4,095 of unit spread leaves about a quarter of the lists of ten
# right. Subtracting the mean first, or raising faiss.cvar.distance_compute_blas_threshold, brings them back.
#
# For company similarity: raw activations as a control would have other nearest peers asked for company by company than
# all at once. compsim centres features and ranks the nearest in float64.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet faiss-cpu==1.15.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import faiss
import numpy as np

rng = np.random.default_rng(0)
vectors = rng.normal(size=(1000, 4096))
vectors[:, 0] += 2000
vectors = vectors.astype(np.float32)
exact = vectors.astype(np.float64)
squares = (exact**2).sum(axis=1)
true = np.argsort(squares[:, None] + squares - 2 * exact @ exact.T, axis=1, kind="stable")[:, :10]


def right(asked, stored=vectors):
    index = faiss.IndexFlatL2(stored.shape[1])
    index.add(stored)
    _, neighbours = index.search(stored[:asked], 10)
    return float((neighbours == true[:asked]).all(axis=1).mean())


threshold = faiss.cvar.distance_compute_blas_threshold
shares = {asked: right(asked) for asked in (1, 31, 32, 1000)}
centred = right(1000, (exact - exact.mean(axis=0)).astype(np.float32))
faiss.cvar.distance_compute_blas_threshold = 2**30
raised = right(1000)
print("threshold:", threshold)
print("share of right lists of ten, by how many are asked for at once:", {n: round(s, 2) for n, s in shares.items()})
print("1,000 at once, centred:", centred, "- with the threshold raised:", raised)
assert threshold == 128_000
assert shares[1] == shares[31] == 1.0
assert shares[32] < 0.5 and shares[1000] < 0.5
assert centred == raised == 1.0
PY
# Seen:
# threshold: 128000
# share of right lists of ten, by how many are asked for at once: {1: 1.0, 31: 1.0, 32: 0.19, 1000: 0.26}
# 1,000 at once, centred: 1.0 - with the threshold raised: 1.0
