#!/usr/bin/env bash
# usearch 2.26.6 (Apache-2.0), numpy 2.4.6, CPython 3.11.
#
# One would guess: an index of float32 vectors, searched with exact=True, gives the exact nearest neighbours, as faiss'
# IndexFlatIP does; exact=True is the documented way to measure the recall of the approximate search.
# It does: exact=True visits every vector that the index holds, but the index holds them rounded to bfloat16 (8 bits of
# mantissa), its default for float32 input. Neighbours are those of the rounded vectors, and the ten nearest of 2,000
# unit vectors stand in another order for about one query in ten. usearch.index.search(..., exact=True), which takes the
# matrix itself, or Index(dtype="f32") give the true order.
#
# For company similarity: a ranking of peers from an index must say its dtype, and recall measured against exact=True of
# the same index is measured against itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet usearch==2.26.6 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
from usearch.index import Index, MetricKind, search

rng = np.random.default_rng(0)
vectors = rng.normal(size=(2000, 64)).astype(np.float32)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
queries = vectors[:200]
true = np.argsort(-(queries.astype(np.float64) @ vectors.T.astype(np.float64)), axis=1, kind="stable")[:, :10]


def of_index(**options):
    index = Index(ndim=64, metric="cos", **options)
    index.add(np.arange(len(vectors)), vectors)
    return index.dtype, np.asarray(index.search(queries, 10, exact=True).keys)


default, rounded = of_index()
_, full = of_index(dtype="f32")
direct = np.asarray(search(vectors, queries, 10, MetricKind.Cos, exact=True).keys)
same = {name: float((keys == true).all(axis=1).mean()) for name, keys in
        (("default index", rounded), ("index of f32", full), ("search()", direct))}
print("default dtype:", default)
print("queries whose ten neighbours stand in the true order:", same)
assert "BF16" in str(default).upper()
assert same["default index"] < 0.95
assert same["index of f32"] == same["search()"] == 1.0
PY
# Seen:
# default dtype: ScalarKind.BF16
# queries whose ten neighbours stand in the true order: {'default index': 0.89, 'index of f32': 1.0, 'search()': 1.0}
