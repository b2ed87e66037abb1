"""Widths and lengths that suit the number of tokens; too few are refused."""

import pytest

from compsim_assets.science.training.sizes import TOKENS_PER_LATENT, TooFewTokens, plan


def test_more_tokens_make_a_wider_sae_and_fewer_passes() -> None:
    plans = [plan(tokens, 384) for tokens in (12_000, 100_000, 1_000_000, 10_000_000)]
    widths = [each.latents for each in plans]
    assert widths == sorted(widths)
    assert widths[0] == 384
    assert widths[-1] == 32 * 384
    passes = [each.passes for each in plans]
    assert passes == sorted(passes, reverse=True)
    assert passes[-1] == 1
    assert {each.k for each in plans} == {24}
    for each, tokens in zip(plans[1:], (100_000, 1_000_000, 10_000_000), strict=True):
        assert tokens >= TOKENS_PER_LATENT * each.latents


def test_what_is_given_is_taken() -> None:
    given = plan(100_000, 384, latents=6144, k=7)
    assert (given.latents, given.k) == (6144, 7)


def test_fewer_tokens_than_latents_are_refused() -> None:
    with pytest.raises(TooFewTokens) as error:
        plan(999, 16, latents=1000)
    assert (error.value.tokens, error.value.latents) == (999, 1000)


@pytest.mark.parametrize("tokens", [16, 40, 300])
def test_a_few_tokens_still_make_some_updates(tokens: int) -> None:
    few = plan(tokens, 16)
    assert few.batch * 8 <= tokens
    assert few.k <= few.latents
