#!/usr/bin/env bash
# sae-lens 6.54.12 (MIT), torch 2.13.0, CPython 3.11.
#
# One would guess: an SAE whose cfg.json says how activations are normalised (`normalize_activations`) normalises them in
# `encode`, whichever of the documented ways it is, or says that it does not.
# It does so for two of the four: `layer_norm` and `constant_norm_rescale`. With `expected_average_only_in` and
# `covariance_whitening` a checkpoint that was saved and loaded with the library's own functions gives, to the last bit,
# the features of one with `none`, without an error or a warning: these two are meant to be folded into the weights after
# training, and nothing in the file tells whether that was done.
#
# For company similarity: features of activations that are ten times as long as those an encoder was trained on are other
# features, of other latents under TopK. Whoever reads such a checkpoint must ask for the scale, or refuse it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sae-lens==6.54.12 torch==2.13.0
"$folder/venv/bin/python" - <<'PY'
import tempfile
import warnings

import torch
from sae_lens import SAE, TopKSAE, TopKSAEConfig

torch.manual_seed(0)
activations = 10 * torch.randn(200, 16)  # of length 40: an encoder for length sqrt(16) = 4 expects a tenth of it
weights = {"W_enc": torch.randn(16, 64) / 4, "b_enc": torch.randn(64)}


def features(way):
    sae = TopKSAE(TopKSAEConfig(d_in=16, d_sae=64, k=4, normalize_activations=way))
    with torch.no_grad():
        sae.W_enc.copy_(weights["W_enc"])
        sae.b_enc.copy_(weights["b_enc"])
    with tempfile.TemporaryDirectory() as saved, warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        sae.save_model(saved)
        loaded = SAE.load_from_disk(saved)
        with torch.no_grad():
            made = loaded.encode(activations)
    assert loaded.cfg.normalize_activations == way
    return made.to_dense() if made.is_sparse else made, [str(one.message) for one in heard]


plain, _ = features("none")
for way in ("layer_norm", "constant_norm_rescale", "expected_average_only_in", "covariance_whitening"):
    made, heard = features(way)
    same = torch.equal(made, plain)
    about = [line for line in heard if "normali" in line.lower() or "whiten" in line.lower()]
    print(f"{way}: the same features as without: {same}; warnings about it: {len(about)}")
    assert same == (way in ("expected_average_only_in", "covariance_whitening"))
    assert not about
sae = TopKSAE(TopKSAEConfig(d_in=16, d_sae=64, k=4))
with torch.no_grad():
    sae.W_enc.copy_(weights["W_enc"])
    sae.b_enc.copy_(weights["b_enc"])
    scaled = sae.encode(activations * 4 / activations.norm(dim=1).mean())
    scaled = scaled.to_dense() if scaled.is_sparse else scaled
agree = ((plain > 0) & (scaled > 0)).sum() / (scaled > 0).sum()
print(f"active latents shared with those of scaled activations: {float(agree):.0%}")
assert agree < 0.9
PY
# Seen:
# layer_norm: the same features as without: False; warnings about it: 0
# constant_norm_rescale: the same features as without: False; warnings about it: 0
# expected_average_only_in: the same features as without: True; warnings about it: 0
# covariance_whitening: the same features as without: True; warnings about it: 0
# active latents shared with those of scaled activations: 36%
