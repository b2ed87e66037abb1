"""A universe as frames, written in plain spelling or otherwise, and the tables that everything else is made of."""

import logging
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa

from compsim_assets.assets.baselines import baseline_clusters
from compsim_assets.assets.descriptions import descriptions_assets
from compsim_assets.assets.features import sae_features_assets
from compsim_assets.contracts import TABLES
from compsim_assets.contracts.table import validate
from compsim_assets.launch.torchrun import Torchrun
from compsim_assets.sample import generate
from compsim_assets.settings import Settings
from compsim_assets.storage.io_managers import ResultsFolder, managers
from compsim_assets.storage.lineage import Note
from compsim_assets.storage.results import Results, read_table
from compsim_assets.storage.shards import FeatureShards
from compsim_assets.universe.layout import ID, RETURNS
from compsim_assets.universe.opening import open_universe
from compsim_assets_tests.runs import TINY

Writer = Callable[[pd.DataFrame, Path], None]


def parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path.with_suffix(".parquet"), index=False)


@dataclass(repr=False)
class Files:
    """Frames of a universe by the name of their file, how each is written, and further files by name.

    frames: `reports`, `features`, `prices`, `factors`, `pairs`, `published_clusters/GROUPS`.
    """

    frames: dict[str, pd.DataFrame]
    writers: dict[str, Writer] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"files of {len(self.frames['reports'])} reports"

    def copy(self) -> "Files":
        frames = {name: frame.copy() for name, frame in self.frames.items()}
        return Files(frames, dict(self.writers), dict(self.texts), dict(self.rules))

    def write(self, folder: Path) -> Path:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, frame in self.frames.items():
            (folder / name).parent.mkdir(exist_ok=True)
            self.writers.get(name, parquet)(frame, folder / name)
        lines = [f"[{table}]\n{keys}" for table, keys in self.rules.items()]
        if lines:
            (folder / "universe.toml").write_text("\n".join(lines))
        for name, text in self.texts.items():
            (folder / name).write_text(text)
        return folder


def small() -> Files:
    """Twelve companies of four years, every number with few digits, so that other units are exact or nearly so."""
    rng = np.random.default_rng(5)
    n, years = 12, range(2010, 2014)
    rows = [(company, year) for year in years for company in range(n)]
    reports = pd.DataFrame(
        {
            ID: [1000 + 3 * row for row in range(len(rows))],
            "cik": [str(320193 + company) for company, _ in rows],
            "company_name": [f"Company {company}" for company, _ in rows],
            "year": [year for _, year in rows],
            "ticker": ["BRK-B" if company == 1 else f"T{company:02d}" for company, _ in rows],
            "sic_code": [("2834", "7372", "0100", None)[company % 4] for company, _ in rows],
            "section_1": [
                f'Company {company}, of "line {company % 4}", made\nthings in {year}; 1,000 of them.'
                for company, year in rows
            ],
            RETURNS: list(np.round(rng.normal(0.01, 0.08, (len(rows), 12)), 4)),
        }
    )
    reports.at[7, RETURNS] = np.where(np.arange(12) == 3, np.nan, reports.at[7, RETURNS])
    features = pd.DataFrame(
        {ID: reports[ID], "features": list(np.round(rng.exponential(1, (len(rows), 20)), 3).astype(np.float32))}
    )
    return Files({"reports": reports, "features": features, "prices": _prices(rng), **_others(rng, reports)})


def sample() -> Files:
    """The tiny embedded sample."""
    with TemporaryDirectory() as scratch:
        generate(Path(scratch) / "sample", size=TINY)
        frames = {
            n: pd.read_parquet(Path(scratch) / "sample" / f"{n}.parquet") for n in ("reports", "features", "prices")
        }
    return Files(frames)


def real(folder: Path) -> Files:
    """Thirty companies of a real universe in five years: texts, returns, prices, published clusters; drawn features."""
    reports = pd.read_parquet(folder / "reports.parquet").drop(columns=["industry_classification", "gics_sector"])
    companies = reports.loc[reports["year"] == 2015, "ticker"].sort_values().iloc[::16][:30]
    reports = reports[reports["ticker"].isin(companies) & reports["year"].between(2011, 2015)].reset_index(drop=True)
    prices = pd.read_parquet(folder / "prices.parquet").astype({"adj_close": float})
    day = pd.to_datetime(prices["date"])
    prices = prices[prices["ticker"].isin(companies) & (day >= "2010-12-01") & (day <= "2015-12-31")]
    groups = pd.read_parquet(folder / "published_clusters" / "SIC.parquet")
    rng = np.random.default_rng(0)
    values = list(rng.exponential(1, (len(reports), 20)).astype(np.float32))
    frames = {
        "reports": reports,
        "features": pd.DataFrame({ID: reports[ID], "features": values}),
        "prices": prices.reset_index(drop=True),
        "published_clusters/GROUPS": groups[groups[ID].isin(reports[ID])].reset_index(drop=True),
    }
    return Files(frames)


