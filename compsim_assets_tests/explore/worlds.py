"""Small results of invented companies, as the contracts have them: every table that answers are read from.

Three lines of business with four companies each, three years. Latents 0 to 29 are ten per line, in which its companies
are active; the others are noise. A company of each line has no SIC code.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from compsim_assets.contracts import TABLES, validate
from compsim_assets.science.pca.fit import fit_pca
from compsim_assets.storage.lineage import Note
from compsim_assets.storage.pca import write_pca
from compsim_assets.storage.results import MANIFESTS, Results, seal
from compsim_assets.storage.shards import write_feature_shards

LINES = {
    "beverages": ("20", "Consumer Staples", "bottling, soft drinks, beverages"),
    "software": ("73", "Information Technology", "cloud infrastructure, subscriptions"),
    "banks": ("60", "Financials", "deposits, loans, mortgage lending"),
}
NAMES = {
    "KO": "Coca-Cola Co", "PEP": "PepsiCo, Inc.", "KDP": "Keurig Dr Pepper", "MNST": "Monster Beverage Corp",
    "MSFT": "Microsoft Corp", "ORCL": "Oracle Corp", "CRM": "Salesforce Inc", "NOW": "ServiceNow Inc",
    "JPM": "JPMorgan Chase & Co", "BAC": "Bank of America Corp", "WFC": "Wells Fargo & Co", "C": "Citigroup Inc",
}  # fmt: skip
YEARS = (2014, 2015, 2016)
PER_LINE, N_LATENTS, N_THEMES = 10, 40, 4


class World:
    """Tables by name, and where they lie once they are written.

    Attributes:
        features: (n, D) float32; scores: (n, P); in the order of `descriptions`.
    """

    def __init__(self, names: Mapping[str, str] = NAMES, labels: Mapping[str, str] | None = None) -> None:
        self.names, self.labels = dict(names), dict(labels or {})
        self.rng = np.random.default_rng(4)
        self.descriptions = self._descriptions()
        self.features = self._features()
        pca = fit_pca(_Matrix(self.features), 8)
        self.pca, self.scores = pca, pca.scores
        self.tables: dict[str, Any] = {"descriptions": self.descriptions, **self._words(), **self._nearest()}
        self.tables |= self._explanations() | self._clusters()

    @property
    def cosine(self) -> np.ndarray:
        """(n, n) of the scores."""
        unit = self.scores / np.linalg.norm(self.scores.astype(np.float64), axis=1, keepdims=True)
        return unit @ unit.T

    def contributions(self, a: int, b: int) -> np.ndarray:
        """(D,) parts of the cosine of two reports, by position: the formula, report by report."""
        x = (self.features.astype(np.float64) - self.pca.mean) / self.pca.scale
        said = self.scores.astype(np.float64) @ self.pca.components.astype(np.float64)
        lengths = np.linalg.norm(self.scores[[a, b]].astype(np.float64), axis=1)
        return (x[a] * said[b] + x[b] * said[a]) / (2 * lengths.prod())

    def at(self, ticker: str, year: int) -> int:
        """Position of a report."""
        rows = self.descriptions
        first = list(self.names)[list(NAMES).index(ticker)]
        return int(np.flatnonzero((rows["ticker"] == first) & (rows["year"] == year))[0])

    def _descriptions(self) -> pd.DataFrame:
        rows = []
        for number, (ticker, name) in enumerate(self.names.items()):
            code, *_ = LINES[_line(number)]
            sic = None if number % 4 == 1 else f"{code}8{number % 4}"
            for year in YEARS:
                rows.append((1000 * year + number, str(21344 + number), name, ticker, year, sic, None, None))
        return pd.DataFrame(rows, columns=TABLES["descriptions"].names).sort_values("report_id", ignore_index=True)

    def _features(self) -> np.ndarray:
        lines = (self.descriptions["report_id"] % 1000 // 4).to_numpy()
        features = self.rng.gamma(1.0, 0.4, (len(lines), N_LATENTS))
        for line in range(3):
            features[np.ix_(lines == line, range(line * PER_LINE, (line + 1) * PER_LINE))] += 2
        # Of the last two latents nobody but the banks' companies has anything to say.
        return features.astype(np.float32)

    def _words(self) -> dict[str, pd.DataFrame]:
        theme = np.minimum(np.arange(N_LATENTS) // PER_LINE, 3)
        names = [*LINES, ""]
        terms = [*(each[2] for each in LINES.values()), ""]
        labels = [self.labels.get(name, name) for name in names]
        themes = pd.DataFrame(
            {"theme": range(N_THEMES), "n_latents": np.bincount(theme), "label": labels, "terms": terms,
             "label_auc": [0.9, 0.8, 0.7, np.nan]}
        )  # fmt: skip
        twin = (np.arange(N_LATENTS) + 1) % N_LATENTS
        latents = pd.DataFrame(
            {
                "latent": range(N_LATENTS), "firing_rate": 0.5, "n_reports": len(self.descriptions) // 2,
                "quantiles": [[0.1, 0.5, 1.0, 2.0, 4.0]] * N_LATENTS,
                "label": [labels[each] for each in theme], "terms": [terms[each] for each in theme],
                "label_auc": np.where(theme == 3, np.nan, 0.9 - np.arange(N_LATENTS) / 100),
                "theme": [*theme[:-1].tolist(), None], "twin": twin, "twin_cosine": 0.25,
                "interpretability": [80.0, *[None] * (N_LATENTS - 1)], "n_windows": 1,
                "judge_label": [self.labels.get("beverages", "sugary drinks"), *[None] * (N_LATENTS - 1)],
                "judge": ["a-model", *[None] * (N_LATENTS - 1)],
                "evidence": ["windows" if each < 3 else "none" for each in theme],
            }
        )  # fmt: skip
        tops = [np.argsort(-self.features[:, latent])[:3] for latent in range(N_LATENTS)]
        ids = self.descriptions["report_id"].to_numpy()
        reports = pd.DataFrame(
            [
                (latent, rank + 1, ids[at], self.features[at, latent])
                for latent, top in enumerate(tops)
                for rank, at in enumerate(top)
            ],
            columns=TABLES["latent_reports"].names,
        )
        tokens = [" the", " bott", "ling", f" {self.labels.get('token', 'plant')}"]
        windows = reports[reports["rank"] == 1].assign(
            tokens=json.dumps(tokens), activations=json.dumps([0, 2.0, 3.0, 0]), source="extraction"
        )
        return {
            "themes": themes, "latent_themes": pd.DataFrame({"theme": theme[:-1], "latent": range(N_LATENTS - 1)}),
            "latents": latents, "latent_reports": reports, "latent_windows": windows[TABLES["latent_windows"].names],
        }  # fmt: skip

    def _nearest(self) -> dict[str, pd.DataFrame]:
        rows, cosine, reports = [], self.cosine, self.descriptions
        for a, report in enumerate(reports.itertuples()):
            others = np.flatnonzero((reports["year"] == report.year) & (reports["report_id"] != report.report_id))
            sic = reports["sic_code"].str[:2]
            scopes = {"all": others, "industry": others[(sic.iloc[others] == sic.iloc[a]).fillna(False)]}
            for scope, within in scopes.items():
                order = within[np.argsort(-cosine[a, within], kind="stable")]
                rows += [
                    (report.report_id, report.year, scope, rank + 1, reports["report_id"].iloc[b], cosine[a, b],
                     0.9, 1.0 if rank < 2 else 0.5, None if report.year == YEARS[0] else rank < 3,
                     np.nan if report.year == YEARS[-1] else 0.3)
                    for rank, b in enumerate(order)
                ]  # fmt: skip
        sectors = reports.assign(
            method="gics_sector", cluster_id=[LINES[_line(each % 1000)][1] for each in reports["report_id"]]
        )
        return {
            "peers": pd.DataFrame(rows, columns=TABLES["peers"].names),
            "baseline_clusters": sectors[TABLES["baseline_clusters"].names],
        }

    def _explanations(self) -> dict[str, pd.DataFrame]:
        theme = np.append(self.tables["latent_themes"]["theme"].to_numpy(), -1)
        place = {report: at for at, report in enumerate(self.descriptions["report_id"])}
        pairs = self.tables["peers"].query("rank <= 3")[["report_id", "peer_report_id"]].drop_duplicates()
        rows = []
        for a, b in pairs.itertuples(index=False):
            parts = self.contributions(place[a], place[b])
            sums = np.bincount(theme[theme >= 0], weights=parts[theme >= 0])
            rows += [(a, b, "theme", number, value, value / 2) for number, value in enumerate(sums)]
            rows.append((a, b, "theme", -1, parts[theme < 0].sum(), 0.0))
            top = np.argsort(-np.abs(parts))[:3]
            rows += [(a, b, "latent", int(latent), parts[latent], 0.0) for latent in top]
            rows.append((a, b, "latent", -1, parts.sum() - parts[top].sum(), 0.0))
        return {"peer_explanations": pd.DataFrame(rows, columns=TABLES["peer_explanations"].names)}

    def _clusters(self) -> dict[str, pd.DataFrame]:
        """The lines; the last company of each is alone."""
        number = self.descriptions["report_id"] % 1000
        cluster = np.where(number % 4 == 3, 4 + number // 4, 1 + number // 4)
        clusters = self.descriptions[["year", "report_id"]].assign(cluster_id=cluster)[TABLES["clusters"].names]
        tickers = list(self.names)
        rows = [
            {
                "year": year, "cluster_id": line + 1, "n_members": 3,
                "members": ", ".join(tickers[4 * line + at] for at in (2, 0, 1)),
                "strong_latents": "beverages, bottling", "themes": "beverages", "sic_mix": "20 (2)",
                "mean_correlation": 0.4, "low": 0.1 if year > YEARS[0] else np.nan,
                "high": 0.6 if year > YEARS[0] else np.nan, "from_cluster": None if year == YEARS[0] else line + 1,
                "overlap": None if year == YEARS[0] else 0.75, "entered": tickers[4 * line], "left": "",
            }
            for year in YEARS for line in range(3)
        ]  # fmt: skip
        return {"clusters/base": clusters, "cluster_profiles/base": pd.DataFrame(rows)}

    def write(self, folder: Path) -> Results:
        """All of it in a results folder."""
        results = Results(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with results.new_folder(results.array_folder("sae_features")) as aside:
            blocks = [(self.descriptions["report_id"].to_numpy(), self.features)]
            write_feature_shards(aside, blocks, N_LATENTS, {"origin": "invented", "hookpoint": None})
            results.write_note("sae_features", seal(aside, MANIFESTS["sae_features"]), Note())
        with results.new_folder(results.array_folder("pca")) as aside:
            write_pca(aside, self.pca)
            results.write_note("pca", seal(aside, MANIFESTS["pca"]), Note())
        scores = self.descriptions[["report_id", "year"]].assign(scores=list(self.scores))
        for name, table in {**self.tables, "pca_scores": _arrow(scores)}.items():
            asset, _, mode = name.partition("/")
            results.write_table(results.table(asset, mode or None), validate(TABLES[asset], table), Note())
        return results


class _Matrix:
    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape  # type: ignore[return-value]

    def columns(self, start: int, stop: int, positions: np.ndarray | None = None) -> np.ndarray:
        return self.values[slice(None) if positions is None else positions, start:stop]

    def rows(self, positions: np.ndarray) -> np.ndarray:
        return self.values[positions]


def _line(number: int) -> str:
    return list(LINES)[number // 4]


def _arrow(scores: pd.DataFrame) -> Any:
    import pyarrow as pa

    from compsim_assets.storage.matrices import list_column

    matrix = np.stack(scores["scores"].to_list())
    return pa.table({"report_id": scores["report_id"], "year": scores["year"], "scores": list_column(matrix)})
