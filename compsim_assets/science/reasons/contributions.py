"""Contributions of latents and of their groups to cosines, of all years in one pass over the features."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from compsim_assets.science.device import to_device
from compsim_assets.science.pca.fit import products_dtype
from compsim_assets.science.reasons.parts import ScoredReports
from compsim_assets.science.reasons.sums import GroupSums
from compsim_assets.science.reasons.top import TopLatents

_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class ComparedYear:
    """One year's reports, and the pairs of them that are looked at.

    rows: (n,) positions in all reports; none is at the origin.
    a, b: (m,) positions in `rows`, a < b, ordered by a and b: pairs whose sums over random groups are wanted.
    explained: (e,) ascending positions among these pairs: those whose reasons are wanted.
    same_company: positions in `rows` of every two reports of one company, which are no pair of the year.
    """

    rows: np.ndarray
    a: np.ndarray
    b: np.ndarray
    explained: np.ndarray
    same_company: tuple[np.ndarray, np.ndarray] = (_NONE, _NONE)


@dataclass(frozen=True)
class Reasons:
    """What a year's cosines are made of; sums are float64.

    groups: (m, G) sums over random groups of latents of each pair, report_groups (n, G) of each report with itself.
    themes: (e, T) sums over themes of each explained pair, theme_mean (T,) their means over all pairs of the year.
    latents_for, latents_against: latents (e, k), the strongest first (-1: no more), their contributions (e, k), and
        means of these contributions over all pairs of the year (e, k).
    mean: of all contributions together, which is the mean cosine of the year's pairs.
    total: (e,) the sum of each explained pair's contributions.
    """

    groups: np.ndarray
    report_groups: np.ndarray
    themes: np.ndarray
    theme_mean: np.ndarray
    latents_for: tuple[np.ndarray, np.ndarray, np.ndarray]
    latents_against: tuple[np.ndarray, np.ndarray, np.ndarray]
    mean: float
    total: np.ndarray


@dataclass(frozen=True)
class Wanted:
    """What is asked of every pair.

    theme: (D,) theme of each latent, -1 for none, of n_themes. group: (D,) random group of each latent, of n_groups.
    most_for, most_against: latents listed of a pair.
    """

    theme: np.ndarray
    n_themes: int
    group: np.ndarray
    n_groups: int
    most_for: int = 6
    most_against: int = 4


def reasons_of_years(
    reports: ScoredReports,
    years: Sequence[ComparedYear],
    wanted: Wanted,
    *,
    device: str = "cpu",
    block_bytes: int = 1 << 31,
    sums_bytes: int = 1 << 30,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Reasons]:
    """Reasons of each year's pairs, in the order of the years.

    The contribution of latent j to the cosine of a and b is c_j = (u_aj v_bj + u_bj v_aj) / 2, with u and v of
    `ScoredReports.parts`; their sum over all latents is the cosine (method section 8). The products are float64 where
    that is a matter of seconds, else float32.

    Args:
        block_bytes: of a block of latents: axes, u and v. sums_bytes: of the sums that are held at once: years are
            handled together as far as theirs fit, since the axes are read once for all years of a part.
        progress: called with (latents done, latents in all), summed over parts.

    Cost: n D P multiply-adds for v; 2 n_y^2 D per year for the sums, and a dozen passes over e D numbers. Every feature
    is read once, the axes once per part. Memory O(block_bytes + sums_bytes).
    """
    n = max((len(year.rows) for year in years), default=0)
    dtype = products_dtype(reports.n_latents * sum(len(y.rows) * (reports.scores.shape[1] + 2 * n) for y in years))
    per_latent = dtype.itemsize * (2 * reports.scores.shape[1] + 6 * n)
    block = min(reports.n_latents, max(256, block_bytes // max(per_latent, 1)))
    parts = _parts(years, wanted, sums_bytes // 8)
    total, done = len(parts) * reports.n_latents, 0
    for part in parts:
        sums = [_YearSums(year, wanted, reports.n_latents, dtype, device) for year in part]
        for start in range(0, reports.n_latents, block):
            latents = slice(start, min(start + block, reports.n_latents))
            axes = to_device(reports.axes.block(latents.start, latents.stop), device).to(dtype)
            for of_year in sums:
                of_year.add(latents, *reports.parts(of_year.year.rows, latents, axes))
            done += latents.stop - latents.start
            if progress is not None:
                progress(done, total)
        while sums:
            yield sums.pop(0).result()


def _parts(years: Sequence[ComparedYear], wanted: Wanted, most: int) -> list[list[ComparedYear]]:
    """Consecutive years whose sums are at most so many numbers together, or one year that has more."""
    parts: list[list[ComparedYear]] = []
    room = 0
    for year in years:
        listed = 2 * (wanted.most_for + wanted.most_against)
        size = (len(year.a) + len(year.rows)) * wanted.n_groups + len(year.explained) * (wanted.n_themes + listed)
        if not parts or size > room:
            parts.append([])
            room = most
        parts[-1].append(year)
        room -= size
    return parts


@dataclass
class _YearSums:
    """What has been summed of one year so far."""

    year: ComparedYear
    wanted: Wanted
    n_latents: int
    dtype: torch.dtype
    device: str
    groups: GroupSums = field(init=False)
    themes: GroupSums = field(init=False)
    top: TopLatents = field(init=False)
    mean: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        year, wanted = self.year, self.wanted
        n, dtype, device = len(year.rows), self.dtype, self.device
        a, b = year.a[year.explained], year.b[year.explained]
        # Latents without a theme are summed, too: as the last one.
        theme = np.where(wanted.theme < 0, wanted.n_themes, wanted.theme)
        self.groups = GroupSums(
            wanted.group, wanted.n_groups, year.a, year.b, n, dtype=dtype, device=device, itself=True
        )
        self.themes = GroupSums(theme, wanted.n_themes + 1, a, b, n, dtype=dtype, device=device)
        self.top = TopLatents(
            a, b, most_for=wanted.most_for, most_against=wanted.most_against, dtype=dtype, device=device
        )
        self.mean = np.zeros(self.n_latents)

    def add(self, latents: slice, u: torch.Tensor, v: torch.Tensor) -> None:
        self.mean[latents] = mean_contributions(u, v, self.year.same_company)
        self.groups.add(latents, u, v)
        self.themes.add(latents, u, v)
        self.top.add(latents, u, v)

    def result(self) -> Reasons:
        themes, _ = self.themes.result()
        groups, report_groups = self.groups.result()
        theme = self.wanted.theme
        means = np.bincount(theme[theme >= 0], self.mean[theme >= 0], minlength=self.wanted.n_themes)
        speaking = []
        for latents, values in self.top.result():
            speaking.append((latents, values.astype(np.float64), np.where(latents >= 0, self.mean[latents], 0.0)))
        return Reasons(
            groups=groups,
            report_groups=report_groups,
            themes=themes[:, : self.wanted.n_themes],
            theme_mean=means,
            latents_for=speaking[0],
            latents_against=speaking[1],
            mean=float(self.mean.sum()),
            total=themes.sum(axis=1),
        )


def mean_contributions(u: torch.Tensor, v: torch.Tensor, same_company: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """(b,) mean of each latent's contribution over all pairs of the reports but those of one company; 0 without a pair.

    From sums over reports: over ordered pairs, u_a v_b sums to (sum of u)(sum of v) - sum of u v.
    """
    n, n_own = len(u), len(same_company[0])
    n_pairs = n * (n - 1) - 2 * n_own
    if n_pairs <= 0:
        return np.zeros(u.shape[1])
    sums = u.sum(dim=0, dtype=torch.float64) * v.sum(dim=0, dtype=torch.float64)
    sums -= (u * v).sum(dim=0, dtype=torch.float64)
    if n_own:
        a, b = (torch.from_numpy(ends).to(u.device) for ends in same_company)
        sums -= (u[a] * v[b] + u[b] * v[a]).sum(dim=0, dtype=torch.float64)
    return (sums / n_pairs).cpu().numpy()