def _prices(rng: np.random.Generator) -> pd.DataFrame:
    days = pd.bdate_range("2009-12-01", "2013-12-31")
    tickers = [f"T{company:02d}" for company in range(12) if company != 1] + ["BRK-B"]
    frames = []
    for ticker in tickers:
        close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.01, len(days)))), 2)
        frames.append(pd.DataFrame({"ticker": ticker, "date": days.date, "adj_close": close}))
    return pd.concat(frames, ignore_index=True)


def _others(rng: np.random.Generator, reports: pd.DataFrame) -> dict[str, pd.DataFrame]:
    months = pd.date_range("2008-01-31", "2013-12-31", freq="ME")
    level = np.round(rng.normal(0.005, 0.04, (len(months), 2)), 4)
    factors = pd.DataFrame({"date": months.date, "Mkt-RF": level[:, 0], "SMB": level[:, 1]})
    groups = reports[["year", ID]].assign(cluster_id=[str(row % 5) if row % 7 else None for row in range(len(reports))])
    of_2010 = reports.loc[reports["year"] == 2010, ID].to_numpy()
    a, b = np.triu_indices(len(of_2010), 1)
    pairs = pd.DataFrame({
        "Company1": of_2010[a], "Company2": of_2010[b], "year": 2010,
        "cosine_similarity": np.round(rng.uniform(-1, 1, len(a)), 4),
        "correlation": np.round(rng.uniform(-1, 1, len(a)), 4),
    })  # fmt: skip
    return {"factors": factors, "pairs": pairs, "published_clusters/GROUPS": groups}


class Quiet:
    """What a step's body asks of its context, without an instance behind it: the metadata it adds stay here."""

    run_id = "spellings"

    def __init__(self, assets: dg.AssetsDefinition, names: Collection[str]) -> None:
        self.metadata: dict[str, Any] = {}
        self.log = logging.getLogger("compsim.spellings")
        self.assets_def, self.op_handle = assets, assets.op.name
        self.selected_asset_keys = {key for key in assets.keys if key.path[-1] in names}
        self.selected_asset_check_keys: set[dg.AssetCheckKey] = set()

    def add_output_metadata(self, metadata: dict[str, Any]) -> None:
        self.metadata.update(metadata)


def outputs(assets: dg.AssetsDefinition, names: Collection[str], **inputs: Any) -> Iterator[tuple[str, Any]]:
    """The values that a step's body makes, by name, one after the other; none where it makes nothing of these."""
    context = Quiet(assets, names)
    if not context.selected_asset_keys:
        return
    made = assets.op.compute_fn.decorated_fn(context, **inputs)  # type: ignore[union-attr]
    if not isinstance(made, Iterator):
        yield assets.key.path[-1], made
        return
    yield from ((each.output_name, each.value) for each in made if isinstance(each, dg.Output))


# What a file decides; what only reads its reports' ids is decided by them.
DECIDES = {
    "reports": ("descriptions", "returns", "baseline_clusters", "published_pairs", "sae_features"),
    "features": ("sae_features",),
    "prices": ("price_history", "returns"),
    "factors": ("factors",),
    "pairs": ("published_pairs",),
    "published_clusters/GROUPS": ("baseline_clusters",),
}
EVERY = tuple(dict.fromkeys(name for names in DECIDES.values() for name in names))


def tables(
    folder: Path, data: Path, names: Collection[str] = EVERY, reports: pa.Table | None = None
) -> dict[str, pa.Table]:
    """The tables that everything else is made of, as the assets make them of this folder.

    Args:
        names: which of them. reports: `descriptions`, where these are not among them.

    Raises:
        UniverseError: as the assets do.
    """
    settings = Settings(source="local", universe=str(folder), data=str(data))
    results, by_key = Results.of(settings), managers(settings)
    resources = {"settings": settings, "folder": ResultsFolder(settings=settings)}
    made: dict[str, pa.Table] = {}
    if reports is not None:
        results.write_table(results.table("descriptions"), reports)
    for name, value in outputs(descriptions_assets, names, **resources):
        key = "pairs_io_manager" if name == "published_pairs" else "io_manager"
        by_key[key].publish(name, None, value, Note())  # type: ignore[attr-defined]
        made[name] = read_table(results.table(name)).replace_schema_metadata(None)
    reports = made.get("descriptions", reports)
    frame = reports.to_pandas() if reports is not None else pd.DataFrame()
    for name, value in outputs(baseline_clusters, names, settings=settings, descriptions=frame):
        made[name] = validate(TABLES[name], value)
    for name, value in outputs(
        sae_features_assets, names, **resources, torchrun=Torchrun(), descriptions=frame, sparse_autoencoder=None
    ):
        by_key["folder_io_manager"].publish(name, None, value, Note())  # type: ignore[attr-defined]
        shards = FeatureShards(results.array_folder(name))
        rows = [row for part in shards.parts() for row in np.array(part)]
        made[name] = pa.table({"report_id": shards.report_id, "features": rows})
    factors = open_universe(settings).factors() if "factors" in names else None
    if factors is not None:
        made["factors"] = pa.Table.from_pandas(factors, preserve_index=False).replace_schema_metadata(None)
    return made
