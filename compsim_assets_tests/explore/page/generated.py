"""Tables of any size by the contracts of reasons and words, made of nothing but numbers from a seed."""

import json
from typing import Any

import numpy as np
import pandas as pd

from compsim_assets.contracts import TABLES, validate
from compsim_assets.explore.page.build import Tables

WORDS = (
    "bottling", "concentrate", "foodservice", "drilling", "reservoir", "turbine", "broadband", "spectrum", "genomic",
    "biologic", "mortgage", "custody", "reinsurance", "apparel", "franchise", "logistics", "semiconductor", "wafer",
    "lidar", "payments", "leasing", "aggregates", "fertilizer", "timberland", "cruise",
)  # fmt: skip
SECTORS = ("Energy", "Financials", "Health Care", "Industrials", "Consumer Staples", "Information Technology")
N_PEERS, EXPLAINED = 50, 10


def generated(
    companies: int = 40,
    years: int = 4,
    latents: int = 60,
    themes: int = 8,
    windows: int = 3,
    seed: int = 0,
    texts: list[str] | None = None,
) -> Tables:
    """Tables of `companies` companies with a report in each year. `texts` take the place of names, descriptions,
    labels and tokens, one after the other.
    """
    make = _Maker(np.random.default_rng(seed), companies, years, latents, themes, texts)
    peers = make.peers()
    return Tables(
        descriptions=make.descriptions(),
        peers=peers,
        explanations=make.explanations(peers),
        themes=make.themes(),
        latent_themes=pd.DataFrame({"theme": np.arange(latents) % themes, "latent": np.arange(latents)}),
        latents=make.latents(),
        latent_years=make.latent_years(),
        latent_windows=make.latent_windows(windows),
        places=make.places(),
        sectors=make.sectors(),
        clusters=(clusters := make.clusters()),
        profiles={mode: make.profiles(table) for mode, table in clusters.items()},
        about={"data": "generated tables", "compared": "features"},
    )


