"""A small universe for tests of the peer statistics: what other assets make of it, written without them."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from compsim_assets.assets.peers import PeerStatisticsConfig, SupervisedConfig, peer_statistics, supervised_latents
from compsim_assets.contracts import TABLES
from compsim_assets.contracts.table import validate
from compsim_assets.settings import Settings
from compsim_assets.storage.controls import SCORES, SCORES_MANIFEST, ControlScores
from compsim_assets.storage.embeddings import EmbeddingFolder
from compsim_assets.storage.matrices import list_column
from compsim_assets.storage.pairs import PairTable, write_pairs
from compsim_assets.storage.results import Results
from compsim_assets.storage.scores import ScoreTable
from compsim_assets.storage.shards import FeatureShards, write_feature_shards
from compsim_assets_tests.science import oracles

YEARS = range(2001, 2009)
N, LATENTS, ENCODER = 18, 30, "tiny-encoder"
# Companies without features, without a text, without returns.
NO_FEATURES, NO_TEXT, SILENT = 3, 5, 7


class Small:
    """A universe of 18 companies over eight years, and what other assets make of it, in a data folder."""

    def __init__(self, folder: Path, published: bool = False) -> None:
        rng = np.random.default_rng(0)
        self.order = 1
        universe = folder / "universe"
        universe.mkdir(parents=True)
        self.settings = Settings(
            source="local",
            universe=str(universe),
            data=str(folder / "data"),
            similarity="pairs" if published else "features",
        )
        self.results = Results.of(self.settings)
        self.company = np.tile(np.arange(N), len(YEARS))
        self.year = np.repeat(np.array(YEARS), N)
        # Later years have smaller ids: nothing may rest on the order of the rows.
        self.ids = 10_000 - 100 * (self.year - 2000) + self.company
        common = rng.normal(size=(len(YEARS), 3, 12))[self.year - 2001, self.company % 3]
        self.returns = common + rng.normal(size=(len(self.ids), 12))
        self.returns[self.company == SILENT, 4] = np.nan
        self.features = rng.uniform(0.1, 3, (len(self.ids), LATENTS)).astype(np.float32)
        self.features *= rng.random(self.features.shape) < 0.4
        self.features[:, :3] = np.eye(3)[self.company % 3]
        self.scores = rng.normal(size=(len(self.ids), 5)).astype(np.float32)
        if published:
            self.features, self.scores = self.features[:0], self.scores[:0]
        self.write(published)

    def write(self, published: bool) -> None:
        """Write the tables of the assets that are not run here."""
        features = self.company[: len(self.features)] != NO_FEATURES
        shards = [(self.ids[: len(self.features)][features], self.features[features])]
        with self.results.new_folder(self.results.array_folder("sae_features")) as aside:
            write_feature_shards(aside, shards if len(self.features) else [], LATENTS, {})
        scored = np.arange(len(self.scores))
        self.write_scores("pca_scores", scored)
        self.write_scores("walk_forward_scores", scored[self.year[scored] > 2003])
        texts = scored[self.company[scored] != NO_TEXT]
        with self.results.new_folder(self.results.array_folder("embeddings")) as aside:
            encoders = [{"name": ENCODER}] if len(texts) else []
            (aside / "embeddings.json").write_text(json.dumps({"encoders": encoders}))
            pq.write_table(self.vectors("embedding", texts), aside / f"{ENCODER}.parquet")
        with self.results.new_folder(self.results.array_folder(SCORES)) as aside:
            (aside / SCORES_MANIFEST).write_text(json.dumps({"encoders": [], "notes": []}))
        self.write_published(published)

    def write_scores(self, name: str, rows: np.ndarray) -> None:
        self.results.write_table(self.results.table(name), self.vectors("scores", rows))

    def vectors(self, name: str, rows: np.ndarray) -> pa.Table:
        """The scores of these reports, in no order."""
        rows = np.random.default_rng(self.order).permutation(rows)
        values = self.scores[rows] if len(rows) else np.empty((0, 5), dtype=np.float32)
        return pa.table({"report_id": self.ids[rows], "year": self.year[rows], name: list_column(values)})

    def write_published(self, published: bool) -> None:
        """Pairs, one in seven without a correlation; none where companies are compared by features."""
        rng = np.random.default_rng(2)
        first, second = np.triu_indices(N, 1)
        rows = [
            (year, 10_000 - 100 * (year - 2000) + a, 10_000 - 100 * (year - 2000) + b)
            for year in (YEARS if published else [])
            for a, b in zip(first.tolist(), second.tolist(), strict=True)
        ]
        year, a, b = np.array(rows, dtype=np.int64).reshape(-1, 3).T
        rho = rng.uniform(-1, 1, len(a))
        rho[::7] = np.nan
        columns = {"report_a": a, "report_b": b, "cosine": rng.uniform(-1, 1, len(a)), "correlation": rho}
        self.pairs = pd.DataFrame({"year": year, **columns})
        write_pairs(self.results.table("published_pairs"), year, columns, {})
        if published:
            named = self.pairs.rename(
                columns={"report_a": "Company1", "report_b": "Company2", "cosine": "cosine_similarity"}
            )
            named.to_parquet(Path(self.settings.universe) / "pairs.parquet")

    @property
    def table(self) -> pd.DataFrame:
        return pd.DataFrame({"report_id": self.ids, "year": self.year, "returns": list(self.returns)}).sort_values(
            "report_id", ignore_index=True
        )

    @property
    def descriptions(self) -> pd.DataFrame:
        sic = [None if c == 0 else f"{20 + c % 4}{c:02d}" for c in self.company.tolist()]
        cik = [f"{c:010d}" if c % 2 else None for c in self.company.tolist()]
        ticker = [f"T{c}" for c in self.company.tolist()]
        names = {"cik": cik, "ticker": ticker, "company_name": "Peers Inc."}
        return pd.DataFrame({"report_id": self.ids, "year": self.year, **names, "sic_code": sic})

    def materialize(self, **config: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Both assets, checked against their contracts."""
        table = self.results.table
        features = FeatureShards(self.results.array_folder("sae_features"))
        with dg.build_asset_context() as context:
            latents = supervised_latents(
                context, SupervisedConfig(min_pairs=10, block=7), features, self.table, self.descriptions
            )
            latents = validate(TABLES["supervised_latents"], latents).to_pandas()
            found = peer_statistics(
                context,
                PeerStatisticsConfig(peers=[1, 3], shares=[5.0], draws=2, **config),
                features,
                ScoreTable(table("pca_scores")),
                ScoreTable(table("walk_forward_scores")),
                EmbeddingFolder.of(self.results),
                ControlScores.of(self.results),
                PairTable(table("published_pairs")),
                self.descriptions,
                self.table,
                latents,
            )
        return validate(TABLES["peer_statistics"], found).to_pandas(), latents

    def nearest(self, values: np.ndarray, year: int, rows: np.ndarray) -> list[float]:
        """Correlation of each report of `rows` in that year with its nearest one, by loops."""
        own = [row for row in rows if self.year[row] == year and self.company[row] != SILENT]
        found = []
        for row in own:
            like = {other: oracles.cosine(values[row], values[other]) for other in own}
            del like[row]
            nearest = max(like, key=lambda other: like[other])
            found.append(np.corrcoef(self.returns[row], self.returns[nearest])[0, 1])
        return found
