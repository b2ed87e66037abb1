"""The companies' accounting metrics: what their lines have in common, and a part of their own that lasts."""

import numpy as np

from compsim_assets.sample.companies import Companies
from compsim_assets.sample.size import SampleSize

# Metric: deviation of its lines, of its companies, and of a year's chance.
METRICS = {
    "operating_margin": (0.08, 0.06, 0.03),
    "sales_growth": (0.05, 0.03, 0.08),
    "asset_turnover": (0.3, 0.25, 0.1),
}


def make_fundamentals(rng: np.random.Generator, companies: Companies, size: SampleSize) -> dict[str, np.ndarray]:
    """(Y, C) values of each metric: the mean of the company's lines by weight, its own level, and chance.

    A line's level walks slowly from year to year. O(years x companies x lines).
    """
    values = {}
    for metric, (of_lines, of_companies, of_years) in METRICS.items():
        level = of_lines * rng.normal(size=size.lines)
        walk = 0.15 * of_lines * rng.normal(size=(size.years, size.lines)).cumsum(axis=0)
        shared = np.einsum("ycl,yl->yc", companies.weights, level + walk)
        usual = of_companies * rng.normal(size=len(companies.names))
        values[metric] = np.round(shared + usual + of_years * rng.normal(size=shared.shape), 6)
    return values