class _Maker:
    def __init__(
        self, rng: np.random.Generator, companies: int, years: int, latents: int, themes: int, texts: list[str] | None
    ) -> None:
        self.rng, self.n, self.n_years, self.n_latents, self.n_themes = rng, companies, years, latents, themes
        self.year = np.repeat(np.arange(2000, 2000 + years), companies)
        self.company = np.tile(np.arange(companies), years)
        self.report = np.arange(len(self.year), dtype=np.int64) + 100
        self.texts = texts or []

    def _said(self, plain: str, number: int) -> str:
        return self.texts[number % len(self.texts)] if self.texts else plain

    def descriptions(self) -> pd.DataFrame:
        """Every seventh company has no SIC code."""
        names = [self._said(f"{WORDS[c % len(WORDS)].title()} Works {c}", c) for c in range(self.n)]
        tickers = [f"T{c:03d}" if not self.texts else self._said("", c)[:12] for c in range(self.n)]
        table = pd.DataFrame({
            "report_id": self.report,
            "cik": [str(1000 + c) for c in self.company],
            "company_name": [names[c] for c in self.company],
            "ticker": [tickers[c] for c in self.company],
            "year": self.year,
            "sic_code": [None if c % 7 == 3 else f"{20 + c % 5}{c % 90 + 10}" for c in self.company],
            "industry": [None if c % 7 == 3 else SECTORS[c % 5] for c in self.company],
            "description": [self._said(f"The company {c} makes things. " * 8, c) for c in self.company],
        })  # fmt: skip
        return _valid("descriptions", table)

    def peers(self) -> pd.DataFrame:
        parts = []
        for scope in ("all", "industry"):
            k = min(N_PEERS, self.n - 1) if scope == "all" else min(N_PEERS, max(1, self.n // 5 - 1))
            away = np.argsort(self.rng.random((len(self.year), self.n - 1)), axis=1)[:, :k] + 1
            of_whom = np.flatnonzero(self.company % 7 != 3) if scope == "industry" else np.arange(len(self.year))
            rows = np.repeat(of_whom, k)
            start = self.report[rows] - self.company[rows]
            cosine = -np.sort(-self.rng.random((len(of_whom), k)), axis=1).ravel()
            parts.append(
                pd.DataFrame(
                    {
                        "report_id": self.report[rows],
                        "year": self.year[rows],
                        "scope": scope,
                        "rank": np.tile(np.arange(1, k + 1), len(of_whom)),
                        "peer_report_id": start + (self.company[rows] + away[of_whom].ravel()) % self.n,
                        "cosine": cosine,
                        "percentile": cosine,
                        "confidence": np.round(cosine, 2),
                        "peer_last_year": pd.array(self.rng.random(len(rows)) < 0.7, dtype="boolean"),
                        "next_year_correlation": np.round(self.rng.uniform(-1, 1, len(rows)), 3),
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    def explanations(self, peers: pd.DataFrame, n_themes: int = 6, n_latents: int = 10) -> pd.DataFrame:
        """Contributions that sum to the cosine."""
        pairs = peers[peers["rank"] <= EXPLAINED].drop_duplicates(["report_id", "peer_report_id"])
        parts = []
        for kind, k, most in (("theme", n_themes, self.n_themes), ("latent", n_latents, self.n_latents)):
            k = min(k, most)
            share = self.rng.dirichlet(np.ones(k + 1), len(pairs)) * 1.2 - 0.2 / (k + 1)
            start = self.rng.integers(0, most, len(pairs))[:, None] + np.arange(k) * max(1, most // k)
            number = np.concatenate([start % most, np.full((len(pairs), 1), -1)], axis=1)
            value = share * pairs["cosine"].to_numpy()[:, None]
            parts.append(
                pd.DataFrame(
                    {
                        "report_id": np.repeat(pairs["report_id"].to_numpy(), k + 1),
                        "peer_report_id": np.repeat(pairs["peer_report_id"].to_numpy(), k + 1),
                        "kind": pd.Categorical([kind], ["latent", "theme"]).repeat(value.size),
                        "number": number.ravel(),
                        "contribution": value.ravel(),
                        "unusual": value.ravel() * 0.9,
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    def _label(self, number: int) -> str:
        words = [WORDS[(number * 7 + i * (number + 1)) % len(WORDS)] for i in range(4)]
        return self._said(", ".join(dict.fromkeys(words)), number)

    def themes(self) -> pd.DataFrame:
        numbers = np.arange(self.n_themes)
        labels = [self._label(n) for n in numbers]
        return pd.DataFrame({
            "theme": numbers, "n_latents": max(1, self.n_latents // self.n_themes), "label": labels, "terms": labels,
            "label_auc": np.where(numbers % 4 == 3, np.nan, 0.9),
        })  # fmt: skip

    def latents(self) -> pd.DataFrame:
        n = self.n_latents
        numbers = np.arange(n)
        labels = [self._label(k) if k % 9 else "" for k in range(n)]
        return pd.DataFrame({
            "latent": numbers, "firing_rate": 0.5, "n_reports": len(self.year) // 2,
            "quantiles": [[0.5, 1.0, 2.0, 4.0, 9.5]] * n, "label": labels, "terms": labels, "label_auc": 0.8,
            "judge_label": pd.array([None] * n, dtype="string"), "judge": pd.array([None] * n, dtype="string"),
            "theme": pd.array(numbers % self.n_themes, dtype="Int64"),
            "twin": pd.array((numbers + 1) % n, dtype="Int64"),
            "twin_cosine": 0.4, "interpretability": np.where(numbers % 3, np.nan, 70.0), "n_windows": 3,
            "evidence": "windows",
        })  # fmt: skip

    def latent_years(self, k: int = 3) -> pd.DataFrame:
        """Of every latent three reports in each year, the later ones the stronger."""
        years = np.unique(self.year)
        latent = np.repeat(np.arange(self.n_latents), len(years) * k)
        year = np.tile(np.repeat(years, k), self.n_latents)
        first, count = np.searchsorted(self.year, year), np.searchsorted(self.year, year, "right")
        row = first + self.rng.integers(0, 2**31, len(latent)) % (count - first)
        rank = np.tile(np.arange(1, k + 1), self.n_latents * len(years))
        return pd.DataFrame({
            "latent": latent, "year": year, "rank": rank, "report_id": self.report[row],
            "activation": (year - 1990) * 10.0 - rank,
        })  # fmt: skip

    def latent_windows(self, k: int) -> pd.DataFrame:
        latent = np.repeat(np.arange(self.n_latents), k)
        tokens = [[self._said(f" {WORDS[(n + i) % len(WORDS)]}", n + i) for i in range(12)] for n in range(len(WORDS))]
        active = json.dumps([0, 0, 0.1, 0, 2.5, 1.0, 0, 0, 0.4, 0, 0, 0])
        written = [json.dumps(each) for each in tokens]
        return pd.DataFrame({
            "latent": latent, "rank": np.tile(np.arange(1, k + 1), self.n_latents),
            "report_id": pd.array(self.report[self.rng.integers(0, len(self.year), len(latent))], dtype="Int64"),
            "activation": 2.5, "tokens": [written[n % len(WORDS)] for n in latent], "activations": active,
            "source": "extraction",
        })  # fmt: skip

    def places(self) -> pd.DataFrame:
        angle, away = self.rng.uniform(0, 2 * np.pi, len(self.year)), np.sqrt(self.rng.random(len(self.year)))
        return pd.DataFrame({
            "report_id": self.report, "year": self.year, "near": 0.5,
            "x": away * np.cos(angle), "y": away * np.sin(angle),
        })  # fmt: skip

    def sectors(self) -> pd.DataFrame:
        return pd.DataFrame({"report_id": self.report, "cluster_id": [SECTORS[c % len(SECTORS)] for c in self.company]})

    def clusters(self) -> dict[str, pd.DataFrame]:
        tables = {}
        for mode, each in (("base", 4), ("rolling", 9)):
            number = self.company // each + 1
            tables[mode] = pd.DataFrame({"year": self.year, "cluster_id": number, "report_id": self.report})
        return tables

    def profiles(self, clusters: pd.DataFrame) -> pd.DataFrame:
        sizes = clusters.groupby(["year", "cluster_id"]).size().rename("n_members").reset_index()
        sizes = sizes[sizes["n_members"] > 1]
        words: dict[str, Any] = {
            "members": "T001, T002", "strong_latents": f"3 {self._label(3)}; 4",
            "themes": f"2 {self._label(2)}; {self._label(4)}",
            "sic_mix": "20: 3, 21: 1",
            "mean_correlation": 0.31, "low": 0.2, "high": 0.4, "from_cluster": sizes["cluster_id"].astype("Int64"),
            "overlap": 0.75, "entered": "T009", "left": "",
        }  # fmt: skip
        return sizes.assign(**words)


def _valid(name: str, table: pd.DataFrame) -> pd.DataFrame:
    frame: pd.DataFrame = validate(TABLES[name], table).to_pandas()
    return frame
