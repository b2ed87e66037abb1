"""The gradient is that of eai-sparsify's own backward pass, and of finite differences; the same bytes on any cores."""

import numpy as np
import pytest
import torch
from sparsify import SparseCoder, SparseCoderConfig

from compsim_assets.science.training import coder as coders
from compsim_assets.science.training.coder import Coder, code, gradient, start
from compsim_assets_tests.science.training.planted import planted

WIDTH, LATENTS, K = 12, 40, 5


def a_coder(seed: int = 3) -> Coder:
    draw = torch.Generator().manual_seed(seed)
    coder = start(torch.randn(LATENTS, WIDTH, generator=draw), torch.randn(30, WIDTH, generator=draw), K)
    coder.centre.add_(torch.randn(WIDTH, generator=draw), alpha=0.1)
    coder.encoder.add_(torch.randn(LATENTS, WIDTH, generator=draw), alpha=0.1)
    coder.bias.add_(torch.randn(LATENTS, generator=draw), alpha=0.1)
    return coder


def as_sparsify(coder: Coder) -> SparseCoder:
    sae = SparseCoder(WIDTH, SparseCoderConfig(num_latents=LATENTS, k=K))
    with torch.no_grad():
        sae.encoder.weight.copy_(coder.encoder)
        sae.encoder.bias.copy_(coder.bias)
        sae.W_dec.copy_(coder.decoder)
        sae.b_dec.copy_(coder.centre)
    return sae


def test_the_gradient_is_that_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coders, "BLOCK", 7)
    tokens, coder = planted(50, WIDTH, 30, 3, seed=1)[0], a_coder()
    coded = code(coder, tokens, K)
    ours = gradient(coder, tokens, coded)
    sae = as_sparsify(coder)
    out = sae(tokens, total_variance=torch.tensor(1.0))
    out.fvu.backward()
    assert float(coded.error.pow(2).sum()) == pytest.approx(float(out.fvu.detach()), rel=1e-5)
    for mine, theirs in zip(ours, (sae.encoder.weight, sae.encoder.bias, sae.W_dec, sae.b_dec), strict=True):
        assert theirs.grad is not None
        assert theirs.grad.abs().max() > 0.1
        torch.testing.assert_close(mine, theirs.grad, rtol=1e-4, atol=1e-4)


def test_nothing_flows_through_latents_that_are_not_positive() -> None:
    """Where fewer than k are: the library's backward pass moves them all the same."""
    coder = a_coder()
    coder.bias.fill_(-3.0)
    coder.bias[:2] = 0.5
    tokens = planted(30, WIDTH, 30, 3, seed=2)[0]
    coded = code(coder, tokens, K)
    silent = coded.values == 0
    assert silent.any()
    assert (coded.values > 0).any()
    assert not coded.slope[silent].any()
    by_encoder, by_bias, by_decoder, _ = gradient(coder, tokens, coded)
    never = np.setdiff1d(np.arange(LATENTS), coded.latents[~silent].numpy())
    assert len(never)
    assert not by_encoder[never].any()
    assert not by_bias[never].any()
    assert not by_decoder[never].any()


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    coder, tokens = a_coder(), planted(40, WIDTH, 30, 3, seed=4)[0].double()
    exact = Coder(*(array.double() for array in coder.arrays()))
    slopes = gradient(exact, tokens, code(exact, tokens, K))
    draw = torch.Generator().manual_seed(0)
    for array, slope in zip(exact.arrays(), slopes, strict=True):
        direction = torch.randn(array.shape, generator=draw, dtype=torch.float64)
        sides = []
        for sign in (1.0, -2.0):
            array.add_(direction, alpha=sign * 1e-7)
            sides.append(float(code(exact, tokens, K).error.pow(2).sum()))
        array.add_(direction, alpha=1e-7)
        assert float((slope * direction).sum()) == pytest.approx((sides[0] - sides[1]) / 2e-7, rel=1e-3)


def test_the_bytes_do_not_depend_on_threads() -> None:
    tokens, coder = planted(1500, WIDTH, 30, 3, seed=5)[0], a_coder()
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            coded = code(coder, tokens, K)
            results.append([part.numpy().tobytes() for part in (coded.error, *gradient(coder, tokens, coded))])
    finally:
        torch.set_num_threads(threads)
    assert results[0] == results[1]
