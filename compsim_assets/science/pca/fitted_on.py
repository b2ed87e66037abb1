"""What a PCA that somebody else has fitted was fitted on, told by its own mean and variance."""

import numpy as np

STANDARDISED, SCALED, CENTRED, RAW = "standardised", "scaled", "centred", "raw"

# In deviations. Rounding of a mean in float32 is 3e-6 of 28,000 reports, and more where somebody scaled in float32.
_ZERO = 1e-2
# Of some reports more or less a mean moves by hundredths of a deviation, and a variance less than twofold.
_ALIKE, _FOLD = 0.1, 2
# Of the same reports a variance agrees up to rounding.
_SAME = 1e-3


class UnlikeFeatures(ValueError):
    """A PCA's mean and variance are those of the features in none of the four ways.

    off: by how many deviations the mean is off, as a root mean square over latents, of standardised and of raw features
    (at most, for standardised ones). variance: the PCA's over that of standardised and of raw features; None unknown.
    """

    def __init__(self, off: tuple[float, float], variance: tuple[float, float] | None) -> None:
        super().__init__(off, variance)
        self.off, self.variance = off, variance


def fitted_on(
    own_mean: np.ndarray,
    total: float | None,
    n_axes: int,
    *,
    mean: np.ndarray,
    deviation: np.ndarray,
    varying: np.ndarray,
    n_reports: float,
) -> str:
    """`standardised`, only `scaled` by the deviation, only `centred`, or `raw` (method section 1, an imported PCA).

    With mean mu and deviation s of the features, the PCA's own mean should be 0, mu / s, 0 or mu, and its variance the
    number of latents, the same, the sum of s^2 or the same.

    - standardised: the mean is at most 1/100 in every latent, the variance is possible (at most 1 a latent, at least a
      quarter of those that vary here), and nothing below is plainer.
    - raw, scaled: the mean is off by at most 1/10 of a deviation (root mean square over latents) and a quarter of what
      0 would be off by, the variance by less than twofold. Plainer than standardised: a tenth of what 0 is off by.
    - centred, which a mean cannot tell: the mean is 0, the variance less than twofold off and impossible for
      standardised features. Plainer: it agrees to 1/1000, where that of standardised features is off by 1/100.
    - standardised with a mean of its own, as of some of the reports: off by at most 1/10 and nearer to 0 than to the
      others' means; or by more, where the variance is that of standardised features to 1/1000.

    Args:
        own_mean: (D,) of the PCA. total: its variance over all axes, those included that it did not keep; None where
            the file does not say. n_axes: P.
        mean, deviation: (D,) of the features here, identical reports counted as often as they occur.
        varying: (D,) whether a latent varies here.
        n_reports: how many there are, copies counted.

    Raises:
        UnlikeFeatures: none of the four.
    """
    n_varying = int(varying.sum())
    if not n_varying:
        return STANDARDISED
    ours, s = own_mean[varying], deviation[varying]
    ratio, sample = mean[varying] / s, n_reports / (n_reports - 1)
    variance = {SCALED: n_varying * sample, RAW: float(np.square(s).sum()) * sample}
    off = {SCALED: _size(ours - ratio), RAW: _size(ours / s - ratio)}
    zero, most = float(np.abs(own_mean).max()), own_mean.size * (n_axes + 1) / n_axes * (1 + _SAME)
    standardised = zero <= _ZERO and (total is None or n_varying / 4 <= total <= most)
    nearest = min(off, key=off.__getitem__)
    in_deviations = _within(total, variance[SCALED], _FOLD)
    limit = _size(ratio) / 10 if standardised else min(_size(ratio) / 4, _size(ours) if in_deviations else _ALIKE)
    # Where the features' own mean is rounding, so is what it is off by.
    near = max(off[nearest], _SAME * _SAME) <= min(limit, _ALIKE)
    if near and (total is None or _within(total, variance[nearest], _FOLD)):
        return nearest
    if _size(ours / s) <= _ZERO:
        exact = _within(total, variance[RAW], 1 + _SAME) and not _within(total, variance[SCALED], 1 + 10 * _SAME)
        if exact or (not standardised and _within(total, variance[RAW], _FOLD)):
            return CENTRED
    if standardised or (in_deviations and (_size(ours) <= _ALIKE or _within(total, variance[SCALED], 1 + _SAME))):
        return STANDARDISED
    variances = None if total is None else (total / variance[SCALED], total / variance[RAW])
    raise UnlikeFeatures((zero, off[RAW]), variances)


def _within(total: float | None, expected: float, factor: float) -> bool:
    return total is not None and expected / factor <= total <= expected * factor


def _size(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
