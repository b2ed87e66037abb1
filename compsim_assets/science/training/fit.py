"""Updates of an SAE, one batch after the other, and the measures of how well it does.

All that decides the next update is in `Fit`, so that one that is written down and read again goes on to the same bytes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from compsim_assets.science.training.coder import Coded, Coder, code, gradient, start, unit_rows
from compsim_assets.science.training.sizes import Plan

Reduce = Callable[[Tensor], Tensor]
"""The sum of an array over all processes, the same bytes on each."""

_BETAS = (0.9, 0.999)
_WARM_UP = 20  # updates
_DECAY = 0.5  # of the updates before it are made while the step size falls to nothing
PATIENCE = 4
"""So many measures of the texts held out without a better one, and the end begins."""

_BETTER = 0.999  # of the best before, to count as better
_STRONGEST = 1.0  # times the usual length of an encoder's row, for one that starts anew


@dataclass
class Fit:
    """An SAE in training.

    Attributes:
        coder: the weights. moments: Adam's, first and second of each array, in the order of `Coder.arrays`.
        last_active: (D,) int64, update at which each latent was active last.
        step: updates made. end: updates in all, as things are; the step size falls towards it.
        measures: held-out FVU at each measure.
    """

    coder: Coder
    moments: list[Tensor]
    last_active: Tensor
    step: int
    end: int
    measures: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, directions: Tensor, tokens: Tensor, k: int, steps: int) -> "Fit":
        """At the start: see `coder.start`."""
        coder = start(directions, tokens, k)
        moments = [torch.zeros_like(array) for array in coder.arrays() for _ in _BETAS]
        last = torch.zeros(len(directions), dtype=torch.int64, device=directions.device)
        return cls(coder, moments, last, 0, steps)

    @property
    def falls_from(self) -> float:
        """The update from which on the step size falls."""
        return self.end / (1 + _DECAY)

    def step_size(self, plan: Plan) -> float:
        """Of the next update: it rises at first, is level, and falls to nothing over the last third."""
        falling = (self.end - self.step) / max(1.0, self.end - self.falls_from)
        return plan.learning_rate * min(1.0, (self.step + 1) / _WARM_UP, falling)

    def measured(self, held_out: float) -> None:
        """Take note of a measure; where none was better for long, let the step size fall from here on."""
        self.measures.append(held_out)
        before = self.measures[:-PATIENCE]
        if before and min(self.measures[-PATIENCE:]) > _BETTER * min(before):
            self.end = min(self.end, self.step + max(1, round(self.step * _DECAY)))


@dataclass(frozen=True)
class Update:
    """What one batch showed: sums over its tokens of |error|^2 and of active latents, and its tokens."""

    error: float
    active: float
    tokens: int


def update(fit: Fit, plan: Plan, tokens: Tensor, n_tokens: int, reduce: Reduce) -> Update:
    """One update of the weights from a batch.

    Args:
        fit: changed. plan: of the training.
        tokens: (n, width) this process's share. n_tokens: of all shares.
        reduce: sums over processes; each must call this.

    Memory: the gradient, and what `coder.code` takes.
    """
    coder = fit.coder
    coded = code(coder, tokens, plan.k)
    counts = _active(coded, len(coder.encoder))
    parts = [*gradient(coder, tokens, coded), counts, coded.error.double().pow(2).sum().float().view(1)]
    flat = reduce(torch.cat([part.flatten() for part in parts]))
    *slopes, counts, error = _unflat(flat, parts)
    slopes = [slope / n_tokens for slope in slopes]
    # A row's length is fixed, so what would change it is no part of its gradient.
    slopes[2] -= (slopes[2] * coder.decoder).sum(1, keepdim=True) * coder.decoder
    _adam(fit, slopes, fit.step_size(plan))
    coder.decoder.copy_(unit_rows(coder.decoder))
    fit.step += 1
    fit.last_active[counts > 0] = fit.step
    return Update(float(error), float(counts.sum()), n_tokens)


def _active(coded: Coded, n_latents: int) -> Tensor:
    """(D,) float32: on how many tokens each latent is active."""
    active = coded.latents[coded.values > 0]
    return torch.bincount(active, minlength=n_latents).float()


def _unflat(flat: Tensor, like: Iterable[Tensor]) -> Iterator[Tensor]:
    at = 0
    for part in like:
        yield flat[at : at + part.numel()].view_as(part)
        at += part.numel()


def _adam(fit: Fit, slopes: list[Tensor], step_size: float) -> None:
    """Kingma and Ba 2015, in place; torch's own keeps its count of updates and options where they cannot be written
    down as arrays alone.
    """
    first, second = _BETAS
    right = (1 - second ** (fit.step + 1)) ** 0.5
    size = step_size / (1 - first ** (fit.step + 1))
    for number, (array, slope) in enumerate(zip(fit.coder.arrays(), slopes, strict=True)):
        mean, square = fit.moments[2 * number : 2 * number + 2]
        mean.lerp_(slope, 1 - first)
        square.mul_(second).addcmul_(slope, slope, value=1 - second)
        array.addcdiv_(mean, square.sqrt().div_(right).add_(1e-8), value=-size)


def dead(fit: Fit, steps: int) -> Tensor:
    """(D,) bool: latents that were active on no token of the last `steps` updates."""
    return fit.last_active <= fit.step - steps


def revive(fit: Fit, plan: Plan, tokens: Tensor, steps: int) -> int:
    """Start dead latents anew, each in the direction of what is left of one of the worst explained tokens: how many.

    Args:
        fit: changed. plan: of the training.
        tokens: (n, width) the same on every process.
        steps: without activity, that a latent is dead.
    """
    gone = torch.nonzero(dead(fit, steps)).flatten()[: len(tokens)]
    if not len(gone):
        return 0
    coder, error = fit.coder, code(fit.coder, tokens, plan.k).error
    worst = torch.argsort(error.pow(2).sum(1), descending=True, stable=True)[: len(gone)]
    unit = unit_rows(error[worst])
    # So strong that the latent would explain what is left of its token; a weaker one is never among the k largest.
    along = (unit * (tokens[worst] - coder.centre)).sum(1).clamp_min(1e-6)
    strength = error[worst].norm(dim=1) / along
    most = _STRONGEST * coder.encoder.norm(dim=1).mean()
    coder.decoder[gone] = unit
    coder.encoder[gone] = unit * strength.clamp_max(float(most))[:, None]
    coder.bias[gone] = 0.0
    for moment in fit.moments[:6]:  # all but those of the centre
        moment[gone] = 0.0
    fit.last_active[gone] = fit.step
    return len(gone)


@dataclass(frozen=True)
class Measure:
    """What an SAE leaves of tokens.

    Attributes:
        fvu: fraction of variance unexplained, NaN without a token. l0: active latents per token.
        active: (D,) float32, on how many tokens each latent is active.
    """

    fvu: float
    l0: float
    active: Tensor


def measure(coder: Coder, k: int, blocks: Iterable[Tensor], reduce: Reduce) -> Measure:
    """How well an SAE does on tokens, whose variance is that around their own mean.

    Args:
        coder: the SAE. k: active latents per token.
        blocks: (n, width) each, this process's share.
        reduce: sums over processes; each must call this.
    """
    n_latents, width = coder.decoder.shape
    active = torch.zeros(n_latents, device=coder.bias.device)
    sums = torch.zeros(3 + width, dtype=torch.float64, device=coder.bias.device)
    for tokens in blocks:
        coded, exact = code(coder, tokens, k), tokens.double()
        active += _active(coded, n_latents)
        error = coded.error.double().pow(2).sum()
        sums += torch.cat([torch.stack([error, exact.pow(2).sum(), error.new_tensor(len(tokens))]), exact.sum(0)])
    active, sums = reduce(active), reduce(sums)
    count = max(float(sums[2]), 1.0)
    variance = float(sums[1] - sums[3:].pow(2).sum() / count)
    return Measure(float(sums[0]) / variance if variance > 0 else float("nan"), float(active.sum()) / count, active)
