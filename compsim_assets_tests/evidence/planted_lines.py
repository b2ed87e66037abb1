"""Companies of some lines of business, in texts, features and returns, for tests that know the answer."""

import numpy as np
import pandas as pd

from compsim_assets.science.correlation.mean_correlation import year_correlation
from compsim_assets.science.correlation.returns import normalise_returns
from compsim_assets.science.cutoffs.choice import cut_clusters
from compsim_assets.science.latents.shuffled import shuffled
from compsim_assets.science.linkage.years import link_years
from compsim_assets.science.pca.arrays import ArrayFeatures
from compsim_assets.science.pca.fit import fit_pca
from compsim_assets.science.peers.returns import Levels, year_statistics
from compsim_assets.science.peers.statistics import YearReports, correlations, cosines

YEARS, COMPANIES, LINES = range(2001, 2013), 48, 8
LEVELS = Levels(peers=(1, 10), shares=(1.0,), draws=1)


class Planted:
    """Companies of some lines of business; what of it texts and features know is said by who makes them."""

    def __init__(self, companies: int = COMPANIES, n_years: int = len(YEARS)) -> None:
        self.rng = np.random.default_rng(7)
        years = YEARS[:n_years]
        self.year = np.repeat(years, companies)
        self.company = np.tile(np.arange(companies), len(years))
        self.line = self.company % LINES
        self.ids = np.arange(len(self.year))
        factors = self.rng.normal(size=(len(years), LINES, 12))
        own = self.rng.normal(size=(len(self.ids), 12))
        self.returns = factors[self.year - YEARS[0], self.line] + 0.7 * own
        self.unit, self.defined = normalise_returns(self.returns)

    def texts(self) -> list[str]:
        """Each line's words, with words that all have; another text each year."""
        of_line = [[f"line{letter}{other}" for other in "abcdefghijkl"] for letter in "abcdefgh"]
        usual = [f"usual{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
        draw = self.rng.choice
        return [" ".join([*draw(of_line[line], 6), *draw(usual, 10)]) for line in self.line]

    def features(self, knowing: float) -> np.ndarray:
        """Latents, of which some are of a line; `knowing` says how much they stand out of the noise."""
        latents = np.abs(self.rng.normal(size=(len(self.ids), 40)))
        for latent in range(5):
            latents[self.ids, self.line * 5 + latent] += knowing
        return latents.astype(np.float32)

    def measured(self, scores: np.ndarray, names: tuple[str, str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Rows of `mean_correlation` and of `peer_statistics`, under the names of both cutoffs and the similarity."""
        linked = link_years(scores, self.year, "cpu")
        clusters = cut_clusters(linked, self.unit, self.defined, self.ids)
        rows = []
        for name, cut in zip(names, ("base", "rolling"), strict=False):
            for year, table in clusters[cut].groupby("year"):
                at = table["report_id"].to_numpy()
                value = year_correlation(table["cluster_id"].to_numpy(), self.unit[at], self.defined[at])
                numbers = {"mean_correlation": value.mean_correlation, "pair_weighted": value.pair_weighted}
                rows.append({"method": name, "year": int(str(year)), **numbers})
        return pd.DataFrame(rows), self._peers(scores, names[2])

    def _peers(self, scores: np.ndarray, name: str) -> pd.DataFrame:
        rows = []
        for year in np.unique(self.year).tolist():
            at = np.flatnonzero(self.year == year)
            alone = np.zeros(len(at), dtype=np.int64)
            reports = YearReports(
                year=year,
                report_id=self.ids[at],
                correlation=correlations(self.unit[at], self.defined[at]),
                returns=self.returns[at],
                sic2=alone,
                company=self.company[at],
                length=np.full(len(at), np.nan),
            )
            statistics, _ = year_statistics(cosines(scores[at]), reports, LEVELS)
            rows += [{"method": name, "year": year, "in_sample": True, **each._asdict()} for each in statistics]
        return pd.DataFrame(rows)


def scored(features: np.ndarray) -> np.ndarray:
    return fit_pca(ArrayFeatures(features), 20, components=False).scores


def dealt_out(features: np.ndarray, seed: int = 1) -> np.ndarray:
    """Each latent's values permuted over the reports on its own."""
    return shuffled(ArrayFeatures(features), [0, seed], 0, features.shape[1])
