"""A planted dictionary is learned; dead latents live again; nothing gained on texts held out brings the end on."""

import numpy as np
import torch

from compsim_assets.science.training.fit import PATIENCE, Fit, dead, measure, revive, update
from compsim_assets.science.training.sizes import Plan
from compsim_assets_tests.science.training.planted import planted

WIDTH, DIRECTIONS = 24, 48
PLAN = Plan(latents=64, k=3, batch=500, passes=25, learning_rate=3e-3)


def alone(array: torch.Tensor) -> torch.Tensor:
    return array


def trained(tokens: torch.Tensor, plan: Plan, seed: int = 0) -> Fit:
    draw = np.random.default_rng(seed)
    updates = plan.passes * (len(tokens) // plan.batch)
    fit = Fit.of(tokens[draw.choice(len(tokens), plan.latents, replace=False)], tokens[:500], plan.k, updates)
    while fit.step < fit.end:
        order = draw.permutation(len(tokens))
        for part in np.split(order[: len(order) // plan.batch * plan.batch], len(order) // plan.batch):
            update(fit, plan, tokens[part], plan.batch, alone)
            if fit.step % 20 == 0 and fit.step < fit.falls_from:
                revive(fit, plan, tokens[:2000], 20)
    return fit


def units(tokens: torch.Tensor) -> torch.Tensor:
    centred = tokens - tokens.mean(0)
    return centred / centred.pow(2).sum(1).mean().sqrt()


def test_a_planted_dictionary_is_learned() -> None:
    tokens, dictionary = planted(10_000, WIDTH, DIRECTIONS, 3, seed=8)
    fit = trained(units(tokens), PLAN)
    result = measure(fit.coder, PLAN.k, units(tokens).split(1000), alone)
    nearest = (torch.from_numpy(dictionary).float() @ fit.coder.decoder.T).max(dim=1).values
    assert float((nearest > 0.95).float().mean()) > 0.9
    assert result.fvu < 0.1
    assert 2 < result.l0 <= 3
    torch.testing.assert_close(fit.coder.decoder.norm(dim=1), torch.ones(PLAN.latents))


def test_a_measure_is_the_fraction_of_variance_unexplained() -> None:
    tokens, _ = planted(700, WIDTH, DIRECTIONS, 3, seed=9)
    fit = Fit.of(tokens[:64], tokens, PLAN.k, 10)
    fit.coder.centre.copy_(tokens.mean(0))
    result = measure(fit.coder, PLAN.k, tokens.split(64), alone)
    pre = (tokens - fit.coder.centre).double() @ fit.coder.encoder.double().T
    values, latents = pre.topk(PLAN.k, dim=1)
    dense = torch.zeros_like(pre).scatter(1, latents, values.relu())
    error = tokens.double() - dense @ fit.coder.decoder.double() - fit.coder.centre
    variance = (tokens.double() - tokens.double().mean(0)).pow(2).sum()
    assert abs(result.fvu - float(error.pow(2).sum() / variance)) < 1e-5
    assert result.active.tolist() == (dense > 0).sum(0).tolist()


def test_dead_latents_start_anew_where_most_is_left() -> None:
    tokens = units(planted(4000, WIDTH, DIRECTIONS, 3, seed=10)[0])
    fit = Fit.of(tokens[:64], tokens[:500], PLAN.k, 40)
    fit.coder.bias[:10] = -100.0
    for start in range(0, 4000, 500):
        update(fit, PLAN, tokens[start : start + 500], 500, alone)
    assert dead(fit, 8)[:10].all()
    before = measure(fit.coder, PLAN.k, [tokens], alone)
    assert revive(fit, PLAN, tokens[:2000], 8) >= 10
    assert not dead(fit, 8)[:10].any()
    for start in range(0, 4000, 500):
        update(fit, PLAN, tokens[start : start + 500], 500, alone)
    after = measure(fit.coder, PLAN.k, [tokens], alone)
    assert (before.active[:10] == 0).all()
    assert (after.active[:10] > 0).float().mean() > 0.5
    assert after.fvu < before.fvu


def test_the_end_begins_where_nothing_is_gained() -> None:
    fit = Fit.of(torch.eye(4), torch.eye(4), 2, 900)
    for step, value in enumerate([0.5, 0.4, 0.3]):
        fit.step = 10 * step
        fit.measured(value)
    assert fit.end == 900
    fit.step = 100
    for _ in range(PATIENCE):
        fit.measured(0.3)
    assert fit.end == 150
    assert fit.falls_from == 100
    sizes = []
    for fit.step in range(100, 150):
        sizes.append(fit.step_size(PLAN))
    assert sizes[0] == PLAN.learning_rate
    assert sizes == sorted(sizes, reverse=True)
    assert 0 < sizes[-1] < 0.03 * PLAN.learning_rate
